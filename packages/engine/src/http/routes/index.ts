/**
 * The routes of `/v1` and around it, one file a noun. A route names its method, path and schemas, calls one function of the
 * api, and turns what it says into JSON. Not here: reading bodies, tokens, errors, warnings (the frame in `app.ts`).
 */
import { openApiRoute } from '../openapi.ts';
import type { Route } from '../route.ts';
import { accountRoutes } from './account.ts';
import { capturedRoutes } from './captured.ts';
import { deadLetterRoutes } from './dead-letters.ts';
import { doubtRoutes } from './doubts.ts';
import { emailRoutes } from './emails.ts';
import { entryRoutes, healthRoutes } from './health.ts';
import { inboxRoutes } from './inboxes.ts';
import { metricsRoutes } from './metrics.ts';
import { queueRoutes } from './queue.ts';
import { tokenRoutes } from './tokens.ts';
import { senderRoutes } from './senders.ts';

const ANSWERING: readonly Route[] = [
  ...entryRoutes,
  ...healthRoutes,
  ...metricsRoutes,
  ...accountRoutes,
  ...tokenRoutes,
  ...inboxRoutes,
  ...senderRoutes,
  ...emailRoutes,
  ...deadLetterRoutes,
  ...doubtRoutes,
  ...capturedRoutes,
  ...queueRoutes,
];
/** Of a process that only works: a supervisor and Prometheus need no more, and the API is the server's. */
export const OPERATIONS: readonly Route[] = [...healthRoutes, ...metricsRoutes];
export const ROUTES: readonly Route[] = [...ANSWERING, openApiRoute(ANSWERING)];
