import { type Limits, ruleName } from '../../../model/limit.ts';
import type { Scope } from '../../../model/scope.ts';
import type { LimitChange } from '../../../ports/ledger-scopes.ts';
import type { Act } from './act.ts';
import { COPY_SEATS, COPY_USED, DROP_RULE, DROP_SEATS_OF_RULE, RULES, SET_LIMITS, SET_RULE } from './sql/seats.ts';
import { wakeScope } from './wakes.ts';

interface RuleRow {
  readonly id: number;
  readonly unit: Limits['rules'][number]['unit'];
  readonly window_ms: number;
}

/**
 * What a scope may do from now on. A rule that stays keeps its seats, whatever its size; a new window of a unit that is
 * counted already begins with the history of the longest one; what no rule counts any more is forgotten.
 */
export function limitNow(act: Act, { scope, limits }: LimitChange): void {
  const before = rulesNow(act, scope);
  const wanted = limits === undefined || saysNothing(limits) ? undefined : limits;
  act.sql(SET_LIMITS).run(scope, wanted === undefined ? null : JSON.stringify(wanted));
  for (const rule of wanted?.rules ?? []) {
    const name = ruleName(rule);
    const row = act.sql<{ id: number }>(SET_RULE).get(scope, rule.unit, rule.windowMs);
    const source = before.filter(({ unit }) => unit === rule.unit).sort((a, b) => b.window_ms - a.window_ms)[0];
    if (row === undefined || source === undefined || before.some((known) => nameOf(known) === name)) continue;
    act.sql(COPY_SEATS).run(row.id, source.id);
    act.sql(COPY_USED).run(source.id, row.id);
  }
  const kept = new Set((wanted?.rules ?? []).map(ruleName));
  for (const rule of before)
    if (!kept.has(nameOf(rule))) {
      act.sql(DROP_SEATS_OF_RULE).run(rule.id);
      act.sql(DROP_RULE).run(rule.id);
    }
  act.forgetRules();
  wakeScope(act, scope);
}

const nameOf = ({ unit, window_ms }: RuleRow): string => ruleName({ unit, windowMs: window_ms });

/** The rules that were, with what has left their windows counted out. */
function rulesNow(act: Act, scope: Scope): RuleRow[] {
  act.forgetRules();
  if (!act.any().limits) return [];
  act.seats.limited(scope);
  act.seats.save();
  return act.sql<RuleRow>(RULES).all(scope);
}

function saysNothing({ rules, ...others }: Limits): boolean {
  return rules.length === 0 && Object.keys(others).length === 0;
}
