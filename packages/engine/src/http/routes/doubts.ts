import { listDoubts, resolveDoubt } from '../../api/doubts.ts';
import * as answers from '../answer-schemas-mail.ts';
import { reviewJson, pageJson } from '../answers.ts';
import { definedOnly } from '../defined-only.ts';
import { pageAsked } from '../page.ts';
import { type Route, route } from '../route.ts';
import * as schemas from '../schemas.ts';

export const doubtRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/doubts',
    scope: 'read',
    summary: 'Mail that may or may not have been taken: the reply to its final dot was not seen.',
    query: schemas.page,
    gives: answers.reviewPage,
    answer: async ({ deps, caller, query }) => {
      const page = await listDoubts(deps, { tenant: caller.tenant, ...pageAsked(query) });
      return pageJson(page.items.map(reviewJson), page.cursor);
    },
  }),
  route({
    method: 'POST',
    path: '/v1/doubts/:id/resolve',
    scope: 'manage',
    summary: 'Decides about a job in doubt, or all of an email: it was `sent`, `resend` it, or it is `dead`.',
    body: schemas.resolveDoubt,
    gives: answers.resolved,
    refuses: ['wrong_state'],
    answer: async ({ deps, caller, param, body }) => ({
      resolved: await resolveDoubt(deps, caller.tenant, param('id'), definedOnly(body)),
    }),
  }),
];
