import { expect, it } from 'vitest';
import * as z from 'zod';
import { checked, queryFields } from './checked.ts';

const schema = z.object({
  name: z.string().max(5),
  count: z.number().min(2).optional(),
  kind: z.enum(['a', 'b']).optional(),
  inner: z.object({ text: z.string().optional() }).optional(),
});

function refused(fields: Record<string, unknown>): unknown {
  try {
    checked(schema, fields, []);
    return undefined;
  } catch (error) {
    const { code, message, details } = error as { code: string; message: string; details: object };
    return { code, message, details };
  }
}

it('gives checked fields back, and takes null and empty arrays for absent, inside as well', () => {
  const warnings: string[] = [];
  expect(checked(schema, { name: 'ann', count: null, kind: [], inner: { text: null } }, warnings)).toEqual({ name: 'ann', inner: {} });
  expect(warnings).toEqual([]);
});

it.each([
  [{}, 'bad_request', { name: 'is required' }],
  [{ name: null }, 'bad_request', { name: 'is required' }],
  [{ name: 5 }, 'bad_request', { name: 'must be of type string, not number' }],
  [{ name: 'ann', inner: { text: {} } }, 'bad_request', { 'inner.text': 'must be of type string, not object' }],
  [{ name: 'annabel' }, 'refused_value', { name: 'must have at most 5 characters' }],
  [{ name: 'ann', count: 1 }, 'refused_value', { count: 'must be at least 2' }],
  [{ name: 'ann', kind: 'c' }, 'refused_value', { kind: 'must be one of "a", "b"' }],
  [{ kind: 'c' }, 'bad_request', { name: 'is required', kind: 'must be one of "a", "b"' }],
])('says of %j what is wrong: %s', (fields, code, details) => {
  expect(refused(fields)).toMatchObject({ code, details });
});

it('says the first fault in its message and how many more there are', () => {
  expect(refused({ name: 5, count: 1 })).toMatchObject({ message: 'name must be of type string, not number; 1 more in details' });
});

it('reads no field that an object has without being given it', () => {
  const warnings: string[] = [];
  expect(checked(schema, JSON.parse('{"name":"ann","__proto__":{"count":7},"constructor":1}'), warnings)).toEqual({ name: 'ann' });
  expect(warnings).toEqual(['unknown field ignored: __proto__', 'unknown field ignored: constructor']);
});

it('reads repeated parameters and JSON arrays as lists, and one value as text', () => {
  const fields = (query: string): unknown => queryFields(schema, new URLSearchParams(query));
  expect(fields('name=a')).toEqual({ name: 'a' });
  expect(fields('name=a&name=b')).toEqual({ name: ['a', 'b'] });
  expect(fields('name=["a","b"]')).toEqual({ name: ['a', 'b'] });
  expect(fields('name=[a')).toEqual({ name: '[a' });
  expect(fields('name=[1]')).toEqual({ name: '[1]' });
});
