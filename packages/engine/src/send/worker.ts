import type { SenderId, WorkerId } from '../model/ids.ts';
import type { JobKind } from '../model/job.ts';
import { BATCH_MAX, HEARTBEATS_PER_LEASE, PREFETCH_LEASE_FRACTION } from '../model/limits.ts';
import type { Apart } from '../ports/apart.ts';
import type { Clock } from '../ports/clock.ts';
import type { Lease, LeaseBatch, LeaseRequest, Ledger, Settled, Settlement } from '../ports/ledger.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';
import type { Transport } from '../ports/transport.ts';
import { classify, type Verdict } from './classify.ts';
import { type CommitAnswer, createCommit } from './commit.ts';
import { type DecideSettings, decide, giveBack } from './decide.ts';
import { deliver, type Seen } from './deliver.ts';
import { createHolding, createPace, hasTimeLeft, shelfMax } from './lease.ts';
import { type Held, type Steps, sendNext } from './pipeline.ts';
import { createOutbox } from './settle.ts';
import { sweepAgainAndAgain } from './sweep.ts';

export interface WorkerParts {
  readonly ledger: Ledger;
  /** The transport of a sender; the same one each time. Rejects when there is none: its jobs wait and the log says so. */
  readonly transportFor: (sender: SenderId) => Promise<Transport> | Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Without it jobs set apart wait for a worker that has it. */
  readonly apart?: Apart;
  /** While it says no, nothing new is leased; what is under way goes on. Asked again every second. */
  readonly mayLease?: () => boolean;
  readonly settings: WorkerSettings;
}

export interface WorkerSettings {
  /** Unique for each process and start: it is part of every nonce. */
  readonly workerId: WorkerId;
  /** Sends under way at once; 1 or more. */
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly kinds: readonly JobKind[];
  /** Multiplies every wait of a retry; above 0. */
  readonly retryScale: number;
  /** How long `run` drains when its signal fires; 30 s unless set. */
  readonly drainMs?: number;
  /** Wait before a doubt under `resend` is sent once more; one lease unless set. */
  readonly resendMs?: number;
  readonly giveUpMs?: number;
  readonly retentionMs?: number;
  /** Told at named points of the pipeline, at once and before anything else happens: for metrics, and for tests that kill the process there. */
  readonly observe?: (seen: Observed) => void;
}

export type Observed =
  | { readonly point: 'leased' | 'before-commit'; readonly lease: Lease }
  | { readonly point: 'committed'; readonly lease: Lease; readonly answer: CommitAnswer }
  | { readonly point: 'delivered'; readonly lease: Lease; readonly seen: Seen; readonly verdict: Verdict }
  | { readonly point: 'settled'; readonly lease: Lease; readonly settlement: Settlement; readonly settled: Settled };

export interface DrainResult {
  /** Leases given back unbegun. */
  readonly released: number;
  /** Sends that were under way and whose end was recorded in time. */
  readonly finished: number;
  /** Not recorded at the limit: each becomes a doubt, or is sent by another worker if it had no commit. */
  readonly left: number;
}

export interface WorkerStats {
  readonly sending: number;
  readonly shelved: number;
  readonly unrecorded: number;
  readonly endedPerSecond: number;
}

export interface Worker {
  start(): void;
  /** Starts, and drains when the signal fires. */
  run(signal: AbortSignal): Promise<DrainResult>;
  /** Stops leasing at once, gives back what was not begun, lets the rest end within the time. Repeating it changes nothing. */
  drain(withinMs: number): Promise<DrainResult>;
  /** Instead of `start`: at most one job set apart, sent alone, its end recorded. */
  runApart(): Promise<void>;
  stats(): WorkerStats;
}

/** With nothing to do, a worker looks this often all the same, in case a doorbell was missed. */
const LOOK_MS_MAX = 5_000;
/** The ledger may say "in 0 ms"; asked in a circle it would never rest. */
const LOOK_MS_MIN = 10;
const LEASE_RETRY_MS = 500;
const MAY_LEASE_LOOK_MS = 1_000;
const LEASE_RETRY_MS_MAX = 15_000;
const LONE_LEASE_FAILURES_MAX = 4;
const DRAIN_MS = 30_000;
const APART_PAUSE_MS = 1_000;
/** Part of the drain time after which sends without a commit are cut short; those with one get all of it. */
const DRAIN_GRACE = 0.25;
/** How often the log repeats that an account does not work. */
const COMPLAIN_MS = 60_000;

/**
 * Keeps `concurrency` mails under way, each through the steps of `pipeline.ts`, and talks to the ledger for all of them: one
 * call records what ended and leases what comes next, so the steady state is a commit and a settle for a batch of mails.
 * All state is the ledger's; killed at any point, it leaves leases that run out.
 */
