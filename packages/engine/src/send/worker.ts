import type { SenderId, WorkerId } from '../model/ids.ts';
import type { JobKind } from '../model/job.ts';
import { PREFETCH_LEASE_FRACTION } from '../model/limits.ts';
import type { RetryOptions } from '../model/retry.ts';
import type { Apart } from '../ports/apart.ts';
import type { Clock } from '../ports/clock.ts';
import type { Lease, Ledger, Settled, Settlement } from '../ports/ledger.ts';
import type { WorkerBeat } from '../ports/ledger-scopes.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';
import type { Transport } from '../ports/transport.ts';
import { beatAgainAndAgain } from './beat.ts';
import { classify, type Verdict } from './classify.ts';
import { type CommitAnswer, createCommit } from './commit.ts';
import { createComplaints } from './complaints.ts';
import { type DecideSettings, decide, giveBack } from './decide.ts';
import { deliver, type Seen } from './deliver.ts';
import { createHolding, createPace, hasTimeLeft } from './lease.ts';
import { createBell, createLedgerLoop, LEASE_RETRY_MS } from './ledger-loop.ts';
import { type Held, type Steps, sendNext } from './pipeline.ts';
import { createPlaces } from './places.ts';
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
  /** Sends under way at once, before their final dot; 1 or more. A transport with connections of its own has as many more behind it. */
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly kinds: readonly JobKind[];
  /** Multiplies every wait of a retry; above 0. */
  readonly retryScale: number;
  /** Wait before a doubt under `resend` is sent once more; one lease unless set. */
  readonly resendMs?: number;
  readonly giveUpMs?: number;
  /** Changes the schedules of retries, by class or by a policy. */
  readonly retry?: RetryOptions;
  readonly retentionMs?: number;
  /** Where this worker runs, for whoever looks at the queue; absent: it is not shown there. */
  readonly about?: Pick<WorkerBeat, 'host' | 'pid' | 'version'>;
  /** Told at named points of the pipeline, at once and before anything else happens: for metrics, and for tests that kill the process there. */
  readonly observe?: (seen: Observed) => void;
}

export type Observed =
  | { readonly point: 'leased' | 'before-commit'; readonly lease: Lease }
  | { readonly point: 'committed'; readonly lease: Lease; readonly answer: CommitAnswer }
  | { readonly point: 'delivered'; readonly lease: Lease; readonly seen: Seen; readonly verdict: Verdict }
  /** `heldMs`: since its lease was asked for. */
  | {
      readonly point: 'settled';
      readonly lease: Lease;
      readonly heldMs: number;
      readonly settlement: Settlement;
      readonly settled: Settled;
    };

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
  /** Stops leasing at once, gives back what was not begun, lets the rest end within the time. Repeating it changes nothing. */
  drain(withinMs: number): Promise<DrainResult>;
  /** Instead of `start`: at most one job set apart, sent alone, its end recorded. */
  runApart(): Promise<void>;
  stats(): WorkerStats;
}

