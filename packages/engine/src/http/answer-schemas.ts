import * as z from 'zod';
import { ERROR_CODES } from '../model/errors.ts';
import { LIMIT_UNITS } from '../model/limit.ts';
import type { HoldReason } from '../ports/ledger-scopes.ts';

/**
 * Answers of `/v1` as they may look: what OpenAPI shows, and what every answer in the tests is held to. The files beside this
 * one have a noun each, as `answers.ts` and the routes write it; here is what several of them share.
 */

/** Schemas with a name of their own in OpenAPI. */
export const NOUNS = z.registry<{ readonly id: string }>();

export function named<Schema extends z.ZodType>(id: string, schema: Schema): Schema {
  NOUNS.add(schema, { id });
  return schema;
}

export const text = z.string();
export const count = z.int().min(0);
export const time = z.iso.datetime();
export const warnings = z.array(text).optional().describe('What was ignored in the request, such as an unknown field.');

/** Some clients read the cursor at the top, others inside `pagination`. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  const cursor = text.nullable().describe('For the page after this one; null on the last.');
  return z.object({ data: z.array(item), pagination: z.object({ cursor, hasMore: z.boolean() }), cursor });
}

/** Its fields but for the id of the request, as they also stand in an item of a batch. */
export const errorFields = {
  error: z.enum(ERROR_CODES),
  message: text,
  retryable: z.boolean(),
  hint: text.describe('What to do.'),
  details: z.record(text, text).optional().describe('Field or option to what is wrong with it.'),
  differs: z.array(text).optional().describe('What a reused Idempotency-Key came with before.'),
};
export const error = named('Error', z.object({ ...errorFields, requestId: text }));

const HOLD_REASONS = ['pause', 'stop', 'account', 'blocked', 'throttled'] as const satisfies readonly HoldReason[];
export const hold = named('Hold', z.object({ why: z.enum(HOLD_REASONS), note: text, since: time, until: time.nullable() }));

const rule = { unit: z.enum(LIMIT_UNITS), max: count, windowSeconds: z.number() };
export const limitRule = z.object({ ...rule, marginMs: z.number() });
const allowanceFields = { ...rule, used: count, left: count, nextFreeAt: time.nullable() };
export const allowance = named('Allowance', z.object(allowanceFields));
export const budget = named(
  'Budget',
  z.object({ of: text.describe('The id of the token or the inbox that has the cap.'), ...allowanceFields }),
);

const kind = text.describe(
  '`limit`, `pace`, `connections`, `due`; `pause`, `stop`, `account`, `blocked`, `throttled` for holds; `throttled`, `failing` for a gate.',
);
const waitingFields = { kind, because: text };
export const waiting = z.object(waitingFields);
export const waitingUntil = named('Waiting', z.object({ at: time.nullable(), ...waitingFields }));
export const forecast = named(
  'Forecast',
  z.object({
    at: time.nullable().describe('Null when it waits for a person.'),
    kind: kind.nullable(),
    because: text.nullable().describe('Null when nothing is in its way.'),
    ahead: count,
  }),
);

const written = z.union([count, z.partialRecord(z.enum(LIMIT_UNITS), count)]);
const writtenWindows = { perHour: written.optional(), perDay: written.optional() };
export const caps = named('Caps', z.object(writtenWindows));
export const writtenLimits = named(
  'WrittenLimits',
  z.object({
    perSecond: written.optional(),
    perMinute: written.optional(),
    ...writtenWindows,
    connections: count.optional(),
    pace: z.object({ perMinute: z.number(), burst: z.number() }).optional(),
    ownDomains: z.array(text).optional(),
    marginMs: z.number().optional(),
  }),
);
export const policy = named(
  'RecipientPolicy',
  z.union([
    z.object({ recipients: z.literal('anybody') }),
    z.object({ recipients: z.enum(['listed', 'reply-only']), allow: z.array(text) }),
  ]),
);
