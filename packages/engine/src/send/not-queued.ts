import { ShoalError } from '../model/errors.ts';
import { ruleText } from '../model/rule-text.ts';
import { readScope, type Scope } from '../model/scope.ts';
import type { Enqueued } from '../ports/ledger.ts';

type Kind<Name extends Enqueued['kind']> = Extract<Enqueued, { readonly kind: Name }>;

/** Why the ledger did not take a mail, as its caller is told. */
export function notQueued(answer: Kind<'over-budget'> | Kind<'over-limit'> | Kind<'stopped'>, now: number): ShoalError {
  switch (answer.kind) {
    case 'over-budget':
      return answer.freeAt === undefined ? overWholeBudget(answer) : budgetUsedUp(answer, answer.freeAt, now);
    case 'over-limit':
      return overLimit(answer.scope, ruleText(answer.rule), answer.cost);
    case 'stopped':
      return new ShoalError('sending_stopped', `sending is stopped for ${nameOf(answer.hold.scope)}: ${answer.hold.note}`, {
        details: { [readScope(answer.hold.scope).kind]: 'is stopped' },
      });
    default:
      return answer satisfies never;
  }
}

function budgetUsedUp({ allowance, cost }: Kind<'over-budget'>, freeAt: number, now: number): ShoalError {
  const { scope, rule, used } = allowance;
  const cap = `${nameOf(scope)} may hand in ${ruleText(rule)}`;
  return new ShoalError('budget_used_up', `${cap}, and ${used} of them are used; this mail needs ${cost}`, {
    details: { cap, used: String(used), left: String(allowance.left), needed: String(cost), freeAt: new Date(freeAt).toISOString() },
    // The ledger's clock and the calendar may differ a little; no wait is longer than the window.
    retryAfterMs: Math.min(Math.max(freeAt - now, 0), rule.windowMs),
  });
}

/** Waiting would not help, so it is no 429. */
function overWholeBudget({ allowance, cost }: Kind<'over-budget'>): ShoalError {
  return overLimit(allowance.scope, ruleText(allowance.rule), cost);
}

function overLimit(scope: Scope, rule: string, cost: number): ShoalError {
  return new ShoalError('over_limit', `this mail counts ${cost}, and ${nameOf(scope)} may have ${rule}: it could never go`, {
    details: { limit: `${nameOf(scope)}: ${rule}`, needed: String(cost) },
  });
}

/** A budget is named after its token or its inbox, and nobody needs to know what we call it. */
function nameOf(scope: Scope): string {
  const { kind, name } = readScope(scope);
  if (kind === 'budget') return name.startsWith('tok_') ? `token ${name}` : `inbox ${name}`;
  return kind === 'identity' ? `the domain ${name}` : `${kind} ${name}`;
}
