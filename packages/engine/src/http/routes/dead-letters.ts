import { listDeadLetters, requeue } from '../../api/dead-letters.ts';
import { reviewJson, pageJson } from '../answers.ts';
import { pageAsked } from '../page.ts';
import { type Route, route } from '../route.ts';
import * as schemas from '../schemas.ts';

export const deadLetterRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/dead-letters',
    summary: 'Mail that will not be tried again by itself, with every attempt; newest first.',
    query: schemas.page,
    answer: async ({ deps, caller, query }) => {
      const page = await listDeadLetters(deps, { tenant: caller.tenant, ...pageAsked(query) });
      return pageJson(page.items.map(reviewJson), page.cursor);
    },
  }),
  route({
    method: 'POST',
    path: '/v1/dead-letters/:id/requeue',
    summary: 'Puts a dead job, or all dead jobs of an email, back into the queue: attempt 0, same bytes.',
    answer: async ({ deps, caller, param }) => ({ requeued: await requeue(deps, caller.tenant, param('id')) }),
  }),
];
