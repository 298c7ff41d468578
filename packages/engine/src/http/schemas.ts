import * as z from 'zod';
import { VERDICTS } from '../api/doubts.ts';
import type { DoubtPolicy, Status } from '../model/job.ts';
import { PRIORITIES } from '../model/limit.ts';
import { PAGE_MAX, SEND_BATCH_MAX, SUBJECT_CHARACTERS_MAX } from '../model/limits.ts';
import { DEAD_REASONS, FAILURE_CLASSES } from '../model/outcome.ts';
import { TOKEN_SCOPES } from '../model/tenant.ts';

/** Requests of `/v1` as they may be written. Only their form is checked here: what a value may be, the stories say. */

const text = z.string();
const oneOrMany = z
  .union([z.string(), z.array(z.string())], { error: 'must be text or an array of texts' })
  .transform((value) => (typeof value === 'string' ? [value] : value));

/** 2001-09-09: no mail is that old, so a smaller number is one of seconds. */
const EPOCH_MS_MIN = 1_000_000_000_000;
const ISO_TIME = 'must be an ISO 8601 time with a zone, such as 2026-11-24T09:00:00Z';
const isoTime = z.iso.datetime({ offset: true, error: ISO_TIME });
const time = z.union([isoTime, z.number()], { error: `${ISO_TIME}, or epoch milliseconds` }).transform((value, context) => {
  const epochMs = typeof value === 'number' ? value : Date.parse(value);
  if (Number.isSafeInteger(epochMs) && epochMs >= EPOCH_MS_MIN) return epochMs;
  context.issues.push({
    code: 'custom',
    input: value,
    message: 'must be a whole number of milliseconds since 1970; this looks like seconds',
    params: { isRefused: true },
  });
  return z.NEVER;
});

const DOUBT_POLICIES = ['hold', 'resend'] as const satisfies readonly DoubtPolicy[];
const STATUSES = ['queued', 'sending', 'in_doubt', 'sent', 'failed', 'canceled'] as const satisfies readonly Status[];

/** Always with its content: a name of a file or an address in its place is a request without `content` (security S8). */
const attachment = z.object({ filename: text, content: text, contentType: text.optional(), contentId: text.optional() });

const mailFields = {
  to: oneOrMany,
  cc: oneOrMany.optional(),
  bcc: oneOrMany.optional(),
  replyTo: z
    .union([z.string(), z.array(z.string()).max(1)], { error: 'must be one address' })
    .transform((value) => (typeof value === 'string' ? value : (value[0] ?? '')))
    .optional(),
  subject: text,
  text: text.optional(),
  html: text.optional(),
  /** The same as `text` and `html`, in LobsterMail's form. */
  body: z.object({ text: text.optional(), html: text.optional() }).optional(),
  inReplyTo: text.optional(),
  sendAt: time.optional(),
  expiresAt: time.optional(),
  onDoubt: z.enum(DOUBT_POLICIES).optional(),
  priority: z.enum(PRIORITIES).optional(),
  allowDuplicate: z.boolean().optional(),
  headers: z.record(text, text).optional(),
  attachments: z.array(attachment).optional(),
};
export const sendFromInbox = z.object(mailFields);
export const sendEmail = z.object({ from: text.optional(), inboxId: text.optional(), ...mailFields });
export const sendBatchItem = z.object({ ...sendEmail.shape, idempotencyKey: text.optional() });
const { $schema: _, ...batchItemForm } = z.toJSONSchema(sendBatchItem, { io: 'input' });
/** Each item is judged by itself, and so against `sendBatchItem` only when its turn comes; OpenAPI shows its form all the same. */
export const sendBatch = z.object({ emails: z.array(z.unknown().meta(batchItemForm)).max(SEND_BATCH_MAX) });

export const createInbox = z.object({
  localPart: text.optional(),
  displayName: text.optional(),
  domain: text.optional(),
  name: text.optional(),
  org: text.optional(),
  preferred: oneOrMany.optional(),
  sender: text.optional(),
});

/** What may stand in them, `model/caps.ts` and `model/policy.ts` say: a slip in a bound must be refused, not ignored. */
const bound = z.record(text, z.unknown()).optional();
export const bounds = z.object({ caps: bound, policy: bound });
export const changeInbox = z.object({
  ...bounds.shape,
  sender: text.optional(),
  limits: bound,
  weight: z.number().optional(),
});
export const createToken = z.object({
  ownAccount: z.boolean().optional(),
  scopes: z.array(z.enum(TOKEN_SCOPES)).optional(),
  inboxes: z.array(text).optional(),
  expiresAt: time.optional(),
  ...bounds.shape,
});

const NOTE_CHARACTERS_MAX = 500;
const note = text.max(NOTE_CHARACTERS_MAX).optional();
/** Why, for whoever meets the hold. */
export const reason = z.object({ note });
export const switchAccount = z.object({ account: text.optional(), note });

export const resolveDoubt = z.object({ verdict: z.enum(VERDICTS), note });

const wholeNumber = text
  .regex(/^-?\d{1,6}$/, 'must be a whole number')
  .transform(Number)
  .pipe(z.number().min(1).max(PAGE_MAX));
const flag = z.enum(['true', 'false']).transform((value) => value === 'true');

export const page = z.object({ limit: wholeNumber.optional(), cursor: text.optional() });
export const inboxPage = z.object({ ...page.shape, active: flag.optional() });
const statuses = z.union([z.enum(STATUSES).transform((status) => [status]), z.array(z.enum(STATUSES))], {
  error: `must be one or more of ${STATUSES.join(', ')}`,
});
const since = isoTime.transform(Date.parse).optional().describe('At this time or later.');
const until = isoTime.transform(Date.parse).optional().describe('Before this time.');
const mailFilters = {
  ...page.shape,
  status: statuses.optional(),
  to: text.optional().describe('A recipient: to, cc or bcc.'),
  from: text.optional().describe('The address it left from.'),
  subject: text.max(SUBJECT_CHARACTERS_MAX).optional().describe('A part of the subject.'),
  since,
  until,
};
export const emailPage = z.object({ ...mailFilters, inbox: text.optional().describe('By id or address.') });
export const inboxEmailPage = z.object({ ...mailFilters, direction: z.enum(['inbound', 'outbound']).optional() });

const any = <Value extends string>(values: readonly [Value, ...Value[]]) =>
  z
    .union([z.enum(values).transform((value) => [value]), z.array(z.enum(values))], {
      error: `must be one or more of ${values.join(', ')}`,
    })
    .optional();
export const deadLetterFilter = z.object({
  reason: any(DEAD_REASONS).describe('What it died of.'),
  failure: any(FAILURE_CLASSES).describe('A class of failure that was counted.'),
  sender: oneOrMany.optional().describe('The name of a sender.'),
  inbox: oneOrMany.optional().describe('By id or address.'),
  domain: text.optional().describe('Of a recipient.'),
  since,
  until,
});
export const deadLetterPage = z.object({ ...page.shape, ...deadLetterFilter.shape });
