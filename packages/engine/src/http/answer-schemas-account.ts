import * as z from 'zod';
import { TOKEN_SCOPES } from '../model/tenant.ts';
import { allowance, caps, count, hold, named, pageOf, policy, text, time } from './answer-schemas.ts';

/** Accounts, tokens and inboxes, and what the server says of itself. */

const role = z.enum(['operator', 'agent']);
const limits = z.object({ maxInboxes: z.null(), dailyEmailLimit: z.null(), canSend: z.boolean() });
const terms = { tier: count, tierName: text };

export const signUp = named('NewAccount', z.object({ id: text, token: text, role, ...terms, limits, createdAt: time }));

const tokenFields = {
  id: text,
  account: text,
  role,
  scopes: z.array(z.enum(TOKEN_SCOPES)),
  inboxes: z.array(text).nullable().describe('The only ones it reaches; null: all of its account.'),
  isStopped: z.boolean(),
  caps: caps.nullable(),
  policy: policy.nullable(),
  createdAt: time,
  expiresAt: time.nullable(),
  lastUsedAt: time.nullable(),
};
export const token = named('Token', z.object(tokenFields));
export const newToken = z.object({ ...tokenFields, token: text });
export const endedToken = z.object({ ...tokenFields, deleted: z.literal(true) });
export const tokenPage = pageOf(token);

export const account = named(
  'Account',
  z.object({
    id: text,
    role,
    ...terms,
    limits,
    usage: z.object({ inboxCount: count, emailsToday: count, emailsThisMonth: count, totalEmailsReceived: count }),
    verificationRequired: z.boolean(),
    verificationMethods: z.array(text),
    verifiedAt: z.null(),
    xVerificationPending: z.boolean(),
    hasPaymentMethod: z.boolean(),
    holds: z.array(hold),
    token,
    createdAt: time,
    lastActiveAt: time,
  }),
);
export const switchedAccount = z.object({ id: text, holds: z.array(hold) });

const inboxFields = {
  id: text,
  address: text,
  localPart: text,
  domain: text,
  displayName: text.nullable(),
  sender: text,
  isActive: z.boolean(),
  emailCount: count.describe('Received ones: 0 in this version.'),
  createdAt: time,
  lastEmailAt: time.nullable(),
  expiresAt: time.nullable(),
  caps: caps.nullable(),
  policy: policy.nullable(),
};
export const inbox = named('Inbox', z.object(inboxFields));
export const newInbox = z.object({ ...inboxFields, account: z.object({ ...terms, ...limits.shape }), hints: z.array(text) });
export const inboxStanding = z.object({ ...inboxFields, weight: z.number(), limits: z.array(allowance), holds: z.array(hold) });
export const switchedInbox = z.object({ ...inboxFields, holds: z.array(hold) });
export const inboxPage = pageOf(inbox);
export const deleted = z.object({ deleted: z.literal(true) });

export const entryPoints = z.object({ name: text, version: text, what: text, links: z.record(text, text) });
export const health = z.object({ status: z.enum(['healthy', 'degraded']), problems: z.array(text), version: text });
export const ready = z.object({ status: z.literal('ready') });
export const notReady = z.object({ status: z.literal('not_ready'), problems: z.array(text) });
