import { hash } from 'node:crypto';
import type { JobId, MessageId, SenderId, TenantId } from '../../../model/ids.ts';
import type { Job, JobKind } from '../../../model/job.ts';
import { domainOf } from '../../../model/scope.ts';
import type { Enqueued, KeyRecord, KeyRef, NewJob } from '../../../ports/ledger.ts';
import { type Act, inAct, type LedgerTables } from './act.ts';
import { tooLarge } from './admit.ts';
import { allowancesOf, charge } from './budgets.ts';
import { forecastOf } from './forecast.ts';
import { holdsOn, scopesOf } from './holds.ts';
import { jobOf, rankOf, type WholeJobRow } from './rows.ts';
import type { LaneFacts, SenderRow } from './senders.ts';
import {
  ADD_CONTENT,
  ADD_FACTS,
  ADD_JOB,
  ADD_LANE,
  ADD_MAIL,
  ADD_SENDER,
  LANE,
  MAIL,
  TAKE_KEY,
  TWIN,
  WHOLE_JOB_ID,
} from './sql/enqueue.ts';
import { FIRST_JOB_OF_MAIL, IS_KNOWN, KEY, WHOLE_JOB_BY_ID } from './sql/read.ts';

interface KeyRow {
  readonly generation: number;
  readonly mail: number | null;
  readonly fingerprint: string | null;
  readonly message_id: MessageId | null;
}

/** Adds jobs inside a transaction of the caller. */
export function enqueueNow(tables: LedgerTables, jobs: readonly NewJob[]): Enqueued[] {
  return inAct(tables, (act) => jobs.map((job) => enqueueOne(act, job)));
}

function enqueueOne(act: Act, job: NewJob): Enqueued {
  const key = job.key && keyHash({ tenant: job.tenant, key: job.key.text });
  const record = key && act.sql<KeyRow>(KEY).get(key);
  // Before the id: two requests with one key that both found it free make the same ids, whatever they ask for.
  if (record?.message_id != null && record.fingerprint !== null && record.fingerprint !== job.fingerprint)
    return { kind: 'conflict', messageId: record.message_id, fingerprint: record.fingerprint };
  const known = act.sql(IS_KNOWN).get(job.id) && act.sql<WholeJobRow>(WHOLE_JOB_BY_ID).get(job.id);
  if (known !== undefined) return { kind: 'existing', job: jobOf(known), because: 'id' };

  if (record?.message_id != null && record.fingerprint !== null) {
    const first = record.message_id === job.messageId ? undefined : act.sql<WholeJobRow>(FIRST_JOB_OF_MAIL).get(record.mail);
    if (first !== undefined) return { kind: 'existing', job: jobOf(first), because: 'key' };
    return insert(act, job, lookUpLane(act, job), { key, takesKey: false, content: contentHash(job) }); // one message may have several jobs; they share its key
  }
  if (job.key !== undefined && job.key.generation !== (record?.generation ?? 0)) return { kind: 'stale' };

  const content = contentHash(job);
  const twin = findTwin(act, job, content); // before the key's record is made: a refused repeat must not occupy a key
  if (twin !== undefined) return { kind: 'existing', job: twin, because: 'content' };
  const lane = lookUpLane(act, job);
  return refuse(act, job) ?? insert(act, job, lane, { key, takesKey: true, content });
}

/** What its scopes say to a new job; nothing is changed unless it may come in. */
function refuse(act: Act, job: NewJob): Enqueued | undefined {
  const { limits, pauses } = act.any();
  if (!limits && !pauses) return undefined;
  const budgets = job.budgets ?? [];
  if (pauses) {
    const scopes = [...scopesOf({ ...job, from: job.envelope.from }), ...budgets];
    const stop = holdsOn(act, scopes).find(({ why }) => why === 'stop');
    if (stop !== undefined) return { kind: 'stopped', hold: stop };
  }
  const excess = job.kind === 'send' ? tooLarge(act, { ...job, to: job.envelope.to }) : undefined;
  if (excess !== undefined) return { kind: 'over-limit', ...excess };
  const overdrawn = charge(act, budgets, job.envelope);
  return overdrawn && { kind: 'over-budget', ...overdrawn };
}

/** The duplicate guard: a caller's own key says that a repeat is meant; a key that a library made for one call does not. */
function findTwin(act: Act, job: NewJob, content: Uint8Array): Job | undefined {
  if (job.guardMs <= 0 || (job.key !== undefined && !job.key.text.startsWith('auto_'))) return undefined;
  const twin = act.sql<{ job: number }>(TWIN).get(content, act.now - job.guardMs, job.messageId);
  const id = twin && act.sql<{ id: JobId }>(WHOLE_JOB_ID).get(twin.job)?.id;
  const row = id && act.sql<WholeJobRow>(WHOLE_JOB_BY_ID).get(id);
  return row && jobOf(row);
}

interface Names {
  readonly key: Uint8Array | undefined;
  /** The key has no record yet. */
  readonly takesKey: boolean;
  readonly content: Uint8Array;
}

