import { ruleText } from '../model/rule-text.ts';
import { readScope, type Scope } from '../model/scope.ts';
import type { WaitReason } from '../ports/ledger-scopes.ts';

/** Why mail waits, as a word a program reads and a sentence a person does. */
export interface Waiting {
  /** `limit`, `pace`, `connections`, `due`; `pause`, `stop`, `account`, `blocked`, `throttled` for holds; `throttled`, `failing` for a gate. */
  readonly kind: string;
  readonly because: string;
}

/** @example waitingFor({ kind: 'pace', scope }) // { kind: 'pace', because: 'sender default spreads its mail out' } */
export function waitingFor(reason: WaitReason): Waiting {
  switch (reason.kind) {
    case 'limit':
      return { kind: 'limit', because: `${scopeText(reason.scope)} may send ${ruleText(reason.rule)}` };
    case 'pace':
      return { kind: 'pace', because: `${scopeText(reason.scope)} spreads its mail out` };
    case 'connections':
      return { kind: 'connections', because: `${scopeText(reason.scope)} has no connection free` };
    case 'hold':
      return { kind: reason.why, because: `${scopeText(reason.scope)} is held: ${reason.note}` };
    case 'gate':
      return { kind: reason.why, because: `${scopeText(reason.scope)} ${GATES[reason.why]}: ${reason.note}` };
    case 'due':
      return { kind: 'due', because: 'its time has not come' };
    default:
      return reason satisfies never;
  }
}

const GATES = { throttled: 'was asked to slow down', failing: 'keeps failing' } as const;

/** @example scopeText(senderScope(id)) // 'sender default' */
export function scopeText(scope: Scope): string {
  const { kind, name } = readScope(scope);
  return `${kind === 'identity' ? 'domain' : kind} ${name}`;
}
