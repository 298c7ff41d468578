import { ShoalError } from '../model/errors.ts';
import type { TenantId } from '../model/ids.ts';
import type { Job } from '../model/job.ts';
import { DUPLICATE_GUARD_MS, PAGE_MAX } from '../model/limits.ts';
import type { Message } from '../model/message.ts';
import type { Acceptance } from '../ports/acceptance.ts';
import type { Clock } from '../ports/clock.ts';
import type { KeyRecord, Ledger, NewJob } from '../ports/ledger.ts';
import type { Random } from '../ports/random.ts';
import type { Store } from '../ports/store.ts';
import type { Submit, SubmitAnswer, SubmitRequest } from '../ports/submit.ts';
import { mailboxText } from './address.ts';
import { budgetsOf, refuseRecipients, refuseStoppedToken } from './bounds.ts';
import { type CheckedRequest, checkRequest } from './check.ts';
import { type Composed, compose } from './compose.ts';
import { differingFields, digestOf, fingerprintOf } from './fingerprint.ts';
import { type DerivedIds, deriveIds } from './ids.ts';
import { notQueued } from './not-queued.ts';

export interface SubmitParts {
  readonly ledger: Pick<Ledger, 'findKeys' | 'get' | 'list'>;
  readonly acceptance: Acceptance;
  readonly store: Pick<Store, 'hasReceivedFrom'>;
  readonly clock: Clock;
  readonly random: Random;
  /** Of this installation, the same in every process. */
  readonly idSecret: Uint8Array;
  readonly settings?: { readonly guardMs?: number };
}

/** The one way into the story: check, recognise, compose, make durable. What comes out of `submit` survives a crash. */
export function createSubmit(parts: SubmitParts): Submit {
  return {
    async submit(request) {
      const mail = checkRequest(request, parts.clock.wallNow());
      const fingerprint = fingerprintOf(wantedOf(mail));
      for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
        const answer = await submitOnce(parts, request, mail, fingerprint);
        if (answer !== undefined) return answer;
      }
      throw new ShoalError('ledger_unreachable', `the key changed its meaning ${TRIES_MAX} times while it was looked at`);
    },
  };
}

/** A key's record can be dropped between the look and the enqueue, days after the first use: once more is enough, twice is plenty. */
const TRIES_MAX = 3;

async function submitOnce(
  parts: SubmitParts,
  request: SubmitRequest,
  mail: CheckedRequest,
  fingerprint: string,
): Promise<SubmitAnswer | undefined> {
  const record = await findKey(parts, request);
  const ids = deriveIds({
    secret: parts.idSecret,
    tenant: request.tenant,
    key: request.key ?? randomKey(parts.random),
    generation: record.generation,
    partition: PARTITION,
    domain: mail.from.mailbox.domain,
  });
  if (record.kind === 'taken') {
    if (record.fingerprint !== fingerprint) throw keyReused(record.fingerprint, fingerprint);
    return answerFirst(parts, request.tenant, ids); // recognised without composing anything
  }
  // After the key: what was accepted once stays accepted, whatever an operator changed since.
  refuseStoppedToken(request);
  await reached(refuseRecipients(parts.store, request, recipientsOf(mail)));

  const composed = await compose({ ...mail, ...ids, date: parts.clock.wallNow() });
  const message = messageOf(request, mail, ids, composed, parts.clock.wallNow());
  const job = jobOf(request, mail, ids, composed, { fingerprint, generation: record.generation, guardMs: guardMsOf(parts, request) });
  const enqueued = await reached(parts.acceptance.accept({ message, job }));
  switch (enqueued.kind) {
    case 'created':
      return {
        messageId: enqueued.job.messageId,
        job: enqueued.job,
        deduplicated: false,
        forecast: enqueued.forecast,
        budgets: enqueued.budgets,
      };
    case 'existing':
      return { messageId: enqueued.job.messageId, job: enqueued.job, deduplicated: true };
    case 'conflict':
      throw keyReused(enqueued.fingerprint, fingerprint);
    case 'stale':
      return undefined;
    case 'over-budget':
    case 'over-limit':
    case 'stopped':
      throw notQueued(enqueued, parts.clock.wallNow());
    default:
      return enqueued satisfies never;
  }
}

/** One partition until there are several. */
const PARTITION = 0;

async function findKey(parts: SubmitParts, request: SubmitRequest): Promise<KeyRecord> {
  if (request.key === undefined) return { kind: 'free', generation: 0 };
  const [record] = await reached(parts.ledger.findKeys([{ tenant: request.tenant, key: request.key }]));
  if (record === undefined) throw new Error('the ledger answered nothing for a key');
  return record;
}

/**
 * Answers with the first job of the mail that is still on record: a mail taken for some and refused for others keeps its dead
 * letter, and so its key, after the record of what was sent is gone. Undefined when all of it was dropped since: then the key
 * is free again, under a new generation.
 */
async function answerFirst(parts: SubmitParts, tenant: TenantId, { jobId, messageId }: DerivedIds): Promise<SubmitAnswer | undefined> {
  const [first]: readonly (Job | undefined)[] = await reached(parts.ledger.get([jobId]));
  const job = first ?? (await reached(parts.ledger.list({ tenant, messageIds: [messageId], max: PAGE_MAX }))).jobs.at(-1);
  return job === undefined ? undefined : { messageId: job.messageId, job, deduplicated: true };
}

