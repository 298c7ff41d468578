import { ShoalError } from '../model/errors.ts';
import type { InboxId } from '../model/ids.ts';
import { type Limits, NO_LIMITS, WEIGHT_MAX } from '../model/limit.ts';
import { inboxScope } from '../model/scope.ts';
import { checkedLimits, limitsOf } from '../model/written-limits.ts';
import type { Standing } from '../ports/ledger-scopes.ts';
import type { ApiPorts } from './ports.ts';

/**
 * How fast an inbox sends, within its sender: mail over its limits is accepted and waits, unlike mail over its caps. Both
 * are kept by the ledger alone. Nothing in it was checked.
 */
export interface WrittenInboxLimits {
  readonly limits?: unknown;
  /** Turns it has while an inbox of weight 1 has one. */
  readonly weight?: number;
}

/** @throws ShoalError `refused_value` with the place that is wrong, such as `limits.perDay` */
export function checkedInboxLimits({ limits, weight }: WrittenInboxLimits): Partial<Limits> {
  const written =
    limits === undefined ? undefined : checkedLimits(limits, (at, problem) => refused(at === '' ? 'limits' : `limits.${at}`, problem));
  if (written?.connections !== undefined) throw refused('limits.connections', 'is for senders: inboxes share the connections of theirs');
  if (weight !== undefined && !(Number.isInteger(weight) && weight >= 1 && weight <= WEIGHT_MAX))
    throw refused('weight', `must be a whole number from 1 to ${WEIGHT_MAX}, got ${weight}`);
  return { ...(written !== undefined && limitsOf(written, { idleMs: 0 })), ...(weight !== undefined && { weight }) };
}

/** What is absent stays as it is; `limits` replaces all that were there. */
export async function limitInbox(ports: Pick<ApiPorts, 'ledger'>, id: InboxId, change: Partial<Limits>): Promise<void> {
  if (Object.keys(change).length === 0) return;
  const scope = inboxScope(id);
  const [standing] = await ports.ledger.standing([scope]);
  const { weight, ...before } = standing?.limits ?? NO_LIMITS;
  const kept = change.rules === undefined ? before : NO_LIMITS;
  await ports.ledger.limit([{ scope, limits: { ...kept, ...(weight !== undefined && { weight }), ...change } }]);
}

export async function inboxStanding(ports: Pick<ApiPorts, 'ledger'>, id: InboxId): Promise<Standing> {
  const scope = inboxScope(id);
  const [standing] = await ports.ledger.standing([scope]);
  return standing ?? { scope, allowances: [], holds: [] };
}

function refused(place: string, problem: string): ShoalError {
  return new ShoalError('refused_value', `${place} ${problem}`, { details: { [place]: problem } });
}
