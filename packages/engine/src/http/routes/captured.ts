import { listCaptured } from '../../api/captured.ts';
import { capturedPage } from '../answer-schemas-mail.ts';
import { capturedJson, pageJson } from '../answers.ts';
import { pageAsked } from '../page.ts';
import { type Route, route } from '../route.ts';
import * as schemas from '../schemas.ts';

export const capturedRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/captured',
    scope: 'read',
    summary: 'Mail of this account that was kept here instead of being sent, newest first.',
    query: schemas.page,
    gives: capturedPage,
    answer: async ({ deps, caller, query }) => {
      const page = await listCaptured(deps, { tenant: caller.tenant, ...pageAsked(query) });
      return pageJson(page.emails.map(capturedJson), page.cursor);
    },
  }),
];
