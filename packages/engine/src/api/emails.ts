import { ShoalError } from '../model/errors.ts';
import { laneId, type MessageId, messageId, type TenantId } from '../model/ids.ts';
import type { Inbox } from '../model/inbox.ts';
import { type Job, STATES, type Status, statusOf, statusOfAll } from '../model/job.ts';
import type { Attachment, Message } from '../model/message.ts';
import type { MessageFilter } from '../ports/store.ts';
import type { SubmitAnswer, SubmitRequest } from '../ports/submit.ts';
import { pageAt } from './cursor.ts';
import { type JobStory, jobsOf, storiesOf } from './jobs.ts';
import { type MailWait, waitOf } from './mail-waits.ts';
import type { ApiPorts } from './ports.ts';

/** An email as its owner sees it. */
export interface Email {
  readonly message: Message;
  /** Newest first. */
  readonly jobs: readonly Job[];
  readonly status: Status;
}

/** The same, with every attempt, and with what a queued one waits for. */
export interface WholeEmail extends Email {
  readonly stories: readonly JobStory[];
  readonly wait?: MailWait;
}

export interface SentEmail extends Pick<SubmitAnswer, 'forecast' | 'budgets'> {
  readonly messageId: MessageId;
  /** The Message-ID header. Absent only when the mail was accepted and could not be read back at once. */
  readonly messageIdHeader?: string;
  readonly job: Job;
  readonly status: Status;
  readonly deduplicated: boolean;
}

/**
 * Hands a mail to the send story. Once that has answered, the mail is in the ledger and nothing here may fail any more: what
 * cannot be read back is left out.
 */
export async function sendEmail(ports: Pick<ApiPorts, 'store' | 'ledger' | 'submit'>, request: SubmitRequest): Promise<SentEmail> {
  const { messageId: id, job, deduplicated, ...outlook } = await ports.submit.submit(request);
  const message = await ports.store.getMessage(request.tenant, id).catch(() => undefined);
  // An earlier mail may have come further, in several jobs; a new one has this one.
  const email = message === undefined || !deduplicated ? undefined : await emailOf(ports, message).catch(() => undefined);
  return {
    messageId: id,
    ...(message === undefined ? {} : { messageIdHeader: message.messageIdHeader }),
    job,
    status: email?.status ?? statusOf(job.state),
    deduplicated,
    ...outlook,
  };
}

export interface EmailQuery extends MessageFilter {
  readonly tenant: TenantId;
  /** Absent: all of them. */
  readonly statuses?: readonly Status[];
  readonly max: number;
  readonly cursor?: string;
}
export interface EmailPage {
  readonly emails: readonly Email[];
  readonly cursor?: string;
}

/** Newest first. With anything to look for a page may hold fewer than `max` emails although more follow. */
export function listEmails(ports: Pick<ApiPorts, 'store' | 'ledger'>, query: EmailQuery): Promise<EmailPage> {
  return query.statuses === undefined ? pageOfMessages(ports, query) : pageOfStatuses(ports, query, query.statuses);
}

/** @throws ShoalError `not_found` */
export async function getEmail(ports: Pick<ApiPorts, 'store' | 'ledger'>, tenant: TenantId, reference: string): Promise<WholeEmail> {
  const email = await emailMeantBy(ports, tenant, reference);
  const [stories, wait] = await Promise.all([storiesOf(ports, email.jobs), waitOf(ports, email.jobs)]);
  return { ...email, stories, ...(wait !== undefined && { wait }) };
}

/** The same, when it left from this inbox. @throws ShoalError `not_found` */
export async function getEmailOf(ports: Pick<ApiPorts, 'store' | 'ledger'>, inbox: Inbox, reference: string): Promise<WholeEmail> {
  const email = await getEmail(ports, inbox.tenant, reference);
  if (email.message.inbox !== inbox.id) throw noEmail();
  return email;
}

