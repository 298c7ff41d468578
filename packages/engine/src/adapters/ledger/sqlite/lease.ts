import { isAscii } from 'node:buffer';
import type { JobKind } from '../../../model/job.ts';
import type { Lease, LeaseBatch, LeaseRequest } from '../../../ports/ledger.ts';
import type { Act } from './act.ts';
import { type ApartLook, apartNow, dealApart } from './apart.ts';
import { type Dealt, deal } from './deal.ts';
import { dropExpired, expire, makeDueReady } from './due.ts';
import { envelopeOf, failuresOf, type WholeJobRow } from './rows.ts';
import { nextDueAt } from './queries.ts';
import { UNJUDGED } from './sql/deal.ts';
import { HOLDS_SEATS, LEASE, LEASE_AGAIN, UNANSWERED } from './sql/lease.ts';
import { ANY_APART, JOBS_TO_LEASE, PAYLOAD_OF_MAIL } from './sql/read.ts';
import type { Turns } from './turns.ts';

interface RowToLease
  extends Pick<
      WholeJobRow,
      'seq' | 'id' | 'state' | 'token' | 'attempts' | 'failures' | 'resends' | 'crashes' | 'busy_releases' | 'queued_at' | 'expires_at'
    >,
    Pick<WholeJobRow, 'first_failed_at' | 'leased_at' | 'lane' | 'tenant' | 'envelope' | 'on_doubt' | 'message_id'> {
  readonly mail: number;
  readonly size_bytes: number;
  /** Its bytes, when they are ASCII; read so, they come in a quarter of the time. */
  readonly text: string | null;
}

const JOB_KINDS: readonly JobKind[] = ['send', 'receive', 'notify'];
/** Expired mail a lease may meet and set aside before it answers with less than was asked for, and "ask again at once". */
const EXPIRED_ROUNDS_MAX = 4;

export function leaseNow(act: Act, request: LeaseRequest, turns: Turns): LeaseBatch {
  dropExpired(act, request.max);
  makeDueReady(act, request.max);
  const leases: Lease[] = leaseUnanswered(act, request);
  act.save(); // what the settles of this act changed decides who may go
  act.seats.renew();
  let isCutShort = false;
  let askAgainAt = Number.POSITIVE_INFINITY;
  for (let round = 0; leases.length < request.max; round += 1) {
    isCutShort = round === EXPIRED_ROUNDS_MAX;
    if (isCutShort) break;
    const want = { kinds: request.kinds, worker: request.worker, max: request.max - leases.length };
    const dealt = request.apart ? dealApart(act, want) : deal(act, want, turns);
    askAgainAt = Math.min(askAgainAt, dealt.askAgainAt);
    if (dealt.jobs.length === 0) break;
    leases.push(...leaseDealt(act, dealt, request));
  }
  const apart = lookApart(act, request);
  const isFull = request.apart || leases.length >= request.max;
  if (isFull && hasUnjudged(act)) askAgainAt = act.now;
  askAgainAt = isCutShort ? act.now : Math.min(askAgainAt, nextDueAt(act), apart.soonestAt);
  const isKnown = askAgainAt < Number.POSITIVE_INFINITY;
  return { leases, ...(isKnown && { askAgainMs: Math.max(0, askAgainAt - act.now) }), apartReady: apart.readyCount };
}

/** Leases whose answer this worker never got: given again, so that they need not run out. */
function leaseUnanswered(act: Act, { worker, apart, knownLeases, max, leaseMs }: LeaseRequest): Lease[] {
  if (knownLeases === undefined) return [];
  const found = act
    .sql<{ seq: number }>(UNANSWERED)
    .all(act.now, worker, apart ? 1 : 0, JSON.stringify(knownLeases.map(({ jobId, token }) => `${jobId} ${token}`)), max);
  if (found.length === 0) return [];
  const seqs = JSON.stringify(found.map(({ seq }) => seq));
  act.sql(LEASE_AGAIN).run(act.now + Math.ceil(leaseMs), seqs);
  const rows = act.sql<RowToLease>(JOBS_TO_LEASE).all(seqs);
  return rows.map((row) => leaseOf(act, row, { token: row.token, leaseMs, leasedAt: row.leased_at ?? act.now }));
}

function leaseDealt(act: Act, { jobs, seated }: Dealt, request: LeaseRequest): Lease[] {
  const rows = act.sql<RowToLease>(JOBS_TO_LEASE).all(JSON.stringify(jobs));
  const live = rows.filter((row) => row.expires_at === null || row.expires_at > act.now);
  for (const row of rows) if (!live.includes(row)) expire(act, row.seq, 'leased', row.lane); // dealing counted it as leased
  if (live.length === 0) return [];
  act.sql(LEASE).run(request.worker, act.now, act.now + Math.ceil(request.leaseMs), JSON.stringify(live.map(({ seq }) => seq)));
  if (seated.length > 0) act.sql(HOLDS_SEATS).run(JSON.stringify(seated));
  return live.map((row) => leaseOf(act, row, { token: row.token + 1, leaseMs: request.leaseMs, leasedAt: act.now }));
}

interface LeaseTerms {
  readonly token: number;
  readonly leaseMs: number;
  /** Sooner than now where it is given again. */
  readonly leasedAt: number;
}

function leaseOf(act: Act, row: RowToLease, { token, leaseMs, leasedAt }: LeaseTerms): Lease {
  const { now } = act;
  const { kind, sender, name } = act.senders.lane(row.lane);
  act.seqs.note(row.id, { seq: row.seq, lane: row.lane, token, leasedAt });
  return {
    jobId: row.id,
    token,
    kind,
    tenant: row.tenant,
    sender,
    lane: name,
    messageId: row.message_id,
    envelope: envelopeOf(row),
    payload: payloadOf(act, row),
    leaseMs,
    onDoubt: row.on_doubt,
    attempts: row.attempts,
    failures: failuresOf(row),
    resends: row.resends,
    crashes: row.crashes,
    busyReleases: row.busy_releases,
    ageMs: now - row.queued_at,
    failingMs: row.first_failed_at === null ? 0 : now - row.first_failed_at,
    ...(row.expires_at !== null && { expiresInMs: row.expires_at - now }),
  };
}

function payloadOf(act: Act, { id, mail, size_bytes, text }: RowToLease): Uint8Array {
  if (text === null) throw new Error(`broken invariant: open job ${id} has no bytes`);
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.length === size_bytes && isAscii(bytes)) return bytes; // any other byte became a character above 127, or is missing
  return act.sql<{ payload: Uint8Array }>(PAYLOAD_OF_MAIL).get(mail)?.payload ?? bytes;
}

/** Senders that nobody looked at may wait for a time that nobody knows yet. */
function hasUnjudged(act: Act): boolean {
  const { limits, holds } = act.any();
  return act.sql(UNJUDGED).get(limits || holds ? 1 : 0) !== undefined;
}

function lookApart(act: Act, { worker, max }: LeaseRequest): ApartLook {
  if (act.sql(ANY_APART).get() === undefined) return { readyCount: 0, soonestAt: Number.POSITIVE_INFINITY };
  return apartNow(act, { worker, max, kinds: JOB_KINDS });
}
