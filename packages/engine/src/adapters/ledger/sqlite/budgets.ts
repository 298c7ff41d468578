import type { Envelope } from '../../../model/envelope.ts';
import type { Scope } from '../../../model/scope.ts';
import type { Allowance } from '../../../ports/ledger-scopes.ts';
import type { Act, Books } from './act.ts';
import { limitsOf } from './admit.ts';
import type { Window } from './seats.ts';
import { FIRST_SEAT } from './sql/seats.ts';

/** What is left of each rule, and budgets: rules that count when a mail is asked for, not when it is sent. */
export interface Overdrawn {
  readonly allowance: Allowance;
  readonly cost: number;
  readonly freeAt?: number;
}

/** Counts a new mail under its budgets, all or none; answers the first that has no room. */
export function charge(act: Act, scopes: readonly Scope[], envelope: Pick<Envelope, 'to'>): Overdrawn | undefined {
  const budgets = scopes.map((scope) => limitsOf(act, scope)).filter((limited) => limited !== undefined);
  for (const window of budgets.flatMap(({ rules }) => rules)) {
    const { rule, used } = window;
    const cost = act.seats.cost(window, envelope);
    if (used + cost <= rule.max) continue;
    const canEverFit = act.seats.costAlone(window, envelope) <= rule.max;
    return { allowance: allowanceOf(act, window), cost, ...(canEverFit && { freeAt: act.seats.fitsAt(window, envelope) }) };
  }
  for (const budget of budgets) {
    act.seats.sit(budget, envelope, NO_JOB, false);
    act.seats.know(budget, envelope);
  }
  return undefined;
}
/** Seats of a budget are never given back, so that nobody asks whose they are. */
const NO_JOB = 0;

export function allowancesOf(books: Books, scope: Scope): Allowance[] {
  return (limitsOf(books, scope)?.rules ?? []).map((window) => allowanceOf(books, window));
}

function allowanceOf({ sql }: Books, { id, scope, rule, used, endedAt }: Window): Allowance {
  const oldest = sql<{ at: number }>(FIRST_SEAT).get(id, endedAt);
  const nextFreeAt = oldest && oldest.at + rule.windowMs + rule.marginMs;
  return { scope, rule, used, left: Math.max(0, rule.max - used), ...(nextFreeAt !== undefined && { nextFreeAt }) };
}
