import { inboxScope, senderScope } from '../../../model/scope.ts';
import type { Act } from './act.ts';
import { limitsOf } from './admit.ts';
import { envelopeOf } from './rows.ts';
import { ENVELOPE } from './sql/settle.ts';

/** A mail that was sent, or may have been, makes its recipients known to the scopes that count new ones. */
export function knowRecipients(act: Act, { seq, lane }: { readonly seq: number; readonly lane: number }): void {
  if (!act.any().limits) return;
  const { kind, sender, name } = act.senders.lane(lane);
  if (kind !== 'send') return;
  for (const scope of [senderScope(sender), inboxScope(name)]) {
    const limited = limitsOf(act, scope);
    if (limited === undefined || !limited.limits.rules.some(({ unit }) => unit === 'newRecipients')) continue;
    const row = act.sql<{ envelope: string }>(ENVELOPE).get(seq);
    if (row !== undefined) act.seats.know(limited, envelopeOf(row));
  }
}
