import { checkedCaps, limitsOfCaps } from '../model/caps.ts';
import { ShoalError } from '../model/errors.ts';
import type { InboxId, TokenId } from '../model/ids.ts';
import { checkedPolicy } from '../model/policy.ts';
import { budgetScope } from '../model/scope.ts';
import type { Refuse } from '../model/written-limits.ts';
import type { BoundsChange } from '../ports/store.ts';
import type { ApiPorts } from './ports.ts';

/** Caps and policy as they were written; nothing in them was checked. */
export interface WrittenBounds {
  readonly caps?: unknown;
  readonly policy?: unknown;
}

/** @throws ShoalError `refused_value` with the place that is wrong, such as `caps.perHour.messages` */
export function checkedBounds({ caps, policy }: WrittenBounds): BoundsChange {
  return {
    ...(caps === undefined ? {} : { caps: checkedCaps(caps, refusing('caps')) }),
    ...(policy === undefined ? {} : { policy: checkedPolicy(policy, refusing('policy')) }),
  };
}

/** The ledger counts, the store only shows; so the ledger comes first, and nothing is shown that is not counted. */
export async function limitBudget(ports: Pick<ApiPorts, 'ledger'>, of: TokenId | InboxId, { caps }: BoundsChange): Promise<void> {
  if (caps !== undefined) await ports.ledger.limit([{ scope: budgetScope(of), limits: limitsOfCaps(caps) }]);
}

/** @throws ShoalError `refused_value`, and `bad_request` when nothing is to be changed */
export function changeIn(written: WrittenBounds): BoundsChange {
  const change = checkedBounds(written);
  if (Object.keys(change).length > 0) return change;
  throw new ShoalError('bad_request', 'nothing to change: give caps or policy', { details: { caps: 'or policy is required' } });
}

function refusing(field: string): Refuse {
  return (at, problem) => {
    const place = at === '' ? field : `${field}.${at}`;
    return new ShoalError('refused_value', `${place} ${problem}`, { details: { [place]: problem } });
  };
}
