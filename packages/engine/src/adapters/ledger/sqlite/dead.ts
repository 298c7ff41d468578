import type { JobId, MessageId } from '../../../model/ids.ts';
import type { DeadReason, FailureClass } from '../../../model/outcome.ts';
import type { DeadGroup, DeadGroups, DeadGroupsQuery, DeadOptions, Purged } from '../../../ports/ledger-dead.ts';
import type { Act, Look } from './act.ts';
import { filterOf } from './filter.ts';
import type { JobRow } from './rows.ts';
import { DROP_MAIL } from './sql/act.ts';
import { DEAD_MAIL, deadGroups } from './sql/dead.ts';
import { JOB_BY_ID } from './sql/read.ts';
import { DROP_ATTEMPTS, DROP_CONTENT, DROP_EVENTS, DROP_FACTS, DROP_JOB, FREE_KEY, MAIL_IN_USE } from './sql/sweep.ts';

interface GroupRow {
  readonly reason: DeadReason;
  readonly failure: FailureClass | null;
  readonly code: number | null;
  readonly enhanced: string | null;
  readonly jobs: number;
  readonly first_at: number;
  readonly last_at: number;
  readonly sample: JobId;
}

/** A look at every dead job: a person asks, now and then. */
export function deadGroupsNow(look: Look, query: DeadGroupsQuery): DeadGroups {
  const filter = filterOf(query, '?2');
  const rows = look.sql<GroupRow>(deadGroups(filter.text)).all(query.tenant ?? null, ...filter.values);
  return { groups: rows.slice(0, query.max).map(groupOf), count: rows.reduce((sum, { jobs }) => sum + jobs, 0) };
}

function groupOf({ reason, failure, code, enhanced, jobs, first_at, last_at, sample }: GroupRow): DeadGroup {
  return {
    reason,
    ...(failure !== null && { failure }),
    ...(code !== null && { reply: { code, ...(enhanced !== null && { enhanced }) } }),
    count: jobs,
    firstAt: first_at,
    lastAt: last_at,
    sample,
  };
}

interface MailRow {
  readonly mail: number;
  readonly message_id: MessageId;
  readonly key: Uint8Array | null;
  readonly content: Uint8Array | null;
}

export function purgeNow(act: Act, id: JobId, { endedBefore = Number.POSITIVE_INFINITY }: DeadOptions = {}): Purged {
  const row = act.sql<JobRow>(JOB_BY_ID).get(id);
  if (row === undefined) return { kind: 'refused', because: 'unknown' };
  if (row.state !== 'dead' || (row.finished_at ?? 0) >= endedBefore) return { kind: 'refused', because: 'not_dead' };
  const found = act.sql<MailRow>(DEAD_MAIL).get(row.seq);
  if (found === undefined) throw new Error(`broken invariant: no mail of ${id}`);
  const { mail, message_id, key, content } = found;
  for (const drop of [DROP_JOB, DROP_FACTS, DROP_ATTEMPTS, DROP_EVENTS]) act.sql(drop).run(row.seq);
  if (content !== null) act.sql(DROP_CONTENT).run(content, row.created_at, row.seq);
  act.moved('dead', undefined);
  const isLast = act.sql(MAIL_IN_USE).get(mail) === undefined;
  if (isLast && key !== null) act.sql(FREE_KEY).run(key, mail);
  act.dropped({ id: message_id, seq: mail, isLast }, 'dead');
  if (isLast) act.sql(DROP_MAIL).run(mail); // also where the bytes of sent mail are kept
  return { kind: 'purged' };
}
