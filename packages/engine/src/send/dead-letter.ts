import type { DeadReason, Outcome } from '../model/outcome.ts';

/** A job that will not be tried again by itself. It stays until somebody purges or requeues it, with every attempt it made. */
export function deadLetter(
  reason: DeadReason,
  last: string,
): { readonly outcome: Extract<Outcome, { kind: 'dead' }>; readonly note: string } {
  return { outcome: { kind: 'dead', reason }, note: `${last} ${WHAT_NOW[reason]}` };
}

/** For the person who reads the dead letter. */
const WHAT_NOW: Readonly<Record<DeadReason, string>> = {
  permanent: 'The refusal is definite, so it was not tried again. Correct the cause, then requeue it or send anew.',
  expired: 'Its expiry comes before another try could be made.',
  exhausted: 'It was tried as long and as often as it may be. Requeue it once the other side is well again.',
  poison: 'It killed its worker twice while running alone.',
  decided: 'Somebody decided so.',
  over_limit: 'It has more recipients than its sender may mail in a whole window. Split it, or raise the limit and requeue it.',
};
