import type { WorkerId } from '../model/ids.ts';
import type { JobKind } from '../model/job.ts';
import { BATCH_MAX, HEARTBEATS_PER_LEASE } from '../model/limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { LeaseBatch, LeaseRequest, Ledger } from '../ports/ledger.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';
import { type Holding, type Pace, shelfMax } from './lease.ts';
import type { Held } from './pipeline.ts';
import type { Outbox } from './settle.ts';

/**
 * The talk of one worker with the ledger, for all its mails at once: one call records what ended and leases what comes next,
 * and every third of a lease one more keeps what is held. Not here: what becomes of a mail.
 */
export interface LedgerLoop {
  /** Records and leases; ends by itself once the places are empty and all is recorded, or when `over` fires. */
  run(): Promise<void>;
  /** Extends all leases until `over` fires. */
  keepLeases(): Promise<void>;
  /** A call that was to bring leases got no answer: the next request says what we hold. */
  noteUnanswered(): void;
  /** There may be work again: asks at once. */
  askSoon(): void;
}

export interface LedgerLoopParts {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly settings: {
    readonly workerId: WorkerId;
    readonly kinds: readonly JobKind[];
    readonly leaseMs: number;
    readonly concurrency: number;
  };
  readonly holding: Holding;
  readonly outbox: Outbox;
  readonly pace: Pace;
  readonly bell: Bell;
  /** While it says no, nothing new is leased; asked again every second. */
  readonly mayLease: () => boolean;
  readonly stopping: AbortSignal;
  readonly over: AbortSignal;
  readonly arePlacesEmpty: () => boolean;
  /** Mails under way that take none of the `concurrency` places any more. */
  readonly beyond: () => number;
  /** Leases came although the worker is stopping. */
  readonly onLateLeases: () => void;
  readonly onApartReady: (count: number) => void;
}

/** With nothing to do, a worker looks this often all the same, in case a doorbell was missed. */
const LOOK_MS_MAX = 5_000;
/** The ledger may say "in 0 ms"; without a floor the loop would spin. */
const LOOK_MS_MIN = 10;
export const LEASE_RETRY_MS = 500;
const LEASE_RETRY_MS_MAX = 15_000;
const MAY_LEASE_LOOK_MS = 1_000;

export function createLedgerLoop(parts: LedgerLoopParts): LedgerLoop {
  const { ledger, clock, random, log, holding, outbox, pace, bell, mayLease, stopping, over } = parts;
  const { workerId, kinds, leaseMs, concurrency } = parts.settings;

  let isHungry = true; // the last answer had work, or something rang since
  let lookAt = Number.NEGATIVE_INFINITY;
  let leaseFailures = 0;
  /** The ledger may have leased us jobs and we never heard of it: the next request says what we hold. */
  let hasUnanswered = false;
  let leaseNotBefore = Number.NEGATIVE_INFINITY;

  function wanted(): number {
    if (stopping.aborted || clock.now() < leaseNotBefore || !mayLease()) return 0;
    const shelf = shelfMax({ perMs: pace.perMs, leaseMs, concurrency });
    return Math.min(BATCH_MAX, concurrency + shelf - (holding.all.size - outbox.size - parts.beyond()));
  }

  function requestFor(max: number): LeaseRequest | undefined {
    if (max < 1) return undefined;
    const request = { worker: workerId, kinds: kinds, max, leaseMs, apart: false };
    return hasUnanswered ? { ...request, knownLeases: [...holding.all].map(({ lease: { jobId, token } }) => ({ jobId, token })) } : request;
  }

  /** Worth a call of its own: places stand empty, or half of the shelf does. */
  function isLow(max: number): boolean {
    return max > 0 && (holding.shelved === 0 || holding.shelved <= shelfMax({ perMs: pace.perMs, leaseMs, concurrency }) / 2);
  }

  /** Ends by itself once the places are empty and everything is recorded, what its last call brought included. */
  async function talkToLedger(): Promise<void> {
    while (!over.aborted && !(parts.arePlacesEmpty() && outbox.size === 0)) {
      const max = wanted();
      const request = requestFor(max);
      if (outbox.dueInMs === 0) {
        const askedAt = clock.now();
        const batch = await outbox.flush(isLow(max) ? request : undefined); // a few large leases cost less than many small ones
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
      const waitMs = Math.min(LEASE_RETRY_MS * 2 ** leaseFailures, LEASE_RETRY_MS_MAX) * (0.5 + random.uniform() / 2);
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
    if (stopping.aborted)
      parts.onLateLeases(); // this answer was under way when the worker began to stop
    else if (batch.apartReady > 0) parts.onApartReady(batch.apartReady);
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
    while (!over.aborted) {
      await clock.sleep(waitMs, over);
      if (over.aborted) return;
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

  return {
    run: talkToLedger,
    keepLeases,
    noteUnanswered() {
      hasUnanswered = true;
    },
    askSoon() {
      isHungry = true;
      bell.ring();
    },
  };
}

/** Wakes the loop from its rest. Rung while it works it does nothing, since the loop looks at everything before it rests. */
export interface Bell {
  ring(): void;
  listen(): AbortSignal;
}

export function createBell(): Bell {
  let listening: AbortController | undefined;
  return {
    ring() {
      listening?.abort(); // it is rung for every mail, and mostly nobody listens
      listening = undefined;
    },
    listen() {
      listening = new AbortController();
      return listening.signal;
    },
  };
}