function insert(act: Act, job: NewJob, known: KnownLane | undefined, { key, takesKey, content }: Names): Enqueued {
  const { now } = act;
  const lane = known ?? addLane(act, job);
  const forecast = forecastOf(act, lane, job); // before it is there, or it would stand in its own way
  const budgets = (job.budgets ?? []).flatMap((scope) => allowancesOf(act, scope));
  const dueAt = Math.max(now, Math.ceil(job.dueAt ?? now));
  const state = dueAt > now ? 'scheduled' : 'ready';
  const expiresAt = job.expiresAt === undefined ? null : Math.floor(job.expiresAt);
  const mail = mailOf(act, job);
  const seq = inserted(act.sql<{ seq: number }>(ADD_JOB).get(job.id, lane.seq, state, now, now, dueAt, expiresAt));
  act.sql(ADD_FACTS).run(seq, job.tenant, mail, JSON.stringify(job.envelope), job.onDoubt, job.fingerprint, key ?? null, content);
  act.sql(ADD_CONTENT).run(content, now, seq);
  if (takesKey && key !== undefined && job.key !== undefined) act.sql(TAKE_KEY).run(key, job.key.generation, mail);
  if (state === 'ready' && !known?.waiting) act.wakeLane(lane.seq);
  act.moved(undefined, state, lane.seq);
  act.tell(seq, 'queued', state);
  return { kind: 'created', job: createdJob(job, { state, now, dueAt }), forecast, budgets };
}

/** What `get` would answer now; made from what came in, since reading it back would cost as much as writing it. */
function createdJob(
  job: NewJob,
  { state, now, dueAt }: { readonly state: 'scheduled' | 'ready'; readonly now: number; readonly dueAt: number },
): Job {
  const { id, kind, tenant, sender, lane, messageId, envelope, onDoubt, priority, expiresAt } = job;
  const counters = { token: 0, attempts: 0, failures: {}, crashes: 0, crashesApart: 0, runsApart: false, resends: 0 };
  const born = { id, kind, tenant, sender, lane, messageId, envelope, state, onDoubt, priority };
  return { ...born, ...counters, createdAt: now, dueAt, sizeBytes: job.payload.byteLength, ...(expiresAt !== undefined && { expiresAt }) };
}

interface KnownLane extends LaneFacts, SenderRow {
  /** Above 0: it has its mark. */
  readonly waiting: number;
  readonly has_rules: number;
}

/** One look-up for what most jobs need to know: their lane, their sender, and whether there are limits or holds at all. */
function lookUpLane(act: Act, { sender, lane, kind, priority }: NewJob): KnownLane | undefined {
  const known = act.sql<KnownLane>(LANE).get(sender, lane, kind, rankOf(priority));
  if (known === undefined) return undefined;
  act.senders.noteLane(known);
  act.senders.noteSender(known.owner, known);
  if (known.has_rules === 0) act.noteNoRules();
  return known;
}

function addLane(act: Act, { sender, lane, kind, priority, envelope }: NewJob): LaneFacts {
  const owner = ownerOf(act, sender, kind);
  const facts = act.sql<LaneFacts>(ADD_LANE).get(sender, lane, kind, rankOf(priority), owner, domainOf(envelope.from));
  if (facts === undefined) throw new Error('broken invariant: a row just written is not there');
  act.senders.noteLane(facts);
  return facts;
}

/** A sender's mail has scopes, its other jobs have none. */
function ownerOf(act: Act, sender: SenderId, kind: JobKind): number {
  return inserted(act.sql<{ seq: number }>(ADD_SENDER).get(sender, kind === 'send' ? 1 : 0));
}

function mailOf(act: Act, job: NewJob): number {
  const added = act.sql<{ seq: number }>(ADD_MAIL).get(job.messageId, job.payload.byteLength, job.payload);
  return inserted(added ?? act.sql<{ seq: number }>(MAIL).get(job.messageId));
}

export function inserted(row: { readonly seq: number } | undefined): number {
  if (row === undefined) throw new Error('broken invariant: a row just written is not there');
  return row.seq;
}

export function findKeysNow(look: Pick<Act, 'sql'>, refs: readonly KeyRef[]): KeyRecord[] {
  return refs.map((ref) => {
    const row = look.sql<KeyRow>(KEY).get(keyHash(ref));
    if (row?.message_id == null || row.fingerprint === null) return { kind: 'free', generation: row?.generation ?? 0 };
    return { kind: 'taken', generation: row.generation, messageId: row.message_id, fingerprint: row.fingerprint };
  });
}

// ---- Names as 16 bytes: an index of a million long texts would not fit into memory, and these never meet by chance

function keyHash(ref: KeyRef): Uint8Array {
  return hash16(`${ref.tenant}\n${ref.key}`);
}

function contentHash(job: { readonly tenant: TenantId; readonly lane: string; readonly fingerprint: string }): Uint8Array {
  return hash16(`${job.tenant}\n${job.lane}\n${job.fingerprint}`);
}

function hash16(text: string): Uint8Array {
  return hash('sha256', text, 'buffer').subarray(0, 16);
}
