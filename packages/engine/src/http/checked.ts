import * as z from 'zod';
import { nearest } from '../model/nearest.ts';
import { ShoalError } from '../model/errors.ts';

/** Our own: more than these are not read by anybody. */
const WARNINGS_MAX = 20;
const NAME_CHARACTERS_SHOWN_MAX = 64;
const DETAILS_MAX = 50;

/**
 * The fields of a request as their schema sees them. `null` and an empty array stand for an absent field, since several
 * clients send them so; an unknown field is ignored and named in `warnings`.
 *
 * @throws ShoalError `bad_request` for what is malformed or missing, `refused_value` for what is well formed and not allowed
 */
export function checked<Schema extends z.ZodObject>(
  schema: Schema,
  fields: Readonly<Record<string, unknown>>,
  warnings: string[],
): z.output<Schema> {
  const given = withoutAbsent(fields);
  warnings.push(...unknownFields(schema, given, '').slice(0, Math.max(0, WARNINGS_MAX - warnings.length)));
  const answer = schema.safeParse(given);
  if (answer.success) return answer.data;
  throw refusal(answer.error, given);
}

/** Query parameters as fields: one value as text, several as an array, and a JSON array as what it holds. */
export function queryFields(schema: z.ZodObject, query: URLSearchParams): Readonly<Record<string, unknown>> {
  const fields: Record<string, unknown> = {};
  for (const name of new Set(query.keys())) {
    const values = query.getAll(name).flatMap((value) => (name in schema.shape ? jsonArray(value) : [value]));
    fields[name] = values.length === 1 ? values[0] : values;
  }
  return fields;
}

function jsonArray(value: string): readonly string[] {
  if (!value.startsWith('[')) return [value];
  try {
    const parsed: unknown = JSON.parse(value);
    return Array.isArray(parsed) && parsed.every((item) => typeof item === 'string') ? parsed : [value];
  } catch {
    return [value]; // not JSON: the schema says what is wrong with it
  }
}

/** Also one level down, where `body` and each attachment have their fields; deeper there are none of ours, and a request may be nested without end. */
function withoutAbsent(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const isPresent = (value: unknown): boolean => value !== null && !(Array.isArray(value) && value.length === 0);
  const present = (record: Readonly<Record<string, unknown>>): [string, unknown][] =>
    Object.entries(record).filter(([, value]) => isPresent(value));
  const inner = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map((item: unknown) => (isRecord(item) ? Object.fromEntries(present(item)) : item));
    return isRecord(value) ? Object.fromEntries(present(value)) : value;
  };
  return Object.fromEntries(present(fields).map(([name, value]) => [name, inner(value)]));
}

function unknownFields(schema: z.ZodObject, fields: Readonly<Record<string, unknown>>, prefix: string): string[] {
  const known = Object.keys(schema.shape);
  return Object.entries(fields).flatMap(([name, value]) => {
    if (!known.includes(name)) return [warningFor(name, known, prefix)];
    const inner: unknown = schema.shape[name];
    const nested = inner instanceof z.ZodOptional ? inner.unwrap() : inner;
    if (nested instanceof z.ZodObject && isRecord(value)) return unknownFields(nested, value, `${prefix}${name}.`);
    if (!(nested instanceof z.ZodArray) || !Array.isArray(value)) return [];
    const { element } = nested;
    if (!(element instanceof z.ZodObject)) return [];
    return value.flatMap((item: unknown, index) => (isRecord(item) ? unknownFields(element, item, `${prefix}${name}.${index}.`) : []));
  });
}

function warningFor(name: string, known: readonly string[], prefix: string): string {
  const shown = shownKey(name);
  const meant = nearest(shown, known);
  return `unknown field ignored: ${prefix}${shown}${meant === undefined ? '' : ` (did you mean ${prefix}${meant}?)`}`;
}

/** Codes of zod for a value of the right type that is not among the allowed ones. */
const REFUSED_CODES = new Set(['invalid_value', 'too_big', 'too_small', 'not_multiple_of']);

function refusal(error: z.ZodError, given: Readonly<Record<string, unknown>>): ShoalError {
  const details: Record<string, string> = {};
  for (const issue of error.issues.slice(0, DETAILS_MAX)) {
    const field = issue.path.map(shownKey).join('.');
    details[field] ??= isMissing(given, issue.path) ? 'is required' : plain(issue.message);
  }
  const isRefused = error.issues.every((issue) => isRefusedValue(issue) && !isMissing(given, issue.path));
  const [[field, fault] = ['', ''], ...more] = Object.entries(details);
  const others = more.length === 0 ? '' : `; ${more.length} more in details`;
  return new ShoalError(isRefused ? 'refused_value' : 'bad_request', `${field} ${fault}${others}`, { details });
}

/** A caller's own key, such as the name of a header, comes back in an error and from there goes into logs. */
function shownKey(key: PropertyKey): string {
  return String(key)
    .slice(0, NAME_CHARACTERS_SHOWN_MAX)
    .replace(/[^ -~]/gu, '?');
}

function isRefusedValue(issue: z.core.$ZodIssue): boolean {
  return REFUSED_CODES.has(issue.code) || (issue.code === 'custom' && issue.params?.['isRefused'] === true);
}

function isMissing(given: unknown, path: readonly PropertyKey[]): boolean {
  let value = given;
  for (const key of path)
    value = isRecord(value) || Array.isArray(value) ? (value as Readonly<Record<string, unknown>>)[String(key)] : undefined;
  return value === undefined;
}

/** zod's own sentences, as the end of one that begins with the field's name. */
function plain(message: string): string {
  return message
    .replace(/^Invalid input: expected (\w+), received (\w+)$/, 'must be of type $1, not $2')
    .replace(/^Invalid option: expected one of (.*)$/, (_, options: string) => `must be one of ${options.replaceAll('|', ', ')}`)
    .replace(/^Too (?:big|small): expected \w+ to /, 'must ')
    .replace(/^must be (<=|>=)\s?(\d+)$/, (_, sign: string, bound: string) => `must be at ${sign === '<=' ? 'most' : 'least'} ${bound}`)
    .replace(
      /^must have (<=|>=)\s?(\d+) /,
      (_, sign: string, bound: string) => `must have at ${sign === '<=' ? 'most' : 'least'} ${bound} `,
    );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
