import type { Attempt } from '../model/job.ts';
import type { FailureClass } from '../model/outcome.ts';
import type { DeadGroup, DeadGroups, DeadGroupsQuery, JobFilter } from '../ports/ledger-dead.ts';
import type { JobRecord } from './job-life.ts';

/** The filter and the groups of dead letters, as the model has them. */

export function meets(record: JobRecord, filter: JobFilter): boolean {
  const { lanes, senders, reasons, failures, recipientDomain, endedSince, endedBefore } = filter;
  const { finishedAt, reason, born } = record;
  return (
    (lanes?.includes(born.lane) ?? true) &&
    (senders?.includes(born.sender) ?? true) &&
    (reasons === undefined || (reason !== undefined && reasons.includes(reason))) &&
    (failures?.some((failure) => (record.failures[failure] ?? 0) > 0) ?? true) &&
    (recipientDomain === undefined || record.envelope.to.some((address) => domainOf(address) === recipientDomain)) &&
    (endedSince === undefined || (finishedAt !== undefined && finishedAt >= endedSince)) &&
    (endedBefore === undefined || (finishedAt !== undefined && finishedAt < endedBefore))
  );
}

export function isDead(record: JobRecord, endedBefore = Number.POSITIVE_INFINITY): boolean {
  return record.state === 'dead' && (record.finishedAt ?? 0) < endedBefore;
}

export function groupsOf(
  records: Iterable<JobRecord>,
  attemptsOf: (record: JobRecord) => readonly Attempt[],
  query: DeadGroupsQuery,
): DeadGroups {
  const dead = [...records].filter(
    (record) => isDead(record) && (query.tenant === undefined || record.born.tenant === query.tenant) && meets(record, query),
  );
  const groups = new Map<string, DeadGroup>();
  for (const record of dead.sort((a, b) => b.born.seq - a.born.seq)) {
    const at = record.finishedAt ?? 0;
    const cause = causeOf(record, attemptsOf(record));
    const known = groups.get(JSON.stringify(cause));
    groups.set(JSON.stringify(cause), {
      ...cause,
      count: (known?.count ?? 0) + 1,
      firstAt: Math.min(known?.firstAt ?? at, at),
      lastAt: Math.max(known?.lastAt ?? at, at),
      sample: known?.sample ?? record.born.id,
    });
  }
  const largestFirst = [...groups.values()].sort((a, b) => b.count - a.count || b.lastAt - a.lastAt || (a.sample < b.sample ? -1 : 1));
  return { groups: largestFirst.slice(0, query.max), count: dead.length };
}

function causeOf(record: JobRecord, attempts: readonly Attempt[]): Pick<DeadGroup, 'reason' | 'failure' | 'reply'> {
  const last = attempts.at(-1);
  const reply = last?.reply ?? last?.recipients?.[0]?.reply;
  const [failure] = (Object.entries(record.failures) as [FailureClass, number][])
    .filter(([, count]) => count > 0)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([name]) => name);
  return {
    reason: record.reason ?? 'decided',
    ...(failure !== undefined && { failure }),
    ...(reply !== undefined && { reply: { code: reply.code, ...(reply.enhanced !== undefined && { enhanced: reply.enhanced }) } }),
  };
}

function domainOf(address: string): string {
  return address.slice(address.indexOf('@') + 1).toLowerCase();
}
