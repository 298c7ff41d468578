import { fileURLToPath } from 'node:url';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, it } from 'vitest';
import { type Json, openHttpBench } from './http-bench.ts';

const GOLDEN = fileURLToPath(new URL('../../../../docs/reference/openapi.json', import.meta.url));

it('describes the API as docs/reference/openapi.json has it', async () => {
  const bench = await openHttpBench();
  const { body } = await bench.ask('GET', '/openapi.json');
  const operations = Object.values(body['paths'] as Record<string, Record<string, Json>>).flatMap((methods) => Object.values(methods));
  const ids = operations.map((operation) => operation['operationId']);
  expect(ids.length).toBeGreaterThan(40);
  expect(new Set(ids).size).toBe(ids.length);
  await expect(`${JSON.stringify(body, null, 2)}\n`).toMatchFileSnapshot(GOLDEN);
});

it('keeps to the rules of OpenAPI 3.1, and every reference in it leads somewhere', async () => {
  const bench = await openHttpBench();
  const { body } = await bench.ask('GET', '/openapi.json');
  const validator = new Validator();
  expect(await validator.validate(structuredClone(body))).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
  const { schemas } = body['components'] as { readonly schemas: Json };
  const named = [...JSON.stringify(body).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name = '']) => name);
  expect(new Set(named).size).toBeGreaterThan(20);
  expect([...new Set(named)].filter((name) => !(name in schemas))).toEqual([]);
});

it('says of every request what it answers, and which errors', async () => {
  const bench = await openHttpBench();
  const { body } = await bench.ask('GET', '/openapi.json');
  for (const [path, methods] of Object.entries(body['paths'] as Record<string, Record<string, Json>>))
    for (const [method, operation] of Object.entries(methods)) {
      const responses = operation['responses'] as Record<string, { readonly content?: Json; readonly $ref?: string }>;
      const statuses = Object.keys(responses);
      expect(
        statuses.filter((status) => status < '300'),
        `${method} ${path}`,
      ).toHaveLength(1);
      expect(statuses.filter((status) => status >= '500').length, `${method} ${path}`).toBeGreaterThan(0);
      for (const { content = {}, $ref } of Object.values(responses))
        expect($ref === undefined ? Object.keys(content) : ['an error']).toHaveLength(1);
    }
});
