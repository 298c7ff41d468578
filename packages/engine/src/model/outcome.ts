/** What an attempt comes to, decided in `send/` from what a transport saw; a ledger only stores it. */

/** Why a first copy may or may not be at the server: the line was cut, nothing came in time, or the reply made no sense. */
export type DoubtCause = 'cut' | 'timeout' | 'malformed' | 'worker-lost';
/** Each class has a retry schedule and a counter of its own. */
export const FAILURE_CLASSES = ['network', 'deferred', 'greylist'] as const;
export type FailureClass = (typeof FAILURE_CLASSES)[number];
/**
 * `permanent`: a definite refusal. `expired`: its time passed. `exhausted`: tried until the give-up time. `poison`: it kills
 * its worker. `decided`: by a person or agent. `over_limit`: it has more recipients than its sender may mail in a whole window.
 */
export const DEAD_REASONS = ['permanent', 'expired', 'exhausted', 'poison', 'decided', 'over_limit'] as const;
export type DeadReason = (typeof DEAD_REASONS)[number];
/** Ends of an attempt that are not the mail's fault, and so never count. */
export type ReleaseReason = 'shutdown' | 'throttled' | 'busy' | 'lost';

export type Outcome =
  | { readonly kind: 'sent' }
  | { readonly kind: 'retry'; readonly failure: FailureClass; readonly delayMs: number }
  | { readonly kind: 'dead'; readonly reason: DeadReason }
  /** With `resendMs` the ledger sends it once more after that time, unless the doubt heals before. */
  | { readonly kind: 'doubt'; readonly cause: DoubtCause; readonly resendMs?: number }
  | { readonly kind: 'release'; readonly why: ReleaseReason; readonly delayMs: number };

export function countsAsAttempt(outcome: Outcome): boolean {
  switch (outcome.kind) {
    case 'sent':
    case 'retry':
    case 'dead':
    case 'doubt':
      return true;
    case 'release':
      return false; // our own limits and our own shutdown are not the mail's fault
    default:
      return outcome satisfies never;
  }
}
