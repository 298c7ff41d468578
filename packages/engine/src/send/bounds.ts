import { areNone } from '../model/caps.ts';
import { ShoalError } from '../model/errors.ts';
import { verdictOn } from '../model/policy.ts';
import { budgetScope, type Scope } from '../model/scope.ts';
import type { Store } from '../ports/store.ts';
import type { SubmitRequest } from '../ports/submit.ts';

/** What is counted when this request is accepted: the budgets of its token and of its inbox, where they have caps. */
export function budgetsOf({ inbox, by }: SubmitRequest): readonly Scope[] {
  return [by, inbox].flatMap((holder) => (holder?.caps === undefined || areNone(holder.caps) ? [] : [budgetScope(holder.id)]));
}

/** @throws ShoalError `sending_stopped` when this token may send nothing more */
export function refuseStoppedToken({ by }: SubmitRequest): void {
  if (by?.isStopped !== true) return;
  throw new ShoalError('sending_stopped', 'this token was stopped and may send nothing', { details: { token: `${by.id} is stopped` } });
}

/**
 * Security P6: whatever a mail has talked an agent into, it reaches nobody outside the policies of its inbox and its token.
 *
 * @param fields  recipients by the field they stand in
 * @throws ShoalError `recipient_not_allowed`; `details` names each of them
 */
export async function refuseRecipients(
  store: Pick<Store, 'hasReceivedFrom'>,
  { inbox, by }: SubmitRequest,
  fields: Readonly<Record<'to' | 'cc' | 'bcc', readonly string[]>>,
): Promise<void> {
  const details: Record<string, string> = {};
  const refused: string[] = [];
  for (const [field, addresses] of Object.entries(fields))
    for (const [index, address] of addresses.entries())
      for (const [whose, policy] of [['inbox', inbox.policy] as const, ['token', by?.policy] as const]) {
        const verdict = policy === undefined ? 'pass' : verdictOn(policy, address);
        const isKnown = verdict === 'ask' && (await store.hasReceivedFrom(inbox.id, address));
        if (verdict === 'pass' || isKnown) continue;
        const why = verdict === 'ask' ? 'has not written to this inbox' : 'is not on the allow list';
        details[`${field}.${index}`] ??= `${address} ${why} (policy of the ${whose})`;
        refused.push(address);
      }
  const [first] = refused;
  if (first === undefined) return;
  const others = new Set(refused).size - 1;
  throw new ShoalError('recipient_not_allowed', `${first} may not be written to${others > 0 ? ` (and ${others} more in details)` : ''}`, {
    details,
  });
}
