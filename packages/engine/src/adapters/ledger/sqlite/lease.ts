import type { Lease, LeaseBatch, LeaseRequest } from '../../../ports/ledger.ts';
import type { Act } from './act.ts';
import { deal, type Turns } from './deal.ts';
import { dropExpired, expire, makeDueReady } from './due.ts';
import { envelopeOf, failuresOf, type WholeJobRow } from './rows.ts';
import { LEASE, LEASE_AGAIN, READY_APART_PAGE, UNANSWERED } from './sql/lease.ts';
import { JOBS_TO_LEASE, NEXT_DUE, READY_APART } from './sql/read.ts';

interface RowToLease
  extends Pick<
      WholeJobRow,
      'seq' | 'id' | 'state' | 'token' | 'attempts' | 'failures' | 'resends' | 'crashes' | 'queued_at' | 'expires_at'
    >,
    Pick<WholeJobRow, 'first_failed_at' | 'kind' | 'sender' | 'tenant' | 'envelope' | 'on_doubt' | 'message_id'> {
  readonly payload: Uint8Array | null;
}

/** Expired mail a lease may meet and set aside before it answers with less than was asked for, and "ask again at once". */
const EXPIRED_ROUNDS_MAX = 4;

export function leaseNow(act: Act, request: LeaseRequest, turns: Turns): LeaseBatch {
  dropExpired(act, request.max);
  makeDueReady(act, request.max);
  const leases: Lease[] = leaseUnanswered(act, request);
  let isCutShort = false;
  for (let round = 0; leases.length < request.max; round += 1) {
    isCutShort = round === EXPIRED_ROUNDS_MAX;
    if (isCutShort) break;
    const picked = pick(act, request, request.max - leases.length, turns);
    if (picked.length === 0) break;
    leases.push(...leasePicked(act, picked, request));
  }
  const askAgainMs = isCutShort ? 0 : timeToNextDue(act);
  return { leases, ...(askAgainMs !== undefined && { askAgainMs }), apartReady: countReadyApart(act) };
}

/** Leases whose answer this worker never got: given again, so that they need not run out. */
function leaseUnanswered(act: Act, { worker, apart, holds, max, leaseMs }: LeaseRequest): Lease[] {
  if (holds === undefined) return [];
  const found = act.sql<{ seq: number }>(UNANSWERED).all(act.now, worker, apart ? 1 : 0, JSON.stringify(holds), max);
  if (found.length === 0) return [];
  const seqs = JSON.stringify(found.map(({ seq }) => seq));
  act.sql(LEASE_AGAIN).run(act.now + Math.ceil(leaseMs), seqs);
  const rows = act.sql<RowToLease>(JOBS_TO_LEASE).all(seqs);
  return rows.map((row) => leaseOf(row, { token: row.token, leaseMs, now: act.now }));
}

function pick(act: Act, { apart, kinds }: LeaseRequest, max: number, turns: Turns): number[] {
  if (!apart) return deal(act, { kinds, max }, turns);
  // Few jobs run apart, and their order matters less than that they run: the oldest goes first.
  const rows = act.sql<{ seq: number }>(READY_APART_PAGE).all(JSON.stringify(kinds), max);
  return rows.map(({ seq }) => seq);
}

function leasePicked(act: Act, picked: readonly number[], request: LeaseRequest): Lease[] {
  const rows = act.sql<RowToLease>(JOBS_TO_LEASE).all(JSON.stringify(picked));
  const live = rows.filter((row) => row.expires_at === null || row.expires_at > act.now);
  for (const row of rows) if (!live.includes(row)) expire(act, row.seq, row.state);
  if (live.length === 0) return [];
  act.sql(LEASE).run(request.worker, act.now, act.now + Math.ceil(request.leaseMs), JSON.stringify(live.map(({ seq }) => seq)));
  act.moved('ready', 'leased', live.length);
  return live.map((row) => leaseOf(row, { token: row.token + 1, leaseMs: request.leaseMs, now: act.now }));
}

interface LeaseTerms {
  readonly token: number;
  readonly leaseMs: number;
  readonly now: number;
}

function leaseOf(row: RowToLease, { token, leaseMs, now }: LeaseTerms): Lease {
  if (row.payload === null) throw new Error(`broken invariant: open job ${row.id} has no bytes`);
  return {
    jobId: row.id,
    token,
    kind: row.kind,
    tenant: row.tenant,
    sender: row.sender,
    messageId: row.message_id,
    envelope: envelopeOf(row),
    payload: row.payload,
    leaseMs,
    onDoubt: row.on_doubt,
    attempts: row.attempts,
    failures: failuresOf(row),
    resends: row.resends,
    crashes: row.crashes,
    ageMs: now - row.queued_at,
    failingMs: row.first_failed_at === null ? 0 : now - row.first_failed_at,
    ...(row.expires_at !== null && { expiresInMs: row.expires_at - now }),
  };
}

function timeToNextDue(act: Act): number | undefined {
  const next = act.sql<{ due_at: number }>(NEXT_DUE).get();
  return next && Math.max(0, next.due_at - act.now);
}

function countReadyApart(act: Act): number {
  return act.sql<{ jobs: number }>(READY_APART).get()?.jobs ?? 0;
}
