import * as z from 'zod';
import { readQueue, type SenderLine } from '../../api/queue.ts';
import type { WorkerSeen } from '../../ports/ledger-scopes.ts';
import { PAGE_MAX } from '../../model/limits.ts';
import * as answers from '../answer-schemas-senders.ts';
import { iso, isoOrNull } from '../iso.ts';
import { definedOnly } from '../defined-only.ts';
import { type Route, route } from '../route.ts';
import { allowanceJson } from '../standing-json.ts';

type Json = Readonly<Record<string, unknown>>;

const query = z.object({
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).optional().describe('Senders on a page; 100 unless set.'),
  after: z.string().max(64).optional().describe('The name of the last sender of the page before.'),
});

export const queueRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/queue',
    scope: 'read',
    wholeAccount: true,
    summary: 'How the queue stands: depth by state, each sender with what it waits for and until when, the workers, and rates.',
    access: 'operator',
    query,
    gives: answers.queue,
    answer: async ({ deps, query: { limit, after } }) => {
      const queue = await readQueue(deps, { max: limit ?? PAGE_MAX, ...definedOnly({ after }) });
      return {
        at: iso(queue.now),
        depth: queue.depth,
        runnable: { senders: queue.runnableSenders, oldestSeconds: Math.round(queue.oldestRunnableMs / 1_000) },
        sentPerMinute: queue.sentPerMinute,
        senders: queue.senders.map(senderJson),
        workers: queue.workers.map((worker) => workerJson(worker, queue.now)),
        next: queue.next ?? null,
      };
    },
  }),
];

function senderJson(sender: SenderLine): Json {
  return {
    name: sender.name,
    ready: sender.ready,
    scheduled: sender.scheduled,
    underWay: sender.underWay,
    sentPerMinute: sender.sentPerMinute,
    waiting: sender.waiting === undefined ? null : { ...sender.waiting, until: isoOrNull(sender.until) },
    doneAt: isoOrNull(sender.doneAt),
    limits: sender.allowances.map(allowanceJson),
  };
}

function workerJson({ id, host, pid, version, concurrency, sending, endedPerSecond, startedAt, seenAt }: WorkerSeen, now: number): Json {
  const facts = { id, host, pid, version, concurrency, sending, endedPerSecond: Math.round(endedPerSecond * 10) / 10 };
  return { ...facts, startedAt: iso(startedAt), seenSecondsAgo: Math.round((now - seenAt) / 1_000) };
}
