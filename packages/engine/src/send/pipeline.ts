import type { Lease, Settlement } from '../ports/ledger.ts';
import type { Verdict } from './classify.ts';
import type { CommitAnswer } from './commit.ts';
import type { Seen } from './deliver.ts';

/**
 * The story OUT: how a submitted mail reaches the next hop. What belongs here: the steps below and the decisions between
 * them (submit, lease, commit, deliver, classify, decide, settle, retry, doubt, dead letter, sweep), as pure as they can be.
 * What does not: a socket, a query, a product's name. Those are behind `ports/`, and time and chance come in through them.
 * Only this folder tries anything twice. `submit.ts` begins the story, `worker.ts` runs the steps below, many at a time.
 */
export interface Steps {
  lease(): Promise<Held | undefined>;
  hasTime(held: Held): boolean;
  commit(held: Held): Promise<CommitAnswer>;
  deliver(held: Held, commit: () => Promise<CommitAnswer>): Promise<Seen>;
  classify(seen: Seen): Verdict;
  decide(verdict: Verdict, held: Held, seen: Seen): Settlement;
  giveBack(held: Held): Settlement;
  settle(held: Held, settlement: Settlement): Promise<void>;
}

/** A lease in this worker's hands. */
export interface Held {
  readonly lease: Lease;
  /** This worker's clock just before the ledger was asked for the lease, or for more of it: the lease ends no earlier than `leaseMs` after it. */
  askedAt: number;
  /** `askedAt` of the call that brought it. */
  readonly leasedAt: number;
  /** Fires when the lease was lost or the worker stops: an attempt without a commit ends there. */
  readonly ended: AbortController;
}

/**
 * One mail, one attempt. Resolves with false when there is nothing more to lease, because the worker stops.
 *
 * Beware of the order: nothing is durable between `commit` and `settle`, so nothing may be slow there but the peer itself.
 */
export async function sendNext(step: Steps): Promise<boolean> {
  const held = await step.lease(); // a job and its token; no other worker has it while the lease lasts
  if (held === undefined) return false;
  if (!step.hasTime(held)) {
    await step.settle(held, step.giveBack(held)); // waited too long in our own hands: not the mail's fault, so not counted
    return true;
  }
  const seen = await step.deliver(held, () => step.commit(held)); // asks for the commit just before the last byte
  const verdict = step.classify(seen); // pure: what the reply means, and for which recipients
  const settlement = step.decide(verdict, held, seen); // pure: when to retry, when to give up, what doubt means here
  await step.settle(held, settlement);
  return true;
}
