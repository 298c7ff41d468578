import * as z from 'zod';
import { boundToInboxes } from '../api/bound-to-inboxes.ts';
import { type ErrorCode, ShoalError } from '../model/errors.ts';
import type { TokenRecord, TokenScope } from '../model/tenant.ts';
import type { AppDeps } from './app.ts';
import { admit } from './auth.ts';
import { checked, queryFields } from './checked.ts';

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
export type MediaType = `${string}/${string}`;

/** What a route says: JSON of a form, or bytes of a media type. OpenAPI shows it, and the tests hold every answer to it. */
interface Promised {
  readonly gives: z.ZodObject | MediaType;
  /** Other statuses with an answer of their own. */
  readonly also?: Readonly<Record<number, z.ZodObject>>;
  /** Errors besides those that any route of its kind may answer. */
  readonly refuses?: readonly ErrorCode[];
}

/** One entry of the table that is served, searched for near misses, and shown as OpenAPI. */
export interface Route extends Promised {
  readonly method: Method;
  /** hono's form: `/v1/inboxes/:id`. */
  readonly path: string;
  readonly summary: string;
  /** `operator`: with a token of that role. `open`: without one. */
  readonly access: 'token' | 'operator' | 'open';
  /** What the token needs. Absent: any token will do, as for an open route none. */
  readonly scope?: TokenScope;
  /** Not for a token that is bound to inboxes. */
  readonly wholeAccount: boolean;
  readonly query: z.ZodObject;
  readonly body: z.ZodObject;
  readonly status: 200 | 201 | 202;
  run(call: Call): Promise<Answer>;
}

/** A request past the door, not yet checked against its route's schemas. */
export interface Call {
  readonly deps: AppDeps;
  readonly caller?: TokenRecord;
  /** Also in the log, beside what is the server's own fault. */
  readonly requestId: string;
  readonly params: Readonly<Record<string, string>>;
  readonly headers: Headers;
  readonly remoteAddress?: string;
  readonly query: URLSearchParams;
  readonly json: Readonly<Record<string, unknown>>;
  /** Sentences for the caller; they go out with the answer. */
  readonly warnings: string[];
}

export type Answer =
  | { readonly kind: 'json'; readonly status: number; readonly body: Readonly<Record<string, unknown>> }
  | { readonly kind: 'text'; readonly contentType: string; readonly text: string }
  | { readonly kind: 'bytes'; readonly contentType: string; readonly fileName: string; readonly bytes: Uint8Array };

/** What a route's own function is given: everything checked. */
export interface Checked<Query, Body> {
  readonly deps: AppDeps;
  readonly caller: TokenRecord;
  readonly requestId: string;
  readonly param: (name: string) => string;
  readonly headers: Headers;
  readonly query: Query;
  readonly body: Body;
  readonly warnings: string[];
}

const NOTHING = z.object({});

interface RouteSpec<Query extends z.ZodObject, Body extends z.ZodObject> extends Promised {
  readonly method: Method;
  readonly path: string;
  readonly summary: string;
  /** `token` when left out. */
  readonly access?: 'token' | 'operator';
  /** `any`: whichever scopes it has. */
  readonly scope: TokenScope | 'any';
  readonly wholeAccount?: boolean;
  readonly query?: Query;
  readonly body?: Body;
  /** 200 when left out. */
  readonly status?: 200 | 201 | 202;
  answer(call: Checked<z.output<Query>, z.output<Body>>): Promise<Readonly<Record<string, unknown>> | Bytes>;
}

/** An answer that is not JSON. */
export interface Bytes {
  readonly kind: 'bytes';
  readonly contentType: string;
  readonly fileName: string;
  readonly bytes: Uint8Array;
}

/** A route for token holders: query and body are checked against their schemas before `answer` sees them. */
export function route<Query extends z.ZodObject = typeof NOTHING, Body extends z.ZodObject = typeof NOTHING>(
  spec: RouteSpec<Query, Body>,
): Route {
  const query = spec.query ?? (NOTHING as unknown as Query);
  const body = spec.body ?? (NOTHING as unknown as Body);
  const status = spec.status ?? 200;
  const { scope, ...rest } = spec;
  const needs = { ...(scope !== 'any' && { scope }), wholeAccount: spec.wholeAccount ?? false };
  return {
    ...rest,
    ...needs,
    access: spec.access ?? 'token',
    query,
    body,
    status,
    async run(call) {
      const { caller } = call;
      if (caller === undefined) throw new ShoalError('unauthorized', 'no token was given');
      if (spec.access === 'operator' && caller.role !== 'operator')
        throw new ShoalError('forbidden', 'this is for the operator: use the token of the first start, in the data folder');
      admit(caller, needs);
      const given = await spec.answer({
        deps: boundToInboxes(call.deps, caller.inboxes),
        caller,
        requestId: call.requestId,
        param: (name) => call.params[name] ?? '',
        headers: call.headers,
        query: checked(query, queryFields(query, call.query), call.warnings),
        body: checked(body, call.json, call.warnings),
        warnings: call.warnings,
      });
      return isBytes(given) ? given : { kind: 'json', status, body: given };
    },
  };
}

/** A route that answers without a token. */
export function openRoute(
  spec: Promised & {
    readonly method: Method;
    readonly path: string;
    readonly summary: string;
    readonly status?: 200 | 201;
    answer(
      call: Call,
    ): Promise<{ readonly status?: number; readonly body: Readonly<Record<string, unknown>> } | (Answer & { readonly kind: 'text' })>;
  },
): Route {
  const status = spec.status ?? 200;
  return {
    ...spec,
    access: 'open',
    wholeAccount: false,
    query: NOTHING,
    body: NOTHING,
    status,
    async run(call) {
      const given = await spec.answer(call);
      return 'kind' in given ? given : { kind: 'json', status: given.status ?? status, body: given.body };
    },
  };
}

function isBytes(given: Readonly<Record<string, unknown>> | Bytes): given is Bytes {
  return given['kind'] === 'bytes' && given['bytes'] instanceof Uint8Array;
}
