import * as z from 'zod';
import { type AttemptEnd, type DoubtPolicy, STATES, type Status } from '../model/job.ts';
import { PRIORITIES } from '../model/limit.ts';
import { DEAD_REASONS, type DoubtCause, FAILURE_CLASSES } from '../model/outcome.ts';
import type { Phase } from '../model/reply.ts';
import { budget, count, errorFields, forecast, named, pageOf, text, time, waitingUntil, warnings } from './answer-schemas.ts';

/** Emails, their jobs with every attempt, and the lists of those that somebody has to look at. */

const STATUSES = ['queued', 'sending', 'in_doubt', 'sent', 'failed', 'canceled'] as const satisfies readonly Status[];
const DOUBT_POLICIES = ['hold', 'resend'] as const satisfies readonly DoubtPolicy[];
const DOUBT_CAUSES = ['cut', 'timeout', 'malformed', 'worker-lost'] as const satisfies readonly DoubtCause[];
const ENDS = ['sent', 'retry', 'dead', 'doubt', 'release', 'crash', 'worker-lost'] as const satisfies readonly AttemptEnd[];
const PHASES = [
  'connect',
  'greeting',
  'ehlo',
  'starttls',
  'auth',
  'mail',
  'rcpt',
  'data',
  'body',
  'dot',
] as const satisfies readonly Phase[];

const status = named('Status', z.enum(STATUSES));

const reply = named('Reply', z.object({ code: z.int(), enhanced: text.optional(), text }));
const attempt = named(
  'Attempt',
  z.object({
    number: count,
    startedAt: time,
    endedAt: time,
    end: z.enum(ENDS),
    counted: z.boolean().describe('What is not the fault of the mail does not count.'),
    phase: z.enum(PHASES).nullable(),
    reply: reply.nullable(),
    recipients: z.array(z.object({ address: text, reply })).nullable(),
    note: text.describe('What happened and what comes next.'),
    connection: z.object({ peer: text, tls: text, isReused: z.boolean(), durationMs: z.number() }).nullable(),
  }),
);
const jobFields = {
  id: text,
  state: z.enum(STATES),
  reason: z.enum(DEAD_REASONS).nullable(),
  doubt: z.enum(DOUBT_CAUSES).nullable(),
  recipients: z.array(text),
  sender: text,
  attemptsCounted: count,
  failures: z.partialRecord(z.enum(FAILURE_CLASSES), count),
  crashes: count,
  resends: count,
  onDoubt: z.enum(DOUBT_POLICIES),
  priority: z.enum(PRIORITIES),
  parentId: text.nullable(),
  createdAt: time,
  dueAt: time,
  expiresAt: time.nullable(),
  finishedAt: time.nullable(),
  attempts: z.array(attempt),
};
const job = named('Job', z.object(jobFields));

const attachment = named(
  'Attachment',
  z.object({ index: count, filename: text, contentType: text, sizeBytes: count, contentId: text.nullable(), s3Key: text }),
);
const emailFields = {
  id: text,
  inboxId: text,
  direction: z.literal('outbound'),
  messageId: text,
  from: text,
  to: z.array(text),
  cc: z.array(text).nullable(),
  bcc: z.array(text).nullable(),
  replyTo: text.nullable(),
  subject: text,
  preview: text,
  isRead: z.boolean(),
  hasAttachments: z.boolean(),
  attachments: z.array(attachment),
  threadId: z.null(),
  sizeBytes: count,
  security: z.object({ injectionRiskScore: z.number(), flags: z.array(text), spf: z.null(), dkim: z.null(), dmarc: z.null() }),
  status,
  onDoubt: z.enum(DOUBT_POLICIES),
  createdAt: time,
  receivedAt: z.null(),
};
const email = named('Email', z.object({ ...emailFields, body: z.null().describe('Only one email, asked for by its id, has it.') }));
export const emailPage = pageOf(email);
export const wholeEmail = named(
  'WholeEmail',
  z.object({
    ...emailFields,
    body: text,
    text: text.nullable(),
    html: text.nullable(),
    headers: z.record(text, text),
    waiting: waitingUntil.nullable(),
    jobs: z.array(job),
  }),
);

const sentFields = {
  id: text,
  status,
  deduplicated: z.boolean().describe('An earlier request was the same, and this is its mail.'),
  messageId: text.nullable().describe('The Message-ID header.'),
  jobId: text,
  createdAt: time,
  dueAt: time,
  expiresAt: time.nullable(),
  priority: z.enum(PRIORITIES),
  forecast: forecast.nullable(),
  budget: z.array(budget),
};
export const sentEmail = named('SentEmail', z.object(sentFields));
export const batch = z.object({
  accepted: count,
  refused: count,
  data: z.array(
    z.union([
      named('AcceptedItem', z.object({ index: count, ok: z.literal(true), ...sentFields, warnings })),
      named('RefusedItem', z.object({ index: count, ok: z.literal(false), ...errorFields, requestId: text })),
    ]),
  ),
});
export const canceledEmail = z.object({ id: text, status, canceled: z.array(text), kept: z.array(text) });

const review = named(
  'JobForReview',
  z.object({
    ...jobFields,
    emailId: text,
    inboxId: text.nullable(),
    from: text,
    subject: text.nullable(),
    messageId: text.nullable(),
  }),
);
export const reviewPage = pageOf(review);
export const deadGroups = z.object({
  data: z.array(
    named(
      'DeadLetterGroup',
      z.object({
        reason: z.enum(DEAD_REASONS),
        failure: z.enum(FAILURE_CLASSES).nullable(),
        code: z.int().nullable(),
        enhanced: text.nullable(),
        count,
        firstAt: time,
        lastAt: time,
        sample: review.nullable(),
      }),
    ),
  ),
});
export const requeued = z.object({ requeued: z.array(text) });
export const purged = z.object({ deleted: z.literal(true), purged: z.array(text) });
export const resolved = z.object({ resolved: z.array(z.object({ id: text, state: z.enum(STATES) })) });
export const operation = named(
  'Operation',
  z.object({
    id: text,
    kind: z.enum(['requeue', 'purge']),
    status: z.enum(['running', 'done']),
    matched: count,
    done: count,
    failed: count,
    createdAt: time,
    endedAt: time.nullable(),
  }),
);

export const capturedPage = pageOf(
  named(
    'CapturedEmail',
    z.object({
      emailId: text,
      inboxId: text,
      from: text,
      to: z.array(text),
      subject: text,
      messageId: text,
      sizeBytes: count,
      capturedAt: time,
      raw: text,
    }),
  ),
);
