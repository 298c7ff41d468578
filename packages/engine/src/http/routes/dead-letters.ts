import type * as z from 'zod';
import {
  type DeadGroupForReview,
  type DeadLetterFilter,
  filterMeant,
  groupDeadLetters,
  listDeadLetters,
  purge,
  requeue,
} from '../../api/dead-letters.ts';
import { beginOperation, getOperation } from '../../api/operations.ts';
import { laneId } from '../../model/ids.ts';
import type { JobFilter } from '../../ports/ledger-dead.ts';
import type { Operation } from '../../ports/operation-store.ts';
import * as answers from '../answer-schemas-mail.ts';
import { pageJson, reviewJson } from '../answers.ts';
import { definedOnly } from '../defined-only.ts';
import { iso, isoOrNull } from '../iso.ts';
import { pageAsked } from '../page.ts';
import { type Route, route } from '../route.ts';
import * as schemas from '../schemas.ts';
import { idempotencyKey } from '../submit-request.ts';

type Json = Readonly<Record<string, unknown>>;

export const deadLetterRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/dead-letters',
    scope: 'read',
    summary: 'Mail that will not be tried again by itself, with every attempt; newest first.',
    query: schemas.deadLetterPage,
    gives: answers.reviewPage,
    refuses: ['not_found'],
    answer: async ({ deps, caller, query: { limit, cursor, ...filter } }) => {
      const meant = await filterMeant(deps, caller.tenant, meantBy(filter));
      const page = await listDeadLetters(deps, { ...meant, tenant: caller.tenant, ...pageAsked({ limit, cursor }) });
      return pageJson(page.items.map(reviewJson), page.cursor);
    },
  }),
  route({
    method: 'GET',
    path: '/v1/dead-letters/groups',
    scope: 'read',
    summary:
      'Dead letters by what they died of: reason, class of failure and last reply; the 100 largest groups, each with its newest mail.',
    query: schemas.deadLetterFilter,
    gives: answers.deadGroups,
    refuses: ['not_found'],
    answer: async ({ deps, caller, query }) => {
      const meant = await filterMeant(deps, caller.tenant, meantBy(query));
      return { data: (await groupDeadLetters(deps, { ...meant, tenant: caller.tenant })).map(groupJson) };
    },
  }),
  operationRoute('requeue', 'Puts all dead mail that a filter meets back into the queue: an operation that goes on by itself.'),
  operationRoute('purge', 'Deletes all dead mail that a filter meets, for good: an operation that goes on by itself.'),
  route({
    method: 'POST',
    path: '/v1/dead-letters/:id/requeue',
    scope: 'manage',
    summary: 'Puts a dead job, or all dead jobs of an email, back into the queue: attempt 0, same bytes.',
    gives: answers.requeued,
    refuses: ['wrong_state'],
    answer: async ({ deps, caller, param }) => ({ requeued: await requeue(deps, caller.tenant, param('id')) }),
  }),
  route({
    method: 'DELETE',
    path: '/v1/dead-letters/:id',
    scope: 'manage',
    summary: 'Deletes a dead job, or all dead jobs of an email, for good: its bytes, its text and its attempts.',
    gives: answers.purged,
    refuses: ['wrong_state'],
    answer: async ({ deps, caller, param }) => ({ deleted: true, purged: await purge(deps, caller.tenant, param('id')) }),
  }),
  route({
    method: 'GET',
    path: '/v1/operations/:id',
    scope: 'read',
    summary: 'How far an operation on dead letters is.',
    gives: answers.operation,
    answer: async ({ deps, caller, param }) => operationJson(await getOperation(deps, caller.tenant, param('id'))),
  }),
];

function operationRoute(kind: Operation['kind'], summary: string): Route {
  return route({
    method: 'POST',
    path: `/v1/dead-letters/${kind}`,
    scope: 'manage',
    summary,
    body: schemas.deadLetterFilter,
    status: 202,
    gives: answers.operation,
    refuses: ['not_found', 'key_reused'],
    answer: async ({ deps, caller, body, headers }) => {
      const meant = await filterMeant(deps, caller.tenant, meantBy(body));
      const filter = caller.inboxes === undefined ? meant : withinInboxes(meant, caller.inboxes);
      return operationJson(await beginOperation(deps, caller.tenant, { kind, filter, ...definedOnly({ key: idempotencyKey(headers) }) }));
    },
  });
}

/** Whoever works on it later knows the filter and not the token. */
function withinInboxes(filter: JobFilter, inboxes: readonly string[]): JobFilter {
  return { ...filter, lanes: filter.lanes ?? inboxes.map((id) => laneId(id)) };
}

function meantBy(filter: z.output<typeof schemas.deadLetterFilter>): DeadLetterFilter {
  const { reason, failure, sender, inbox, domain, since, until } = filter;
  return definedOnly({
    reasons: reason,
    failures: failure,
    senders: sender,
    inboxes: inbox,
    recipientDomain: domain,
    endedSince: since,
    endedBefore: until,
  });
}

function groupJson({ group, sample }: DeadGroupForReview): Json {
  return {
    reason: group.reason,
    failure: group.failure ?? null,
    code: group.reply?.code ?? null,
    enhanced: group.reply?.enhanced ?? null,
    count: group.count,
    firstAt: iso(group.firstAt),
    lastAt: iso(group.lastAt),
    sample: sample === undefined ? null : reviewJson(sample),
  };
}

function operationJson({ id, kind, status, matched, done, failed, createdAt, endedAt }: Operation): Json {
  return { id, kind, status, matched, done, failed, createdAt: iso(createdAt), endedAt: isoOrNull(endedAt) };
}