/** The bytes that go, or went, on the wire. @throws ShoalError `not_found` */
export async function readRaw(
  ports: Pick<ApiPorts, 'store' | 'ledger' | 'captured'>,
  tenant: TenantId,
  reference: string,
): Promise<{ readonly id: MessageId; readonly bytes: Uint8Array }> {
  const id = readMessageId(reference);
  if (id === undefined || (await ports.store.getMessage(tenant, id)) === undefined) throw noEmail();
  const [payload] = await ports.ledger.payloads([id]);
  const bytes = payload ?? (await ports.captured?.raw(id));
  if (bytes === undefined) throw new ShoalError('not_found', 'the raw mail is no longer kept');
  return { id, bytes };
}

/** @throws ShoalError `not_found` */
export async function readAttachment(
  ports: Pick<ApiPorts, 'store' | 'ledger' | 'captured'>,
  tenant: TenantId,
  reference: string,
  index: string,
): Promise<{ readonly attachment: Attachment; readonly bytes: Uint8Array }> {
  const id = readMessageId(reference);
  const message = id === undefined ? undefined : await ports.store.getMessage(tenant, id);
  if (message === undefined) throw noEmail();
  const attachment = /^\d{1,3}$/.test(index) ? message.attachments?.[Number(index)] : undefined;
  if (attachment === undefined)
    throw new ShoalError('not_found', `the email has ${message.attachments?.length ?? 0} attachments, and none with this index`);
  const raw = await readRaw(ports, tenant, reference);
  const { fromByte, bytes } = attachment.encoded;
  const base64 = Buffer.from(raw.bytes.buffer, raw.bytes.byteOffset + fromByte, bytes);
  return { attachment, bytes: Buffer.from(base64.toString('latin1'), 'base64') };
}

export interface CanceledEmail {
  readonly id: MessageId;
  readonly status: Status;
  readonly canceled: readonly Job['id'][];
  /** Jobs whose final dot may be on the wire, or that ended before. */
  readonly kept: readonly Job['id'][];
}

/**
 * Cancels what was not sent yet; canceling a canceled email again changes nothing.
 *
 * @throws ShoalError `not_found`, `too_late` (nothing could be stopped any more), `wrong_state` (it had ended before)
 */
export async function cancelEmail(ports: Pick<ApiPorts, 'store' | 'ledger'>, tenant: TenantId, reference: string): Promise<CanceledEmail> {
  const { message, jobs } = await emailMeantBy(ports, tenant, reference);
  const answers = await ports.ledger.cancel(jobs.map((job) => job.id));
  const canceled = jobs.filter((job, index) => answers[index]?.kind === 'canceled' || job.state === 'canceled');
  const kept = jobs.filter((job) => !canceled.includes(job));
  const now = await emailOf(ports, message);
  if (canceled.length === 0) {
    const isTooLate = answers.some((answer) => answer.kind === 'refused' && answer.because === 'too_late');
    throw isTooLate
      ? new ShoalError('too_late', 'the mail is being sent and can no longer be stopped')
      : new ShoalError('wrong_state', `the mail can no longer be canceled: it is ${now.status}`);
  }
  return {
    id: message.id,
    status: now.status,
    canceled: canceled.map((job) => job.id),
    kept: kept.map((job) => job.id),
  };
}

/** Pages that are looked through for one page of emails; then the caller gets the cursor and asks again. */
const PAGES_LOOKED_THROUGH_MAX = 10;

/**
 * What is still open is little, and the ledger finds it by its state. What was sent or canceled is much, and the ledger
 * drops the record of it in time, so there the store's own order is followed.
 */
