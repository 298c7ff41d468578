/**
 * The HTTP face as `fetch(Request) -> Response`: embedders call it without a socket, `serve.ts` puts it on one. A request
 * walks through `answer` below, top to bottom; a route is one entry of a table in `routes/`. Not here: any rule about mail,
 * which is the api's; a route only translates.
 */
import { Hono } from 'hono';
import type { ApiPorts } from '../api/ports.ts';
import { ShoalError } from '../model/errors.ts';
import { base32 } from '../model/ids.ts';
import type { TokenRecord } from '../model/tenant.ts';
import type { Log } from '../ports/log.ts';
import type { Meter } from '../ports/meter.ts';
import { authenticate, tokenUses } from './auth.ts';
import { contentDisposition } from './content-disposition.ts';
import { refuseForeignPages } from './door.ts';
import { errorAnswer } from './errors.ts';
import { readJsonBody } from './json-body.ts';
import type { Answer, Call, Route } from './route.ts';
import { methodsOf, noSuchRoute } from './route-not-found.ts';
import { ROUTES } from './routes/index.ts';

export interface AppSettings {
  /** Domain of new inboxes. */
  readonly domain: string;
  readonly signup: 'loopback' | 'open' | 'off';
  /** Names this server is reached by, besides those of the loopback (security D4). */
  readonly publicHosts: readonly string[];
  readonly version: string;
}

export interface AppDeps extends ApiPorts {
  readonly log: Log;
  /** Absent: nothing is counted. */
  readonly meter?: Meter;
  readonly settings: AppSettings;
  /** What the process knows about itself; `problems` are sentences for the operator and may be shown to anyone. */
  health(): { readonly ok: boolean; readonly problems: readonly string[] };
  isStopping(): boolean;
}

/** `remoteAddress` is the peer of the socket; a call without one came from this process, and counts as the loopback. */
export interface FetchContext {
  readonly remoteAddress?: string;
}

export interface App {
  fetch(request: Request, context?: FetchContext): Promise<Response>;
}

interface Frame {
  readonly deps: AppDeps;
  noteUse(token: TokenRecord): void;
}

/** A request on its way: what the frame knows about it before a route does. */
interface Visit {
  readonly requestId: string;
  readonly remoteAddress?: string;
  /** The pattern of the route that took it, once one did. */
  route?: string;
}

/**
 * @example
 * const app = createApp(deps);
 * const answer = await app.fetch(new Request('http://localhost/health'));
 */
export function createApp(deps: AppDeps, routes: readonly Route[] = ROUTES): App {
  const noteUse = tokenUses(deps);
  const hono = new Hono<{ Bindings: Visit }>({ getPath: pathOf });
  for (const route of routes) {
    hono.on(route.method, route.path, async (c) => {
      c.env.route = route.path;
      return respond(await answer({ deps, noteUse }, route, c.req.raw, c.req.param(), c.env), c.env);
    });
  }
  hono.notFound((c) => {
    const allow = methodsOf(routes, c.req.path);
    if (c.req.method === 'OPTIONS' && allow.length > 0) return optionsOf(allow, c.env);
    throw noSuchRoute(routes, c.req.method, c.req.path);
  });
  hono.onError((error, c) => errorAnswer(error, { ...c.env, log: deps.log }));

  return {
    async fetch(request, context = {}) {
      const startedAt = deps.clock.now();
      const visit: Visit = { ...context, requestId: `req_${base32(deps.random.bytes(13), 20)}` };
      const response = await enter(request, visit);
      const path = pathOf(request); // without the query: it may hold a token
      const durationMs = Math.round(deps.clock.now() - startedAt);
      deps.meter?.request({
        method: visit.route === undefined ? 'any' : request.method,
        route: visit.route ?? 'none',
        status: response.status,
        durationMs,
      });
      deps.log.debug('request', { method: request.method, path, status: response.status, durationMs, requestId: visit.requestId });
      return response;
    },
  };

  async function enter(request: Request, visit: Visit): Promise<Response> {
    try {
      refuseForeignPages(request, pathOf(request), { publicHosts: deps.settings.publicHosts, ...visit });
      return await hono.fetch(request, visit);
    } catch (error) {
      return errorAnswer(error, { ...visit, log: deps.log });
    }
  }
}

async function answer(
  { deps, noteUse }: Frame,
  route: Route,
  request: Request,
  params: Readonly<Record<string, string>>,
  visit: Visit,
): Promise<Answer> {
  if (route.path.startsWith('/v1/') && deps.isStopping()) throw new ShoalError('shutting_down', 'the server is stopping');
  const caller = route.access === 'open' ? undefined : await authenticate(deps, request.headers);
  if (caller !== undefined) noteUse(caller);
  const warnings: string[] = [];
  const call: Call = {
    deps,
    ...(caller === undefined ? {} : { caller }),
    requestId: visit.requestId,
    params,
    headers: request.headers,
    ...(visit.remoteAddress === undefined ? {} : { remoteAddress: visit.remoteAddress }),
    query: new URL(request.url).searchParams,
    json: route.method === 'GET' ? {} : await readJsonBody(request),
    warnings,
  };
  const given = await route.run(call);
  return given.kind === 'json' && warnings.length > 0 ? { ...given, body: { ...given.body, warnings } } : given;
}

/** Answers are for the caller alone: nothing between us and it may keep or guess at them. */
function respond(given: Answer, visit: Visit): Response {
  const headers = { 'x-request-id': visit.requestId, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
  switch (given.kind) {
    case 'json':
      return new Response(JSON.stringify(given.body), {
        status: given.status,
        headers: { ...headers, 'content-type': 'application/json' },
      });
    case 'text':
      return new Response(given.text, { headers: { ...headers, 'content-type': given.contentType } });
    case 'bytes':
      return new Response(given.bytes as Uint8Array<ArrayBuffer>, {
        // Whatever a file says it is, a browser saves it and runs nothing in it (security M6).
        headers: {
          ...headers,
          'content-type': given.contentType,
          'content-disposition': contentDisposition(given.fileName),
          'content-security-policy': "sandbox; default-src 'none'",
        },
      });
    default:
      return given satisfies never;
  }
}

/** RFC 9110 section 9.3.7. Pages of another origin, which ask so before they may call, were refused at the door. */
function optionsOf(allow: readonly string[], visit: Visit): Response {
  return new Response(null, { status: 204, headers: { allow: allow.join(', '), 'x-request-id': visit.requestId } });
}

/** Some clients join a base URL and a path with two slashes, some end a path with one. */
function pathOf(request: Request): string {
  return new URL(request.url).pathname.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '');
}