/** Without a key every call is a submission of its own; the duplicate guard alone may say otherwise. */
function randomKey(random: Random): string {
  return `auto_${Array.from(random.bytes(16), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

/** A caller's own key says exactly what is meant; one that a client library made for a call says nothing about the next call. */
function guardMsOf(parts: SubmitParts, { key, allowDuplicate }: SubmitRequest): number {
  if (allowDuplicate === true) return 0;
  return key === undefined || key.startsWith('auto_') ? (parts.settings?.guardMs ?? DUPLICATE_GUARD_MS) : 0;
}

function recipientsOf({ to, cc, bcc }: CheckedRequest) {
  return { to: to.map(mailboxText), cc: cc.map(mailboxText), bcc: bcc.map(mailboxText) };
}

function wantedOf(mail: CheckedRequest) {
  return {
    inbox: mailboxText(mail.from.mailbox),
    ...recipientsOf(mail),
    subject: mail.subject,
    ...(mail.replyTo !== undefined && { replyTo: mailboxText(mail.replyTo) }),
    ...(mail.text !== undefined && { text: mail.text }),
    ...(mail.html !== undefined && { html: mail.html }),
    ...(mail.inReplyTo !== undefined && { inReplyTo: mail.inReplyTo }),
    ...(mail.sendAt !== undefined && { sendAt: mail.sendAt }),
    ...(mail.onDoubt !== 'hold' && { onDoubt: mail.onDoubt }),
    headers: mail.headers.map(({ name, value }) => `${name.toLowerCase()}: ${value}`).sort(), // their order means nothing
    attachments: mail.attachments.map(({ base64, ...about }) => JSON.stringify([about, digestOf(base64)])),
  };
}

function messageOf(request: SubmitRequest, mail: CheckedRequest, ids: DerivedIds, composed: Composed, createdAt: number): Message {
  return {
    id: ids.messageId,
    tenant: request.tenant,
    inbox: request.inbox.id,
    messageIdHeader: ids.messageIdHeader,
    from: mailboxText(mail.from.mailbox),
    ...recipientsOf(mail),
    ...(mail.replyTo !== undefined && { replyTo: mailboxText(mail.replyTo) }),
    subject: mail.subject,
    ...(mail.text !== undefined && { text: mail.text }),
    ...(mail.html !== undefined && { html: mail.html }),
    ...(mail.headers.length > 0 && { headers: Object.fromEntries(mail.headers.map(({ name, value }) => [name, value])) }),
    ...(composed.attachments.length > 0 && { attachments: composed.attachments }),
    onDoubt: mail.onDoubt,
    sizeBytes: composed.bytes.byteLength,
    createdAt,
  };
}

function jobOf(
  request: SubmitRequest,
  mail: CheckedRequest,
  ids: DerivedIds,
  composed: Composed,
  known: { readonly fingerprint: string; readonly generation: number; readonly guardMs: number },
): NewJob {
  const mailboxes = [...mail.to, ...mail.cc, ...mail.bcc];
  const budgets = budgetsOf(request);
  const needsUtf8 = mail.from.mailbox.needsUtf8 || mailboxes.some((mailbox) => mailbox.needsUtf8);
  return {
    id: ids.jobId,
    kind: 'send',
    tenant: request.tenant,
    sender: request.inbox.sender,
    lane: mail.lane,
    messageId: ids.messageId,
    envelope: {
      from: mailboxText(mail.from.mailbox),
      to: [...new Set(mailboxes.map(mailboxText))], // one mailbox, one copy, however often it is named
      smtpUtf8: needsUtf8 || composed.eightBit, // 8-bit octets of ours are raw UTF-8 in a header (RFC 6532), such as a Reply-To
      eightBit: composed.eightBit,
    },
    payload: composed.bytes,
    onDoubt: mail.onDoubt,
    priority: mail.priority,
    ...(budgets.length > 0 && { budgets }),
    ...(mail.sendAt !== undefined && { dueAt: mail.sendAt }),
    ...(mail.expiresAt !== undefined && { expiresAt: mail.expiresAt }),
    ...(request.key !== undefined && { key: { text: request.key, generation: known.generation } }),
    fingerprint: known.fingerprint,
    guardMs: known.guardMs,
  };
}

function keyReused(first: string, second: string): ShoalError {
  const differs = differingFields(first, second);
  const details = Object.fromEntries(differs.map((field) => [field, 'differs from the first request with this key']));
  return new ShoalError('key_reused', `this Idempotency-Key was used for another mail; it differs in ${differs.join(', ')}`, { details });
}

/** What a ledger throws may be anything; the caller is told what it means for the mail: nothing was acknowledged. */
async function reached<Answer>(call: Promise<Answer>): Promise<Answer> {
  try {
    return await call;
  } catch (cause) {
    if (cause instanceof ShoalError) throw cause;
    throw new ShoalError('ledger_unreachable', 'the mail could not be stored', { cause });
  }
}
