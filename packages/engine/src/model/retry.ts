import type { FailureClass } from './outcome.ts';
import type { Reply } from './reply.ts';

/** What somebody changed about when a failed mail is tried again: by class, or by a function of their own. */
export interface RetryOptions {
  readonly classes: Readonly<Partial<Record<FailureClass, RetryClassOptions>>>;
  /** Asked first; where it has nothing to say, the schedule answers. */
  readonly policy?: RetryPolicy;
}

/** What is absent stays as it is without it. */
export interface RetryClassOptions {
  /** Waits after the first failure of the class, the second, and so on. */
  readonly delaysMs?: readonly number[];
  /** No wait is longer, jitter included. */
  readonly ceilingMs?: number;
  /** No attempt begins later than this after the first counted failure. */
  readonly giveUpMs?: number;
  /** A failure of this class ends the mail once this many attempts failed, of any class; greylist replies count as one. */
  readonly attemptsMax?: number;
}

/**
 * When to try again, asked after each counted failure. It must answer at once and keep nothing: it is asked in whichever
 * process made the attempt, and a restart forgets what it remembered. `undefined` leaves it to the schedule.
 */
export type RetryPolicy = (attempt: FailedAttempt) => RetryPlan | undefined;
export type RetryPlan = { readonly delayMs: number } | { readonly giveUp: true };

/** A failure that is counted, with what is known of its mail. */
export interface FailedAttempt {
  readonly failure: FailureClass;
  /** Counted attempts, this one included. */
  readonly attempts: number;
  /** Counted failures of each class before this one. */
  readonly failures: Readonly<Partial<Record<FailureClass, number>>>;
  /** Since the first counted failure; 0 when this is the first. */
  readonly failingMs: number;
  /** Since it was queued. */
  readonly ageMs: number;
  /** What the server said; absent when it said nothing. */
  readonly reply?: Reply;
  /** Those whom this is about. */
  readonly recipients: readonly string[];
  /** Until it may no longer be sent; absent when it never expires. */
  readonly expiresInMs?: number;
}
