import * as z from 'zod';
import { STATES } from '../model/job.ts';
import { allowance, count, hold, limitRule, named, pageOf, text, time, waiting, writtenLimits } from './answer-schemas.ts';

/** Senders and the queue behind them. */

const gate = z.object({
  why: z.enum(['throttled', 'failing']).nullable(),
  note: text.nullable(),
  closedUntil: time.nullable(),
  openMax: count.nullable(),
  perMinute: z.number().nullable(),
});

export const sender = named(
  'Sender',
  z.object({
    name: text,
    origin: z.enum(['config', 'api']),
    transport: text.describe('Without its password.'),
    preset: z.union([z.enum(['auto', 'none']), z.array(text)]),
    presets: z.array(text),
    headroom: z.number().nullable(),
    limits: writtenLimits,
    inForce: z.object({
      rules: z.array(limitRule),
      pace: z.object({ everyMs: z.number(), burst: z.number() }).nullable(),
      connections: count.nullable(),
      ownDomains: z.array(text),
    }),
    perMessage: z.object({ recipients: count.optional(), externalRecipients: count.optional(), bytes: count.optional() }),
    allowances: z.array(allowance),
    holds: z.array(hold),
    gate: gate.nullable().describe('Null while its peer is well.'),
    backlog: z.object({ ready: count, scheduled: count, underWay: count }),
    forecast: z.object({ nextAt: time.nullable(), waiting: waiting.nullable(), doneAt: time.nullable(), fullAt: time.nullable() }),
    createdAt: time.nullable(),
  }),
);
export const senderPage = pageOf(sender);
export const removedSender = z.object({ deleted: z.literal(true), movedInboxes: count });

const backlogOfSender = z.object({
  name: text,
  ready: count,
  scheduled: count,
  underWay: count,
  sentPerMinute: z.number(),
  waiting: z.object({ ...waiting.shape, until: time.nullable() }).nullable(),
  doneAt: time.nullable(),
  limits: z.array(allowance),
});
const worker = z.object({
  id: text,
  host: text,
  pid: count,
  version: text,
  concurrency: count,
  sending: count,
  endedPerSecond: z.number(),
  startedAt: time,
  seenSecondsAgo: z.number(),
});
export const queue = named(
  'Queue',
  z.object({
    at: time,
    depth: z.record(z.enum(STATES), count),
    runnable: z.object({ senders: count, oldestSeconds: z.number() }),
    sentPerMinute: z.number(),
    senders: z.array(backlogOfSender),
    workers: z.array(worker),
    next: text.nullable(),
  }),
);
