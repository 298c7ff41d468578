import { listCaptured } from '../../api/captured.ts';
import { capturedPage } from '../answer-schemas-mail.ts';
import { capturedJson, pageJson } from '../answers.ts';
import { PAGE_DEFAULT } from '../page.ts';
import { type Route, route } from '../route.ts';
import * as schemas from '../schemas.ts';

export const capturedRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/captured',
    scope: 'read',
    summary: 'Mail of this account that was kept here instead of being sent, newest first; one page and no cursor.',
    query: schemas.page.pick({ limit: true }),
    gives: capturedPage,
    answer: async ({ deps, caller, query: { limit } }) =>
      pageJson((await listCaptured(deps, caller.tenant, limit ?? PAGE_DEFAULT)).map(capturedJson), undefined),
  }),
];