async function pageOfStatuses(
  ports: Pick<ApiPorts, 'store' | 'ledger'>,
  query: EmailQuery,
  statuses: readonly Status[],
): Promise<EmailPage> {
  const { to, from, subject, since, until } = query;
  const isDroppedInTime = statuses.includes('sent') || statuses.includes('canceled');
  const asksTheStore = [to, from, subject, since, until].some((filter) => filter !== undefined);
  let { cursor } = query;
  for (let looked = 0; looked < PAGES_LOOKED_THROUGH_MAX; looked += 1) {
    const here = { ...query, ...(cursor === undefined ? {} : { cursor }) };
    const page = isDroppedInTime || asksTheStore ? await pageOfMessages(ports, here) : await pageOfJobs(ports, here, statuses);
    const emails = page.emails.filter((email) => statuses.includes(email.status));
    cursor = page.cursor;
    if (emails.length > 0 || cursor === undefined) return { ...page, emails };
  }
  return { emails: [], ...(cursor === undefined ? {} : { cursor }) };
}

async function pageOfMessages(ports: Pick<ApiPorts, 'store' | 'ledger'>, query: EmailQuery): Promise<EmailPage> {
  const { statuses: _, cursor, ...asked } = query;
  const page = await pageAt(cursor, (place) => ports.store.listMessages({ ...asked, ...place }));
  const emails = await emailsOf(ports, query.tenant, page.messages);
  return { emails, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
}

async function pageOfJobs(ports: Pick<ApiPorts, 'store' | 'ledger'>, query: EmailQuery, statuses: readonly Status[]): Promise<EmailPage> {
  const { tenant, max, inboxes } = query;
  const lanes = inboxes?.map((inbox) => laneId(inbox));
  const states = STATES.filter((state) => statuses.includes(statusOf(state)));
  const page = await pageAt(query.cursor, (place) =>
    ports.ledger.list({ tenant, states, max, ...(lanes !== undefined && { lanes }), ...place }),
  );
  const onPage = new Set(page.jobs.map((job) => job.id));
  const ids = [...new Set(page.jobs.map((job) => job.messageId))];
  const messages = (await ports.store.getMessages(tenant, ids)).filter((message) => message !== undefined);
  const emails = (await emailsOf(ports, tenant, messages)).filter((email) => {
    // A mail with several jobs stands where the first of them comes up, and only there.
    const first = email.jobs.find((job) => states.includes(job.state));
    return first !== undefined && onPage.has(first.id);
  });
  return { emails, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
}

async function emailMeantBy(ports: Pick<ApiPorts, 'store' | 'ledger'>, tenant: TenantId, reference: string): Promise<Email> {
  const id = readMessageId(reference);
  const email = id === undefined ? undefined : await findEmail(ports, tenant, id);
  if (email === undefined) throw noEmail();
  return email;
}

async function findEmail(ports: Pick<ApiPorts, 'store' | 'ledger'>, tenant: TenantId, id: MessageId): Promise<Email | undefined> {
  const message = await ports.store.getMessage(tenant, id);
  return message === undefined ? undefined : emailOf(ports, message);
}

async function emailOf(ports: Pick<ApiPorts, 'ledger'>, message: Message): Promise<Email> {
  return emailWith(message, (await jobsOf(ports, message.tenant, [message.id])).get(message.id) ?? []);
}

async function emailsOf(ports: Pick<ApiPorts, 'ledger'>, tenant: TenantId, messages: readonly Message[]): Promise<readonly Email[]> {
  const jobs = await jobsOf(
    ports,
    tenant,
    messages.map((message) => message.id),
  );
  return messages.map((message) => emailWith(message, jobs.get(message.id) ?? []));
}

/** The ledger drops final records after some days; how they ended is kept with the message. */
function emailWith(message: Message, jobs: readonly Job[]): Email {
  const ended = message.ended === undefined ? [] : [message.ended];
  return { message, jobs, status: statusOfAll([...jobs.map((job) => job.state), ...ended]) };
}

function readMessageId(text: string): MessageId | undefined {
  try {
    return messageId(text);
  } catch {
    return undefined; // what cannot be an id is the id of nothing
  }
}

function noEmail(): ShoalError {
  return new ShoalError('not_found', 'no email with this id');
}
