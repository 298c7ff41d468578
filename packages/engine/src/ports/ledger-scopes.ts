import type { Gate } from '../model/gate.ts';
import type { WorkerId } from '../model/ids.ts';
import type { LimitRule, Limits } from '../model/limit.ts';
import type { Scope } from '../model/scope.ts';

/**
 * What a ledger keeps about scopes, and says of them: limits and what is left, holds, gates, forecasts, and the workers it
 * heard of. The verbs are in `ledger.ts`.
 */

/** When a mail will go as things stand. Others may come first, a peer may slow us down: it is no promise. */
export interface Forecast {
  /** Epoch ms; absent when it waits for a person. */
  readonly at?: number;
  /** What it waits for the longest; absent when it goes at once. */
  readonly because?: WaitReason;
  /** Mails of the same sender that go before it. */
  readonly ahead: number;
}
export type WaitReason =
  | { readonly kind: 'limit'; readonly scope: Scope; readonly rule: LimitRule }
  | { readonly kind: 'pace'; readonly scope: Scope }
  | { readonly kind: 'connections'; readonly scope: Scope }
  | { readonly kind: 'hold'; readonly scope: Scope; readonly why: HoldReason; readonly note: string }
  /** The peer asked us to slow down (`throttled`), or half of what we try fails (`failing`). */
  | { readonly kind: 'gate'; readonly scope: Scope; readonly why: 'throttled' | 'failing'; readonly note: string }
  | { readonly kind: 'due' };

export interface LimitChange {
  readonly scope: Scope;
  /** Absent: it has none any more. */
  readonly limits?: Limits;
}
/**
 * `pause`: by a person, mail is accepted and waits. `stop`: by a person, and new mail is refused. `account`: its login or
 * settings do not work. `blocked`: its peer refuses this sender or domain until somebody mends something. `throttled`: the
 * peer wants less of this scope for a while.
 */
export type HoldReason = 'pause' | 'stop' | 'account' | 'blocked' | 'throttled';
export interface HoldRef {
  readonly scope: Scope;
  readonly why: HoldReason;
}
export interface Hold extends HoldRef {
  /** From now on; absent: until it is lifted. */
  readonly forMs?: number;
  /** One sentence for a person: what happened and what to do. */
  readonly note: string;
  /** Of an `account` hold: a hash of the login that failed; with another one it may be lifted. */
  readonly login?: string;
}

/** One rule and how much of it is used now. */
export interface Allowance {
  readonly scope: Scope;
  readonly rule: LimitRule;
  readonly used: number;
  readonly left: number;
  /** Epoch ms: when `left` grows next; absent while nothing is used. */
  readonly nextFreeAt?: number;
}
export interface Standing {
  readonly scope: Scope;
  readonly limits?: Limits;
  readonly allowances: readonly Allowance[];
  readonly holds: readonly (Hold & { readonly since: number; readonly until?: number })[];
  /** Of a sender. */
  readonly sender?: SenderStanding;
}
export interface SenderStanding {
  /** Ready mails, throttled ones included. */
  readonly ready: number;
  readonly scheduled: number;
  /** Leased or being sent. */
  readonly underWay: number;
  readonly gate: Gate;
  /** When the next of its ready mails may go; absent when it has none, or waits for a person. */
  readonly nextAt?: number;
  readonly because?: WaitReason;
  /** When the last of its ready mails will have gone under its limits, as things stand; absent without a backlog or limits. */
  readonly doneAt?: number;
}

/** A worker not heard of for this long is no longer shown. */
export const WORKER_SEEN_MS = 60_000;
export interface WorkerBeat {
  readonly id: WorkerId;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly concurrency: number;
  /** Sends under way. */
  readonly sending: number;
  readonly endedPerSecond: number;
}
export interface WorkerSeen extends WorkerBeat {
  readonly startedAt: number;
  readonly seenAt: number;
}

/** What an attempt says about more than its own mail; applied in the same act as its end. */
export type Effect =
  /** It got through to the peer; `isTaken`: and the mail was accepted. */
  | { readonly kind: 'through'; readonly isTaken: boolean }
  /** The peer is to blame, not the mail; enough of these close the sender's gate. */
  | { readonly kind: 'failed'; readonly baseMs: number; readonly spread: number; readonly note: string }
  /** The peer asked the sender to slow down. */
  | { readonly kind: 'throttled'; readonly askedMs: number; readonly baseMs: number; readonly spread: number; readonly note: string }
  /** The peer allows fewer connections at once than were in use. */
  | { readonly kind: 'crowded' }
  /** As `hold()`, but none in force is made shorter. */
  | { readonly kind: 'hold'; readonly hold: Hold };
