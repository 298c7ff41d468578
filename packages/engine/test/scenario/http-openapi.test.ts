import { fileURLToPath } from 'node:url';
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
