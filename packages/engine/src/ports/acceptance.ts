import type { Message } from '../model/message.ts';
import type { Enqueued, NewJob } from './ledger.ts';

export interface Submission {
  readonly message: Message;
  readonly job: NewJob;
}

/**
 * Makes a submitted message and its job durable. With one file for ledger and store it is one transaction; apart, the
 * store's row comes first and the enqueue may be repeated. Resolves only when what was accepted survives a crash: after
 * it, and only then, a 202 may be said. A message whose job was `existing`, `conflict` or `stale` leaves no row.
 */
export interface Acceptance {
  accept(submission: Submission): Promise<Enqueued>;
}