const APART_LEASE_FAILURES_MAX = 4;
const APART_PAUSE_MS = 1_000;
/** Part of the drain time after which sends without a commit are cut short; those with one get all of it. */
const DRAIN_GRACE = 0.25;

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
    ...(settings.retry !== undefined && { retry: settings.retry }),
    onPolicyFault: once((fault) => log.error('the retry policy is at fault, so the schedule is used', { fault })),
  };
  const uniform = (): number => random.uniform();
  const pace = createPace(clock, leaseMs * PREFETCH_LEASE_FRACTION);
  const commit = createCommit({ ledger, clock, log, worker: workerId });
  const complaints = createComplaints(clock, log);

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
    onUnanswered: () => loop.noteUnanswered(),
    onRecorded(held, settlement, settled) {
      holding.letGo(held);
      if (stopping.signal.aborted && settlement.outcome.kind !== 'release') finished += 1;
      observe({ point: 'settled', lease: held.lease, heldMs: clock.now() - held.leasedAt, settlement, settled });
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
    deliver: (held, ask) => deliverBy(held, () => ask()),
    classify: (seen) => classify(seen.report),
    decide(verdict, held, seen) {
      pace.ended();
      observe({ point: 'delivered', lease: held.lease, seen, verdict });
      const settlement = decide(verdict, held.lease, seen, decideSettings, uniform);
      complaints.attempt(held.lease, settlement);
      if (settlement.effects?.some(({ kind }) => kind === 'throttled' || kind === 'hold')) giveBackShelfOf(held.lease.sender);
      return settlement;
    },
    giveBack: (held) => giveBack(held.lease, 'lost'),
    settle: (held, settlement) => outbox.add(held, settlement),
  };

  /** Its peer was just said to want less: what waits here for it would only ask the same again. */
  function giveBackShelfOf(sender: SenderId): void {
    for (const held of holding.takeBack(sender)) {
      const { jobId, token } = held.lease;
      const note = 'Its sender has to slow down; it waits with the others.';
      void outbox.add(held, { jobId, token, outcome: { kind: 'release', why: 'throttled', delayMs: 0 }, note });
    }
  }

  async function deliverBy(held: Held, ask: (transport: Transport) => Promise<CommitAnswer>): Promise<Seen> {
    const isStopping = (): boolean => stopping.signal.aborted;
    const transport = await findTransport(held.lease.sender);
    if ('report' in transport) return { ...transport, isStopping: isStopping() };
    return deliver({ transport, held, commit: () => ask(transport), isStopping, log });
  }

  async function findTransport(sender: SenderId): Promise<Transport | Pick<Seen, 'report'>> {
    try {
      return await parts.transportFor(sender);
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause);
      const facts = { peer: `sender ${sender}`, tls: 'none', isReused: false, durationMs: 0 };
      return { report: { kind: 'failed', phase: 'connect', cause: 'missing', detail, facts } };
    }
  }

  const places = createPlaces(concurrency);
  /** Mails that gave up their place and whose end nobody knows yet. */
  let beyond = 0;

  /** One mail after the other, each from a place on; there are twice as many of these as places. */
  async function sendOneAfterAnother(): Promise<void> {
    let held: Held | undefined;
    let stands: 'nowhere' | 'in-place' | 'beyond' = 'nowhere';
    const goBeyond = (): void => {
      stands = 'beyond';
      beyond += 1;
      places.leave();
    };
    const comeBack = (): void => {
      if (stands === 'beyond') beyond -= 1;
      else if (stands === 'in-place') places.leave();
      stands = 'nowhere';
    };
    const own: Steps = {
      ...steps,
      async lease() {
        await places.enter();
        stands = 'in-place';
        held = await steps.lease();
        if (held !== undefined) observe({ point: 'leased', lease: held.lease });
        return held;
      },
      deliver: (of, ask) =>
        deliverBy(of, (transport) => {
          if (transport.capabilities.connectionsMax !== undefined && stands === 'in-place') goBeyond();
          return ask();
        }),
      settle(of, settlement) {
        if (stands === 'beyond') comeBack(); // from here on the outbox counts it; a place is kept until there is room in that
        return steps.settle(of, settlement);
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
      } finally {
        comeBack();
      }
    }
  }

  let arePlacesEmpty = false;
  const loop = createLedgerLoop({
    ...{ ledger, clock, random, log, settings, holding, outbox, pace, bell, mayLease },
    stopping: stopping.signal,
    over: over.signal,
    arePlacesEmpty: () => arePlacesEmpty,
    beyond: () => Math.min(beyond, concurrency), // one more of them frees no place that anybody could take
    onLateLeases: giveBackShelf,
    onApartReady: runOneApart,
  });

  // ---- Jobs set apart

  let isApartRunning = false;
  let apartRun: Promise<void> = Promise.resolve();

  function runOneApart(ready: number): void {
    if (parts.apart === undefined) {
      complaints.held('apart', `${ready} jobs crashed their workers and wait to run apart, which this worker can't do.`);
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
        loop.askSoon(); // the next answer says whether another one waits
      });
  }

  /** A lone process that ended over a lost answer would count as a crash of the job. */
  async function leaseOneApart(): Promise<{ readonly leases: readonly Lease[]; readonly askedAt: number }> {
    for (let failures = 0; ; failures += 1) {
      const askedAt = clock.now();
      const request = { worker: workerId, kinds: settings.kinds, max: 1, leaseMs, apart: true };
      try {
        const { leases } = await ledger.lease(failures === 0 ? request : { ...request, knownLeases: [] });
        return { leases, askedAt };
      } catch (cause) {
        if (failures >= APART_LEASE_FAILURES_MAX) throw cause;
        log.warn('lease failed', { cause });
        await clock.sleep(LEASE_RETRY_MS * 2 ** failures);
      }
    }
  }

  async function sendOneApart(): Promise<void> {
    const { leases, askedAt } = await leaseOneApart();
    holding.add(leases, askedAt);
    if (stopping.signal.aborted) giveBackShelf();
    else if (leases.length > 0) {
      void loop.keepLeases();
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
  let isStarted = false;
  let drained: Promise<DrainResult> | undefined;

  function start(): void {
    if (isStarted) return;
    isStarted = true;
    const ended = Promise.all(Array.from({ length: 2 * concurrency }, sendOneAfterAnother)).then(() => {
      arePlacesEmpty = true;
      bell.ring();
    });
    work = Promise.all([ended, loop.run()]);
    void loop.keepLeases();
    showItself();
    void sweepAgainAndAgain({ ledger, clock, random, log, settings: { ...settings, resendMs } }, stopping.signal);
  }

  function showItself(): void {
    const { about } = settings;
    if (about === undefined) return;
    const look = (): WorkerBeat => {
      const { sending, endedPerSecond } = stats();
      return { ...about, id: workerId, concurrency, sending, endedPerSecond };
    };
    void beatAgainAndAgain({ ledger, clock, random, log, look }, stopping.signal);
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

  function stats(): WorkerStats {
    return {
      sending: holding.all.size - holding.shelved - outbox.size,
      shelved: holding.shelved,
      unrecorded: outbox.size,
      endedPerSecond: pace.perMs * 1_000,
    };
  }

  function drain(withinMs: number): Promise<DrainResult> {
    drained ??= stop(withinMs);
    return drained;
  }

  return {
    start,
    drain,
    runApart() {
      const alone = sendOneApart();
      work = alone.catch(() => {}); // its caller hears of it
      return alone;
    },
    stats,
  };
}

function checkSettings({ concurrency, leaseMs, retryScale }: WorkerSettings): void {
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw new RangeError(`concurrency must be a whole number of at least 1, got ${concurrency}`);
  if (!(leaseMs > 0)) throw new RangeError(`leaseMs must be above 0, got ${leaseMs}`);
  if (!(retryScale > 0)) throw new RangeError(`retryScale must be above 0, got ${retryScale}`);
}

function once(say: (text: string) => void): (text: string) => void {
  let isSaid = false;
  return (text) => {
    if (!isSaid) say(text);
    isSaid = true;
  };
}
