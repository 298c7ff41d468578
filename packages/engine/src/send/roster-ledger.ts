/** What the roster asks and tells the ledger about senders, in as many calls as their number takes. */
import type { SenderId } from '../model/ids.ts';
import { type Limits, NO_LIMITS } from '../model/limit.ts';
import { BATCH_MAX } from '../model/limits.ts';
import { senderScope } from '../model/scope.ts';
import type { Sender } from '../model/sender.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { LimitChange, Standing } from '../ports/ledger-scopes.ts';

/** How each of these senders stands, in their order. */
export async function standingsOf(ledger: Pick<Ledger, 'standing'>, senders: readonly Pick<Sender, 'id'>[]): Promise<readonly Standing[]> {
  const standings: Standing[] = [];
  for (const some of batches(senders)) standings.push(...(await ledger.standing(some.map(({ id }) => senderScope(id)))));
  return standings;
}

/** Only what the ledger does not know yet: each change wakes every lane that waits for its sender. */
export async function tellLimits(
  ledger: Pick<Ledger, 'limit'>,
  senders: readonly Sender[],
  standings: readonly Standing[],
  removed: readonly SenderId[],
): Promise<void> {
  const changes: readonly LimitChange[] = [
    ...senders
      .filter(({ limits }, index) => !isSame(standings[index]?.limits ?? NO_LIMITS, limits))
      .map(({ id, limits }) => ({ scope: senderScope(id), limits })),
    ...removed.map((id) => ({ scope: senderScope(id) })),
  ];
  for (const some of batches(changes)) await ledger.limit(some);
}

function isSame(one: Limits, other: Limits): boolean {
  return inOrder(one) === inOrder(other);
}

/** A ledger may give the parts of an object back in another order. */
function inOrder(limits: Limits): string {
  return JSON.stringify(limits, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).sort()) : part,
  );
}

export function* batches<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < all.length; from += BATCH_MAX) yield all.slice(from, from + BATCH_MAX);
}
