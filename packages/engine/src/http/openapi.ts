import * as z from 'zod';
import { components, errorResponses, responses } from './openapi-answers.ts';
import { openRoute, type Route } from './route.ts';

type Json = Readonly<Record<string, unknown>>;

/** `/openapi.json`, made from the routes themselves, so that it cannot say anything else than what is served. */
export function openApiRoute(routes: readonly Route[]): Route {
  return openRoute({
    method: 'GET',
    path: '/openapi.json',
    summary: 'This description.',
    gives: z.looseObject({ openapi: z.string() }),
    answer: async ({ deps }) => ({ body: openApi(routes, deps.settings.version) }),
  });
}

/** OpenAPI 3.1, whose schemas are JSON Schema as zod writes it. */
function openApi(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Shoal', version },
    paths,
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } }, responses: errorResponses(), schemas: components() },
  };
}

function operation(route: Route): Json {
  return {
    operationId: operationId(route),
    summary: route.summary,
    // A bearer scheme has no scopes of its own: 3.1 lets roles be named here.
    security:
      route.access === 'open'
        ? []
        : [{ token: [...(route.scope === undefined ? [] : [route.scope]), ...(route.access === 'operator' ? ['operator'] : [])] }],
    parameters: [...pathParameters(route), ...queryParameters(route)],
    ...(Object.keys(route.body.shape).length === 0
      ? {}
      : { requestBody: { content: { 'application/json': { schema: schemaOf(route.body) } } } }),
    responses: responses(route),
  };
}

/** @example operationId({ method: 'POST', path: '/v1/dead-letters/:id/requeue' }) // 'postDeadLettersIdRequeue' */
function operationId({ method, path }: Pick<Route, 'method' | 'path'>): string {
  const words = path.replace(/^\/v1\//, '/').split(/[^A-Za-z0-9]+/);
  return method.toLowerCase() + (words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('') || 'Root');
}

function pathParameters(route: Route): Json[] {
  return [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
}

function queryParameters(route: Route): Json[] {
  return Object.entries(route.query.shape).map(([name, schema]) => ({ name, in: 'query', schema: schemaOf(schema) }));
}

function schemaOf(schema: z.core.$ZodType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return rest;
}
