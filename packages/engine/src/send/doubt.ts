import type { DoubtPolicy } from '../model/job.ts';
import { RESENDS_MAX } from '../model/limits.ts';
import type { DoubtCause, Outcome } from '../model/outcome.ts';

export interface DoubtFacts {
  readonly onDoubt: DoubtPolicy;
  readonly resends: number;
}

/**
 * The dot may have been taken and no reply was seen. Nobody can know (RFC 1047), so the sender of the mail chose beforehand:
 * `hold` shows the doubt and never sends twice by itself; `resend` sends the same bytes once more, after a wait in which a
 * late answer can still heal it. A second doubt is held in any case, so at most one extra copy is ever sent by itself.
 */
export function decideDoubt(cause: DoubtCause, facts: DoubtFacts, resendMs: number): Extract<Outcome, { kind: 'doubt' }> {
  const mayResend = facts.onDoubt === 'resend' && facts.resends < RESENDS_MAX;
  return mayResend ? { kind: 'doubt', cause, resendMs } : { kind: 'doubt', cause };
}