export function createWorker(parts: WorkerParts): Worker {
  const { ledger, clock, random, log, settings } = parts;
  const { mayLease = () => true } = parts;
  const { workerId, concurrency, leaseMs, observe = () => {} } = settings;
  checkSettings(settings);
  const resendMs = settings.resendMs ?? leaseMs;
  const decideSettings: DecideSettings = {
    retryScale: settings.retryScale,
    resendMs,
    ...(settings.giveUpMs !== undefined && { giveUpMs: settings.giveUpMs }),
  };
  const uniform = (): number => random.uniform();
  const pace = createPace(clock, leaseMs * PREFETCH_LEASE_FRACTION);
  const commit = createCommit({ ledger, clock, log, worker: workerId });
  const complain = createComplaints(clock, log);

  let released = 0;
  let finished = 0;

  /** Fires when no new work is taken; `over` when this worker does nothing more at all. */
  const stopping = new AbortController();
  const over = new AbortController();
  const bell = createBell();
  const holding = createHolding(bell.ring);
  const outbox = createOutbox({
    ledger,
    clock,
    random,
    log,
    roomMax: concurrency,
    onAdded: bell.ring,
    onUnanswered: () => {
      hasUnanswered = true;
    },
    onRecorded(held, settlement, settled) {
      holding.letGo(held);
      if (stopping.signal.aborted && settlement.outcome.kind !== 'release') finished += 1;
      observe({ point: 'settled', lease: held.lease, settlement, settled });
    },
  });

  // ---- One mail

  const steps: Steps = {
    lease: () => holding.next(),
    hasTime: (held) => !held.ended.signal.aborted && hasTimeLeft(held, clock),
    async commit(held) {
      observe({ point: 'before-commit', lease: held.lease });
      const answer = await commit(held);
      observe({ point: 'committed', lease: held.lease, answer });
      return answer;
    },
    async deliver(held, ask) {
      const isStopping = (): boolean => stopping.signal.aborted;
      const transport = await findTransport(held.lease.sender);
      if ('report' in transport) return { ...transport, isStopping: isStopping() };
      return deliver({ transport, held, commit: ask, isStopping, log });
    },
    classify: (seen) => classify(seen.report),
    decide(verdict, held, seen) {
      pace.ended();
      observe({ point: 'delivered', lease: held.lease, seen, verdict });
      const settlement = decide(verdict, held.lease, seen, decideSettings, uniform);
      if (verdict.kind === 'wait' && verdict.cause === 'account') complain(held.lease.sender, settlement.note);
      return settlement;
    },
    giveBack: (held) => giveBack(held.lease, 'lost'),
    settle: (held, settlement) => outbox.add(held, settlement),
  };

  async function findTransport(sender: SenderId): Promise<Transport | Pick<Seen, 'report'>> {
    try {
      return await parts.transportFor(sender);
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause);
      const facts = { peer: `sender ${sender}`, tls: 'none', isReused: false, durationMs: 0 };
      return { report: { kind: 'failed', phase: 'connect', cause: 'missing', detail, facts } };
    }
  }

  /** One of `concurrency` places in which a mail can be under way. */
  async function sendOneAfterAnother(): Promise<void> {
    let held: Held | undefined;
    const own: Steps = {
      ...steps,
      async lease() {
        held = await steps.lease();
        if (held !== undefined) observe({ point: 'leased', lease: held.lease });
        return held;
      },
    };
    for (let goesOn = true; goesOn; ) {
      try {
        goesOn = await sendNext(own);
      } catch (cause) {
        // A fault of ours. Without its heartbeat the lease runs out, and the ledger knows what that means: a crash before
        // the commit, a doubt after it.
        log.error('a send broke off', { jobId: held?.lease.jobId, cause });
        if (held !== undefined) holding.letGo(held);
      }
    }
  }

  // ---- Talking to the ledger

  let isHungry = true; // the last answer had work, or something rang since
  let lookAt = Number.NEGATIVE_INFINITY;
  let leaseFailures = 0;
  /** The ledger may have leased us jobs and we never heard of it: the next request says what we hold. */
  let hasUnanswered = false;
  let leaseNotBefore = Number.NEGATIVE_INFINITY;

  function wanted(): number {
    if (stopping.signal.aborted || clock.now() < leaseNotBefore || !mayLease()) return 0;
    const shelf = shelfMax({ perMs: pace.perMs, leaseMs, concurrency });
    return Math.min(BATCH_MAX, concurrency + shelf - (holding.all.size - outbox.size));
  }

  function requestFor(max: number): LeaseRequest | undefined {
    if (max < 1) return undefined;
    const request = { worker: workerId, kinds: settings.kinds, max, leaseMs, apart: false };
    return hasUnanswered ? { ...request, holds: [...holding.all].map(({ lease }) => lease.jobId) } : request;
  }

  /** Worth a call of its own: places stand empty, or half of the shelf does. */
  function isLow(max: number): boolean {
    return max > 0 && (holding.shelved === 0 || holding.shelved <= shelfMax({ perMs: pace.perMs, leaseMs, concurrency }) / 2);
  }

  /** Ends by itself once the places are empty and everything is recorded, what its last call brought included. */
  async function talkToLedger(): Promise<void> {
    while (!over.signal.aborted && !(arePlacesEmpty && outbox.size === 0)) {
      const max = wanted();
      const request = requestFor(max);
      if (outbox.dueInMs === 0) {
        const askedAt = clock.now();
        const batch = await outbox.flush(request);
        if (batch !== undefined) take(batch, askedAt);
      } else if (request !== undefined && isHungry && isLow(max)) {
        await leaseMore(request);
      } else {
        await rest(max);
      }
    }
  }

  async function leaseMore(request: LeaseRequest): Promise<void> {
    const askedAt = clock.now();
    try {
      take(await ledger.lease(request), askedAt);
      leaseFailures = 0;
    } catch (cause) {
      hasUnanswered = true;
      const waitMs = Math.min(LEASE_RETRY_MS * 2 ** leaseFailures, LEASE_RETRY_MS_MAX) * (0.5 + uniform() / 2);
      leaseFailures += 1;
      leaseNotBefore = clock.now() + waitMs;
      log.warn('lease failed', { waitMs: Math.round(waitMs), cause });
    }
  }

  function take(batch: LeaseBatch, askedAt: number): void {
    isHungry = batch.leases.length > 0;
    hasUnanswered = false;
    lookAt = clock.now() + Math.min(Math.max(batch.askAgainMs ?? LOOK_MS_MAX, LOOK_MS_MIN), LOOK_MS_MAX);
    holding.add(batch.leases, askedAt);
    if (stopping.signal.aborted)
      giveBackShelf(); // this answer was under way when the worker began to stop
    else if (batch.apartReady > 0) runOneApart(batch.apartReady);
  }

  async function rest(max: number): Promise<void> {
    const now = clock.now();
    const untilDue = outbox.dueInMs ?? LOOK_MS_MAX;
    const untilLease = leaseNotBefore > now ? leaseNotBefore - now : LOOK_MS_MAX;
    const signal = bell.listen();
    if (max < 1 || isHungry) {
      const untilLook = mayLease() ? LOOK_MS_MAX : MAY_LEASE_LOOK_MS;
      await clock.sleep(Math.min(untilDue, untilLease, untilLook), signal);
      return;
    }
    try {
      await ledger.wake(Math.min(untilDue, Math.max(lookAt - now, 0)), signal);
    } catch (cause) {
      log.warn('wake failed', { cause });
      await clock.sleep(LEASE_RETRY_MS, signal);
    }
    // Rung by ourselves, there is something to record, and that call asks for work too.
    if (!signal.aborted || clock.now() >= lookAt) isHungry = true;
  }

  async function keepLeases(): Promise<void> {
    const everyMs = leaseMs / HEARTBEATS_PER_LEASE;
    let waitMs = everyMs;
    while (!over.signal.aborted) {
      await clock.sleep(waitMs, over.signal);
      if (over.signal.aborted) return;
      waitMs = (await extendAll()) ? everyMs : everyMs / 4; // a missed beat is made up for soon
    }
  }

  async function extendAll(): Promise<boolean> {
    const all = [...holding.all];
    try {
      for (let from = 0; from < all.length; from += BATCH_MAX) await extend(all.slice(from, from + BATCH_MAX));
      return true;
    } catch (cause) {
      log.warn('heartbeat failed', { leases: all.length, cause });
      return false;
    }
  }

  async function extend(batch: readonly Held[]): Promise<void> {
    const askedAt = clock.now();
    const answers = await ledger.extend(
      batch.map(({ lease: { jobId, token } }) => ({ jobId, token })),
      leaseMs,
    );
    batch.forEach((held, index) => {
      const answer = answers[index];
      if (answer?.kind === 'extended') held.askedAt = askedAt;
      else if (answer !== undefined && holding.all.has(held)) {
        log.info('lease lost', { jobId: held.lease.jobId, because: answer.because });
        holding.lose(held);
      }
    });
  }

  // ---- Jobs set apart

  let isApartRunning = false;
  let apartRun: Promise<void> = Promise.resolve();

  function runOneApart(ready: number): void {
    if (parts.apart === undefined) {
      complain('apart', `${ready} jobs crashed their workers and wait to run apart, which this worker can't do.`);
      return;
    }
    if (isApartRunning) return;
    isApartRunning = true;
    apartRun = parts.apart
      .runOne(stopping.signal)
      .catch((cause: unknown) => log.error('running a job apart failed', { cause }))
      .then(() => clock.sleep(APART_PAUSE_MS, stopping.signal)) // a child that cannot start is not started without end
      .finally(() => {
        isApartRunning = false;
        isHungry = true; // the next answer says whether another one waits
        bell.ring();
      });
  }

  /** A lone process that ended over a lost answer would count as a crash of the job. */
  async function leaseOneApart(): Promise<{ readonly leases: readonly Lease[]; readonly askedAt: number }> {
    for (let failures = 0; ; failures += 1) {
      const askedAt = clock.now();
      const request = { worker: workerId, kinds: settings.kinds, max: 1, leaseMs, apart: true };
      try {
        const { leases } = await ledger.lease(failures === 0 ? request : { ...request, holds: [] });
        return { leases, askedAt };
      } catch (cause) {
        if (failures >= LONE_LEASE_FAILURES_MAX) throw cause;
        log.warn('lease failed', { cause });
        await clock.sleep(LEASE_RETRY_MS * 2 ** failures);
      }
    }
  }

  async function sendOneAlone(): Promise<void> {
    const { leases, askedAt } = await leaseOneApart();
    holding.add(leases, askedAt);
    if (stopping.signal.aborted) giveBackShelf();
    else if (leases.length > 0) {
      void keepLeases();
      await sendNext({ ...steps, settle: async (held, settlement) => void outbox.add(held, settlement) });
    }
    while (outbox.size > 0 && !over.signal.aborted) {
      await outbox.flush();
      if (outbox.size > 0) await clock.sleep(outbox.dueInMs ?? 0, over.signal);
    }
    over.abort();
  }

  // ---- Beginning and end

  /** Ends when nothing is under way any more and all of it is recorded. */
  let work: Promise<unknown> = Promise.resolve();
  let arePlacesEmpty = false;
  let isStarted = false;
  let drained: Promise<DrainResult> | undefined;

  function start(): void {
    if (isStarted) return;
    isStarted = true;
    const places = Promise.all(Array.from({ length: concurrency }, sendOneAfterAnother)).then(() => {
      arePlacesEmpty = true;
      bell.ring();
    });
    work = Promise.all([places, talkToLedger()]);
    void keepLeases();
    void sweepAgainAndAgain({ ledger, clock, random, log, settings: { ...settings, resendMs } }, stopping.signal);
  }

  function giveBackShelf(): void {
    for (const held of holding.close()) {
      released += 1;
      void outbox.add(held, giveBack(held.lease, 'shutdown'));
    }
  }

  async function stop(withinMs: number): Promise<DrainResult> {
    stopping.abort();
    giveBackShelf();
    bell.ring();
    const cutShort = clock.after(withinMs * DRAIN_GRACE, () => {
      for (const held of holding.all) held.ended.abort();
    });
    await Promise.race([Promise.all([work, apartRun]), clock.sleep(withinMs, over.signal)]);
    cutShort();
    over.abort(); // heartbeats end here: what is left is swept once its lease ran out
    bell.ring();
    return { released, finished, left: holding.all.size };
  }

  function drain(withinMs: number): Promise<DrainResult> {
    drained ??= stop(withinMs);
    return drained;
  }

  return {
    start,
    drain,
    async run(signal) {
      start();
      if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      return drain(settings.drainMs ?? DRAIN_MS);
    },
    runApart() {
      const alone = sendOneAlone();
      work = alone.catch(() => {}); // its caller hears of it
      return alone;
    },
    stats: () => ({
      sending: holding.all.size - holding.shelved - outbox.size,
      shelved: holding.shelved,
      unrecorded: outbox.size,
      endedPerSecond: pace.perMs * 1_000,
    }),
  };
}

function checkSettings({ concurrency, leaseMs, retryScale }: WorkerSettings): void {
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw new RangeError(`concurrency must be a whole number of at least 1, got ${concurrency}`);
  if (!(leaseMs > 0)) throw new RangeError(`leaseMs must be above 0, got ${leaseMs}`);
  if (!(retryScale > 0)) throw new RangeError(`retryScale must be above 0, got ${retryScale}`);
}

/** Ends the rest of the one who talks to the ledger. Rung while nobody rests it does nothing: the talk looks at everything before it rests. */
function createBell() {
  let current = new AbortController();
  return {
    ring: (): void => current.abort(),
    listen(): AbortSignal {
      current = new AbortController();
      return current.signal;
    },
  };
}

/** Loud, but not once for every mail. */
function createComplaints(clock: Clock, log: Log) {
  const saidAt = new Map<string, number>();
  return function complain(about: string, note: string): void {
    const now = clock.now();
    if (now - (saidAt.get(about) ?? Number.NEGATIVE_INFINITY) < COMPLAIN_MS) return;
    saidAt.set(about, now);
    log.error('mail is held back', { about, note });
  };
}
