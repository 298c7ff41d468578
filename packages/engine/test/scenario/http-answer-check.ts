import { expect } from 'vitest';
import { error } from '../../src/http/answer-schemas.ts';
import type { App } from '../../src/http/app.ts';
import { answerSchema, errorsOf } from '../../src/http/openapi-answers.ts';
import type { Route } from '../../src/http/route.ts';
import { ROUTES } from '../../src/http/routes/index.ts';

/**
 * The same app, each of whose answers has to be one that its route declares, to the last field: so the description that is
 * made of the schemas cannot say anything else than what is served.
 */
export function heldToItsSchemas(app: App): App {
  return {
    ...app,
    async fetch(request, context) {
      const { method, url } = request;
      const response = await app.fetch(request, context);
      const route = routeOf(method, new URL(url).pathname);
      if (route !== undefined) await expectPromised(route, response.clone());
      return response;
    },
  };
}

function routeOf(method: string, path: string): Route | undefined {
  const given = path.split('/').filter((segment) => segment !== '');
  const fits = ROUTES.filter((route) => {
    const wanted = route.path.split('/').filter((segment) => segment !== '');
    const isSame = (segment: string, index: number): boolean => segment.startsWith(':') || segment === given[index];
    return route.method === method && wanted.length === given.length && wanted.every(isSame);
  });
  // As the server does: a path without parameters comes before one with them.
  return fits.find((route) => !route.path.includes(':')) ?? fits[0];
}

/** Throws what a test then fails with, and in words: an expectation inside a server would be an answer of 500 only. */
async function expectPromised(route: Route, response: Response): Promise<void> {
  const name = `${route.method} ${route.path} ${response.status}`;
  const type = response.headers.get('content-type') ?? '';
  const special = route.also?.[response.status];
  if (special !== undefined) return expectForm(name, special, await response.json());
  if (response.status >= 400) {
    const body = (await response.json()) as { readonly error: string };
    expectForm(name, error, body);
    expect(errorsOf(route), `${name}: an error its route does not declare`).toContain(body.error);
    return;
  }
  expect(response.status, `${name}: a status its route does not declare`).toBe(route.status);
  const schema = answerSchema(route);
  if (schema !== undefined) return expectForm(name, schema, await response.json());
  const declared = String(route.gives);
  if (declared !== '*/*') expect(type.startsWith(declared), `${name}: ${type} is not ${declared}`).toBe(true);
}

/** What a schema does not know it leaves out, so that what it gives back is less than what it was given. */
function expectForm(name: string, schema: ReturnType<typeof answerSchema> & object, body: unknown): void {
  const read = schema.safeParse(body);
  expect(read.error?.issues ?? [], `${name} is not of its form: ${JSON.stringify(body).slice(0, 2_000)}`).toEqual([]);
  expect(body, `${name} has fields that its form has not`).toEqual(read.data);
}
