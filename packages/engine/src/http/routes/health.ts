import { checkReady } from '../../api/health.ts';
import * as answers from '../answer-schemas-account.ts';
import { openRoute, type Route } from '../route.ts';

export const entryRoutes: readonly Route[] = [
  openRoute({
    method: 'GET',
    path: '/',
    summary: 'What this server is, and where to go on.',
    gives: answers.entryPoints,
    answer: async ({ deps }) => ({
      body: {
        name: 'shoal',
        version: deps.settings.version,
        what: 'An email engine for AI agents. POST /v1/signup makes a token, POST /v1/inboxes an address, POST /v1/emails/send sends.',
        links: { openapi: '/openapi.json', health: '/health', ready: '/ready' },
      },
    }),
  }),
];

export const healthRoutes: readonly Route[] = [
  openRoute({
    method: 'GET',
    path: '/health',
    summary: 'The process lives. Problems are named, and do not change the status.',
    gives: answers.health,
    answer: async ({ deps }) => {
      const { ok, problems } = deps.health();
      return { body: { status: ok ? 'healthy' : 'degraded', problems, version: deps.settings.version } };
    },
  }),
  openRoute({
    method: 'GET',
    path: '/ready',
    summary: 'A mail handed in now would be accepted: 200, or 503 with the reasons.',
    gives: answers.ready,
    also: { 503: answers.notReady },
    answer: async ({ deps }) => {
      const { ok, problems } = deps.health();
      const readiness = await checkReady(deps, { problems: ok ? [] : problems, isStopping: deps.isStopping() });
      return readiness.kind === 'ready'
        ? { body: { status: 'ready' } }
        : { status: 503, body: { status: 'not_ready', problems: readiness.problems } };
    },
  }),
];
