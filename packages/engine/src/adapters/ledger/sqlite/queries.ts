import type { LedgerEvent } from '../../../model/event.ts';
import type { JobId, MessageId } from '../../../model/ids.ts';
import { type Attempt, type Job, STATES, type State } from '../../../model/job.ts';
import type { JobPage, JobQuery, LedgerStats } from '../../../ports/ledger.ts';
import type { Look } from './act.ts';
import { filterOf } from './filter.ts';
import { type AttemptRow, attemptOf, jobOf, type WholeJobRow } from './rows.ts';
import { NEXT_LATER } from './sql/deal.ts';
import {
  ANY_READY,
  ATTEMPTS,
  BACKLOG,
  COUNTS,
  END_OF_LOOK,
  EVENTS,
  type ListBy,
  NEXT_DUE,
  PAYLOAD,
  pageOfJobs,
  WHOLE_JOB_BY_ID,
} from './sql/read.ts';

export function getJob(look: Look, id: JobId): Job | undefined {
  const row = look.sql<WholeJobRow>(WHOLE_JOB_BY_ID).get(id);
  return row && jobOf(row);
}

/** Rows that one page looks through: who looks for what is not there must not hold up the mail. */
const LOOKED_THROUGH_MAX = 5_000;

export function listJobs(look: Look, query: JobQuery): JobPage {
  const { tenant = null, messageIds, max } = query;
  const before = query.cursor === undefined ? Number.MAX_SAFE_INTEGER : readCursor(query.cursor);
  const ways = waysOf(query);
  const end = Math.max(...ways.map(({ by }) => endOfLook(look, by, before, tenant)));
  const page = ({ by, only }: Way): WholeJobRow[] => {
    const values = [
      before,
      tenant,
      messageIds === undefined ? null : JSON.stringify(messageIds),
      only === undefined ? null : JSON.stringify(only),
    ];
    const filter = filterOf(query, '?7');
    return look.sql<WholeJobRow>(pageOfJobs(by, filter.text)).all(...values, max + 1, end, ...filter.values);
  };
  const found = ways.flatMap(page).sort((a, b) => b.seq - a.seq);
  const rows = found.slice(0, max);
  const next = found.length > max ? rows.at(-1)?.seq : end > 0 ? end : undefined;
  return { jobs: rows.map(jobOf), ...(next !== undefined && { cursor: `${next}` }) };
}

interface Way {
  readonly by: ListBy;
  readonly only: readonly State[] | undefined;
}

function waysOf({ tenant, messageIds, states }: JobQuery): readonly Way[] {
  if (messageIds !== undefined) return [{ by: 'message', only: states }];
  if (isAttention(states)) return states.map((state) => ({ by: state, only: [state] }));
  return [{ by: tenant === undefined ? 'all' : 'tenant', only: states }];
}

/** 0: the list ends before the look has to. */
function endOfLook(look: Look, by: ListBy, before: number, tenant: string | null): number {
  if (by === 'message') return 0;
  return look.sql<{ seq: number }>(END_OF_LOOK[by]).get(before, LOOKED_THROUGH_MAX, ...(by === 'tenant' ? [tenant] : []))?.seq ?? 0;
}

/** States that somebody looks through for what needs a person; each has an index of its own. */
function isAttention(states: readonly State[] | undefined): states is readonly ('dead' | 'in_doubt')[] {
  return (
    states !== undefined && new Set(states).size === states.length && states.every((state) => state === 'dead' || state === 'in_doubt')
  );
}

function readCursor(cursor: string): number {
  if (!/^\d{1,15}$/.test(cursor)) throw new RangeError(`not a cursor of this ledger: ${JSON.stringify(cursor.slice(0, 40))}`);
  return Number(cursor);
}

export function attemptsOf(look: Look, id: JobId): Attempt[] {
  return look.sql<AttemptRow>(ATTEMPTS).all(id).map(attemptOf);
}

export function payloadOf(look: Look, id: MessageId): Uint8Array | undefined {
  return look.sql<{ payload: Uint8Array | null }>(PAYLOAD).get(id)?.payload ?? undefined;
}

interface EventRow extends Pick<LedgerEvent, 'seq' | 'at' | 'tenant' | 'kind' | 'state'> {
  readonly job_id: JobId;
  readonly message_id: MessageId;
}

export function eventsAfter(look: Look, after: number, max: number): LedgerEvent[] {
  const rows = look.sql<EventRow>(EVENTS).all(after, max);
  return rows.map(({ job_id, message_id, ...event }) => ({ ...event, jobId: job_id, messageId: message_id }));
}

export function statsNow(look: Look): LedgerStats {
  const byState = Object.fromEntries(STATES.map((state) => [state, 0])) as Record<State, number>;
  for (const { state, jobs } of look.sql<{ state: State; jobs: number }>(COUNTS).all()) byState[state] = jobs;
  const backlog = look.sql<{ oldest_due_at: number | null; senders: number }>(BACKLOG).get(look.now);
  const oldestDueAt = backlog?.oldest_due_at ?? look.now;
  return { byState, oldestReadyMs: Math.max(0, look.now - oldestDueAt), sendersWithBacklog: backlog?.senders ?? 0, now: look.now };
}

/** When the next job is due, or the next sender's time comes. Infinity: nothing waits for a time. */
export function nextDueAt(look: Pick<Look, 'sql'>): number {
  const dueAt = look.sql<{ due_at: number }>(NEXT_DUE).get()?.due_at ?? Number.POSITIVE_INFINITY;
  return Math.min(dueAt, look.sql<{ not_before: number }>(NEXT_LATER).get()?.not_before ?? Number.POSITIVE_INFINITY);
}

export function hasReady(look: Pick<Look, 'sql'>): boolean {
  return look.sql(ANY_READY).get() !== undefined;
}
