import { domainOf, identityScope, type Scope, senderScope } from '../../model/scope.ts';
import type { Effect, Hold } from '../../ports/ledger-scopes.ts';
import type { Blame } from '../classify/rule.ts';
import { type Circumstances, hintFor, isAboutMailOnly, type Refused, wantedMs } from './refusal.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

/** The first wait of a sender whose peer throttles or fails; the gate doubles it each time. */
export const GATE_BASE_MS = 30 * SECOND_MS;
/**
 * A blocked domain or IP address is mended outside of Shoal, in DNS or by a form, so one mail looks now and then. Half an
 * hour each time: a lease does not say how often its scope was held before.
 */
export const BLOCKED_MS = 30 * MINUTE_MS;

/**
 * What a refusal says about more than its own mail. A pause is the state of a scope and not of a job: it is written once,
 * in the same act as the end of the attempt, and every worker meets it at its next lease.
 */
export function effectsOf(refused: Refused, at: Circumstances): readonly Effect[] {
  const { rule } = refused.refusal;
  switch (rule.action) {
    case 'bounce':
    case 'reject':
      return rule.blame === 'local' ? [] : [{ kind: 'through', isTaken: false }]; // our own bytes never reached the peer
    case 'greylist':
      return [{ kind: 'through', isTaken: false }];
    case 'retry':
      if (rule.isPeerFailure) return [failed(refused, at)];
      return isAboutMailOnly(refused.refusal) ? [{ kind: 'through', isTaken: false }] : [];
    case 'network':
      return [failed(refused, at)];
    case 'reconnect':
      return rule.isCrowd ? [{ kind: 'crowded' }] : [];
    case 'throttle':
      if (isAboutMailOnly(refused.refusal)) return [];
      return [rule.blame === 'identity' ? slowIdentity(refused, at) : slowSender(refused, at)];
    case 'pause':
      return [{ kind: 'hold', hold: pauseOf(refused, at) }];
    default:
      return rule.action satisfies never;
  }
}

function failed(refused: Refused, at: Circumstances): Effect {
  return { kind: 'failed', baseMs: GATE_BASE_MS * at.settings.retryScale, spread: at.random(), note: noteOf(refused, at) };
}

function slowSender(refused: Refused, at: Circumstances): Effect {
  return {
    kind: 'throttled',
    askedMs: wantedMs(refused.refusal, at),
    baseMs: GATE_BASE_MS * at.settings.retryScale,
    spread: at.random(),
    note: noteOf(refused, at),
  };
}

/** Other domains of the same sender go on. */
function slowIdentity(refused: Refused, at: Circumstances): Effect {
  const forMs = Math.max(wantedMs(refused.refusal, at), Math.ceil(GATE_BASE_MS * at.settings.retryScale));
  return { kind: 'hold', hold: { scope: identityOf(at), why: 'throttled', forMs, note: noteOf(refused, at) } };
}

/**
 * A login that was refused is not tried again with the same secret, or the account gets locked: its hold has no end of its
 * own. What is blocked by others may be freed by others, so that hold runs out and the next mail finds out.
 */
function pauseOf(refused: Refused, at: Circumstances): Hold {
  const { rule } = refused.refusal;
  const { scope, why } = whatStops(rule.blame, at);
  const waitMs = rule.waitMs ?? (why === 'blocked' ? BLOCKED_MS : undefined);
  const forMs = waitMs !== undefined && { forMs: Math.ceil(waitMs * at.settings.retryScale * (0.8 + 0.4 * at.random())) };
  const login = why === 'account' && at.login !== undefined && { login: at.login }; // with another one it is lifted
  return { scope, why, note: noteOf(refused, at), ...forMs, ...login };
}

function whatStops(blame: Blame, at: Circumstances): { readonly scope: Scope; readonly why: 'account' | 'blocked' } {
  if (blame === 'identity') return { scope: identityOf(at), why: 'blocked' };
  return { scope: senderScope(at.lease.sender), why: blame === 'account' || blame === 'local' ? 'account' : 'blocked' };
}

function identityOf({ lease }: Circumstances): Scope {
  return identityScope(domainOf(lease.envelope.from));
}

/**
 * Everybody with mail in the scope is shown it, agents of other tenants too, so it is made of codes, the rule and its hint.
 * The peer's words, which often name a recipient, are in the note of the attempt and in the log (security T3).
 */
function noteOf({ refusal, shared }: Refused, at: Circumstances): string {
  return `${shared} (${refusal.rule.id}).${hintFor(refusal, at)}`;
}

/** Of several refusals of one attempt: each scope is told once, and of two waits it gets the longer one. */
export function merged(effects: readonly Effect[]): readonly Effect[] {
  const byScope = new Map<string, Effect>();
  for (const effect of effects) {
    const name = effect.kind === 'hold' ? `hold ${effect.hold.scope} ${effect.hold.why}` : effect.kind;
    const before = byScope.get(name);
    if (before === undefined || lengthMs(effect) > lengthMs(before)) byScope.set(name, effect);
  }
  return [...byScope.values()].sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
}

/** What a good end opens, a throttle of the same attempt closes again. */
const ORDER: readonly Effect['kind'][] = ['through', 'crowded', 'failed', 'throttled', 'hold'];

function lengthMs(effect: Effect): number {
  if (effect.kind === 'hold') return effect.hold.forMs ?? Number.POSITIVE_INFINITY;
  if (effect.kind === 'through') return effect.isTaken ? 1 : 0;
  return effect.kind === 'throttled' ? effect.askedMs : 0;
}
