import { type Gate, reopened } from '../../../model/gate.ts';
import type { LaneId, SenderId, TenantId } from '../../../model/ids.ts';
import type { JobKind } from '../../../model/job.ts';
import { domainOf, identityScope, inboxScope, readScope, type Scope, senderScope, tenantScope } from '../../../model/scope.ts';
import type { CommitRef } from '../../../ports/ledger.ts';
import type { Hold, HoldReason, HoldRef } from '../../../ports/ledger-scopes.ts';
import type { Act, Look } from './act.ts';
import { envelopeOf } from './rows.ts';
import { HOLDS, JOB_TO_COMMIT, LIFT, SET_HOLD } from './sql/holds.ts';
import { SENDER_NAMED } from './sql/senders.ts';
import { wakeScope } from './wakes.ts';

/** A hold as it stands: since when, and until when. */
export type StandingHold = Hold & { readonly since: number; readonly until?: number };

interface HoldRow {
  readonly scope: Scope;
  readonly why: HoldReason;
  readonly until: number | null;
  readonly note: string;
  readonly login: string | null;
  readonly since: number;
}

export function holdsOn({ sql, now }: Look, scopes: readonly Scope[]): StandingHold[] {
  return sql<HoldRow>(HOLDS).all(JSON.stringify(scopes), now).map(standing);
}

function standing({ scope, why, until, note, login, since }: HoldRow): StandingHold {
  return { scope, why, note, since, ...(login !== null && { login }), ...(until !== null && { until, forMs: until - since }) };
}

export const isPausing = ({ why }: Pick<Hold, 'why'>): boolean => why === 'pause' || why === 'stop';

/** Every scope that says something about a job; only mail has any. */
export interface Scoped {
  readonly kind: JobKind;
  readonly sender: SenderId;
  readonly lane: LaneId;
  readonly tenant: TenantId;
  readonly from: string;
}
export function scopesOf({ kind, sender, lane, tenant, from }: Scoped): Scope[] {
  if (kind !== 'send') return [];
  return [senderScope(sender), inboxScope(lane), tenantScope(tenant), identityScope(domainOf(from))];
}

/** A hold with an end that comes sooner than that of the one it replaces is news to those that wait. */
export function holdNow(act: Act, { scope, why, forMs, note, login }: Hold): void {
  act.sql(SET_HOLD).run(scope, why, forMs === undefined ? null : act.now + Math.ceil(forMs), note, login ?? null, act.now);
  act.forgetRules();
  wakeScope(act, scope);
}

/** What several attempts found is told by each of them; none shortens what another one knows. */
export function holdLonger(act: Act, hold: Hold): void {
  const until = hold.forMs === undefined ? Number.POSITIVE_INFINITY : act.now + Math.ceil(hold.forMs);
  const known = holdsOn(act, [hold.scope]).find(({ why }) => why === hold.why);
  if (known === undefined || (known.until ?? Number.POSITIVE_INFINITY) < until) holdNow(act, hold);
}

/** Answers whether it was there. */
export function liftNow(act: Act, { scope, why }: HoldRef): boolean {
  const { changes } = act.sql(LIFT).run(scope, why);
  act.forgetRules();
  openGate(act, scope);
  wakeScope(act, scope);
  return changes > 0;
}

function openGate(act: Act, scope: Scope): void {
  const { kind, name } = readScope(scope);
  const row = kind === 'sender' ? act.sql<{ seq: number }>(SENDER_NAMED).get(name) : undefined;
  if (row === undefined) return;
  const sender = act.senders.sender(row.seq);
  const gate: Gate = reopened(sender.gate);
  if (sender.hasGate) sender.gate = gate;
}

interface RowToCommit {
  readonly state: string;
  readonly token: number;
  readonly leased_until: number | null;
  readonly expires_at: number | null;
  readonly sender: SenderId;
  readonly name: LaneId;
  readonly kind: JobKind;
  readonly tenant: TenantId;
  readonly envelope: string;
}

/** A commit that would be granted, but for a person's `pause` or `stop`. */
export function isPaused(act: Act, ref: CommitRef): boolean {
  if (!act.any().pauses) return false;
  const row = act.sql<RowToCommit>(JOB_TO_COMMIT).get(ref.jobId);
  if (row === undefined || row.state !== 'leased' || row.token !== ref.token) return false;
  const isLive = (row.leased_until ?? 0) > act.now && (row.expires_at ?? Number.POSITIVE_INFINITY) > act.now;
  const scopes = scopesOf({ ...row, lane: row.name, from: envelopeOf(row).from });
  return isLive && holdsOn(act, scopes).some(isPausing);
}
