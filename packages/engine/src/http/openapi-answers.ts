import * as z from 'zod';
import { type ErrorCode, factsOf } from '../model/errors.ts';
import { NOUNS, warnings } from './answer-schemas.ts';
import type { Route } from './route.ts';

/** What a route may answer, as OpenAPI has it: its own answers, and its errors by status. */

type Json = Readonly<Record<string, unknown>>;

const COMPONENTS = '#/components/schemas/';

/** With every answer `warnings`, where the frame looks at what a caller wrote. */
export function answerSchema(route: Route): z.ZodObject | undefined {
  if (typeof route.gives === 'string') return undefined;
  return route.access === 'open' ? route.gives : route.gives.safeExtend({ warnings });
}

/** Errors that a route may answer, of its own and by its kind: what is not among them is a fault of this table or of the route. */
export function errorsOf(route: Route): readonly ErrorCode[] {
  const isWriting = route.method !== 'GET';
  const readsQuery = Object.keys(route.query.shape).length > 0;
  const readsBody = Object.keys(route.body.shape).length > 0;
  const needsToken = route.access !== 'open';
  const codes: readonly (ErrorCode | false)[] = [
    'host_not_allowed',
    'origin_not_allowed',
    needsToken && 'unauthorized',
    needsToken && 'forbidden',
    (isWriting || readsQuery) && 'bad_request', // of any body that is not JSON
    isWriting && 'too_large',
    (readsBody || readsQuery) && 'refused_value',
    route.path.includes(':') && 'not_found',
    ...(route.refuses ?? []),
    isWriting && 'disk_full',
    'internal_error',
    route.path.startsWith('/v1/') && 'shutting_down',
    'ledger_unreachable',
  ];
  return [...new Set(codes.filter((code) => code !== false))];
}

export function responses(route: Route): Json {
  return { [route.status]: answer(route), ...otherAnswers(route), ...errors(route) };
}

function answer(route: Route): Json {
  const schema = answerSchema(route);
  const content = schema === undefined ? { [String(route.gives)]: {} } : json(referring(schema));
  return { description: 'Done.', content };
}

function otherAnswers({ also = {} }: Route): Json {
  return Object.fromEntries(
    Object.entries(also).map(([status, schema]) => [status, { description: 'Not now.', content: json(referring(schema)) }]),
  );
}

/** A status with an answer of its own has no errors beside it in the description. */
function errors(route: Route): Json {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of errorsOf(route)) {
    const { status } = factsOf(code);
    if (route.also?.[status] === undefined) byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries([...byStatus].map(([status, codes]) => [status, errorResponse(status, codes)]));
}

const MAY_BE_REPEATED: readonly number[] = [429, 503, 507];

/** The form is the same for all; which codes there may be is said here. */
function errorResponse(status: number, codes: readonly ErrorCode[]): Json {
  const $ref = `#/components/responses/${MAY_BE_REPEATED.includes(status) ? 'NotNow' : 'Refused'}`;
  return { $ref, description: codes.map((code) => `\`${code}\``).join(', ') };
}

/** What errors look like. */
export function errorResponses(): Json {
  const content = json({ $ref: `${COMPONENTS}Error` });
  const seconds = { description: 'Whole seconds, at least 1.', schema: { type: 'integer', minimum: 1 } };
  return {
    Refused: { description: 'What was wrong and what to do.', content },
    NotNow: { description: 'The same request may succeed later.', headers: { 'Retry-After': seconds }, content },
  };
}

function json(schema: Json): Json {
  return { 'application/json': { schema } };
}

/** All nouns of the answers, each naming the others. */
export function components(): Json {
  const { schemas } = z.toJSONSchema(NOUNS, { io: 'input', uri: (id) => COMPONENTS + id, override: plain });
  return Object.fromEntries(Object.entries(schemas).map(([name, { $schema: _, $id: __, ...schema }]) => [name, schema]));
}

/** A schema that names the nouns in it instead of showing them. */
function referring(schema: z.ZodObject): Json {
  const { $schema: _, $defs: __, ...rest } = z.toJSONSchema(schema, { io: 'input', metadata: NOUNS, override: plain });
  return JSON.parse(JSON.stringify(rest).replaceAll('"#/$defs/', `"${COMPONENTS}`)) as Json;
}

/** A pattern that says the same as the format, and bounds that say that JSON has doubles, help no reader. */
function plain({ jsonSchema }: { readonly jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
}
