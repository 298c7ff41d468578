import type { ErrorCode } from '../model/errors.ts';
import type { DeadReason, DoubtCause, Outcome } from '../model/outcome.ts';
import type { Report } from '../model/reply.ts';
import type { Committed, LedgerStats, Settled } from './ledger.ts';

/**
 * Counts what happens in this process. Some of it happens with every mail, so a count is an addition to a plain number and
 * nothing else; who asks for the figures pays for putting them together. No label has an unbounded number of values: no
 * address, no id, no tenant.
 */
export interface Meter {
  /** A request to send was answered: taken, known from before, or refused with a code. */
  submitted(answer: 'accepted' | 'deduplicated' | ErrorCode): void;
  /** The ledger answered a worker's call with this many leases, none included. */
  leased(jobs: number): void;
  committed(answer: CommitEnd): void;
  /** A transport came to the end of an attempt. */
  carried(report: Report['kind'], durationMs: number): void;
  /** One call recorded the ends of this many attempts. */
  settled(jobs: number): void;
  /** The end of a lease is on record; `refused`: the ledger did not take it, since the lease was not this worker's any more. */
  ended(end: Outcome | Extract<Settled, { readonly kind: 'refused' }>): void;
  /** A mail is on record as sent, this long after it was queued. */
  sent(ageMs: number): void;
  died(reason: DeadReason, jobs: number): void;
  doubted(cause: DoubtCause, jobs: number): void;
  /** Leases that ran out before their commit: their workers died or stood still. */
  crashed(jobs: number): void;
  /** A transaction is on disk: `acts` shared it, and `durationMs` is from its begin to its end. */
  wrote(transaction: { readonly acts: number; readonly durationMs: number }): void;
  /** `route` is its pattern, such as `/v1/emails/:id`; `none` when no route was met. */
  request(answered: { readonly method: string; readonly route: string; readonly status: number; readonly durationMs: number }): void;
  /** Everything as Prometheus reads it, the ledger as it stands now included. */
  exposition(
    ledger: LedgerStats & { readonly workers: number; readonly sending: number },
  ): Promise<{ readonly contentType: string; readonly text: string }>;
}

export type CommitEnd = 'granted' | Extract<Committed, { readonly kind: 'refused' }>['because'] | 'unanswered';

/** How this process stands, looked at when somebody asks. */
export interface Surroundings {
  readonly version: string;
  /** Leases in this process: under way, waiting to be begun, ended and not recorded yet. */
  leases(): { readonly sending: number; readonly shelved: number; readonly unrecorded: number };
  /** `freeBytes` is absent until the disk was looked at. */
  disk(): { readonly freeBytes?: number; readonly floorBytes: number; readonly isShort: boolean };
}
