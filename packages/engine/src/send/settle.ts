import { BATCH_MAX } from '../model/limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { LeaseBatch, LeaseRequest, Ledger, Settled, Settlement } from '../ports/ledger.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';
import type { Held } from './pipeline.ts';

/**
 * Ends of attempts on their way to the ledger. None is ever dropped while the process lives: a lost `sent` would become a
 * doubt. What ends while a call is under way goes with the next one, so the more there is to say, the fewer calls it takes.
 */
export interface Outbox {
  /** Resolves when there is room for another: at once, unless the ledger does not answer. */
  add(held: Held, settlement: Settlement): Promise<void>;
  /** Records what is due in one call, which also leases the next jobs. A failed call is made again later, with the same arguments. */
  flush(next?: LeaseRequest): Promise<LeaseBatch | undefined>;
  /** Until something may be recorded; 0 = now, absent when there is nothing. */
  readonly dueInMs: number | undefined;
  /** Not recorded yet. */
  readonly size: number;
}

export interface OutboxParts {
  readonly ledger: Pick<Ledger, 'settle'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** From this many on, `add` lets its caller wait: memory stays bounded, and nothing new is begun that can't be recorded. */
  readonly roomMax: number;
  readonly onAdded: () => void;
  /** A call that was to bring leases failed; it may have been applied all the same. */
  readonly onUnanswered: () => void;
  readonly onRecorded: (held: Held, settlement: Settlement, settled: Settled) => void;
}

interface Pending {
  readonly held: Held;
  readonly settlement: Settlement;
  failures: number;
  notBefore: number;
}

const RETRY_MS = 250;
const RETRY_MS_MAX = 5_000;

export function createOutbox(parts: OutboxParts): Outbox {
  const { ledger, clock, random, log, roomMax, onAdded, onUnanswered, onRecorded } = parts;
  let queue: Pending[] = [];
  let underWay = 0;
  let waitingForRoom: (() => void)[] = [];
  const size = (): number => queue.length + underWay;

  function takeDue(): readonly Pending[] {
    const now = clock.now();
    const batch = queue.filter((pending) => pending.notBefore <= now).slice(0, BATCH_MAX);
    if (batch.length === queue.length) queue = [];
    else queue = queue.filter((pending) => !batch.includes(pending));
    return batch;
  }

  /** Each waits a time of its own, so what failed together does not come together: one the ledger can't take holds up no other. */
  function putBack(batch: readonly Pending[]): void {
    for (const pending of batch) {
      const waitMs = Math.min(RETRY_MS * 2 ** pending.failures, RETRY_MS_MAX);
      pending.failures += 1;
      pending.notBefore = clock.now() + waitMs * (0.5 + random.uniform() / 2);
    }
    queue.push(...batch);
  }

  function note({ held, settlement }: Pending, settled: Settled): void {
    const { jobId } = settlement;
    // A job canceled or leased to another meanwhile is the ledger doing its work; the rest is a promise of ours, broken.
    if (settled.kind === 'refused') {
      const level = settled.because === 'lost' || settled.because === 'canceled' ? 'info' : 'error';
      log[level]('settle refused', { jobId, because: settled.because, outcome: settlement.outcome.kind });
    }
    onRecorded(held, settlement, settled);
  }

  function letIn(): void {
    if (size() < roomMax) {
      const ready = waitingForRoom;
      waitingForRoom = [];
      for (const resolve of ready) resolve();
    }
  }

  return {
    add(held, settlement) {
      queue.push({ held, settlement, failures: 0, notBefore: Number.NEGATIVE_INFINITY });
      onAdded();
      return size() < roomMax ? Promise.resolve() : new Promise((resolve) => waitingForRoom.push(resolve));
    },
    async flush(next) {
      const batch = takeDue();
      if (batch.length === 0) return undefined;
      underWay = batch.length;
      try {
        const answer = await ledger.settle(
          batch.map(({ settlement }) => settlement),
          next,
        );
        batch.forEach((pending, index) => {
          const settled = answer.settled[index];
          if (settled !== undefined) note(pending, settled);
        });
        return answer.next;
      } catch (cause) {
        // It may have been applied; the same settle again changes nothing more, and the next lease brings what its answer carried.
        if (next !== undefined) onUnanswered();
        log.warn('settle failed', { jobs: batch.length, failures: batch[0]?.failures, cause });
        putBack(batch);
        return undefined;
      } finally {
        underWay = 0;
        letIn();
      }
    },
    get dueInMs() {
      if (queue.length === 0) return undefined;
      return Math.max(0, Math.min(...queue.map(({ notBefore }) => notBefore)) - clock.now());
    },
    get size() {
      return size();
    },
  };
}
