import { ShoalError } from '../model/errors.ts';
import { type JobId, jobId, type MessageId, messageId, type TenantId } from '../model/ids.ts';
import type { Attempt, Job, State } from '../model/job.ts';
import { PAGE_MAX } from '../model/limits.ts';
import type { Message } from '../model/message.ts';
import type { JobFilter } from '../ports/ledger-dead.ts';
import { pageAt } from './cursor.ts';
import type { ApiPorts } from './ports.ts';

/** A job with all that happened to it, oldest attempt first. */
export interface JobStory {
  readonly job: Job;
  readonly attempts: readonly Attempt[];
}

/** A job that somebody has to look at, with its mail; the mail is missing only when its row is. */
export interface JobForReview extends JobStory {
  readonly message?: Message;
}

/** Jobs of these messages (at most a page of them), the newest job of each first. */
export async function jobsOf(
  ports: Pick<ApiPorts, 'ledger'>,
  tenant: TenantId,
  messageIds: readonly MessageId[],
): Promise<ReadonlyMap<MessageId, readonly Job[]>> {
  const byMessage = new Map<MessageId, Job[]>(messageIds.map((id) => [id, []]));
  if (messageIds.length === 0) return byMessage; // an empty list would ask for nothing in particular
  let cursor: string | undefined;
  do {
    const page = await ports.ledger.list({ tenant, messageIds, max: PAGE_MAX, ...(cursor === undefined ? {} : { cursor }) });
    for (const job of page.jobs) byMessage.get(job.messageId)?.push(job);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return byMessage;
}

export async function storiesOf(ports: Pick<ApiPorts, 'ledger'>, jobs: readonly Job[]): Promise<readonly JobStory[]> {
  const attempts = await ports.ledger.attempts(jobs.map((job) => job.id));
  return jobs.map((job, index) => ({ job, attempts: attempts[index] ?? [] }));
}

/** Jobs in one state that somebody should look at, newest first. */
export async function listForReview(
  ports: Pick<ApiPorts, 'ledger' | 'store'>,
  {
    state,
    cursor,
    ...query
  }: JobFilter & { readonly tenant: TenantId; readonly state: State; readonly max: number; readonly cursor?: string },
): Promise<{ readonly items: readonly JobForReview[]; readonly cursor?: string }> {
  const page = await pageAt(cursor, (place) => ports.ledger.list({ ...query, states: [state], ...place }));
  const items = await forReview(ports, query.tenant, page.jobs);
  return { items, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
}

export async function forReview(
  ports: Pick<ApiPorts, 'ledger' | 'store'>,
  tenant: TenantId,
  jobs: readonly Job[],
): Promise<readonly JobForReview[]> {
  const stories = await storiesOf(ports, jobs);
  const messages = await ports.store.getMessages(
    tenant,
    jobs.map((job) => job.messageId),
  );
  return stories.map((story, index) => {
    const message = messages[index];
    return { ...story, ...(message === undefined ? {} : { message }) };
  });
}

/** The job with this id, or all jobs of the email with this id. @throws ShoalError `not_found` */
export async function jobsMeantBy(ports: Pick<ApiPorts, 'ledger'>, tenant: TenantId, reference: string): Promise<readonly Job[]> {
  const meant = readReference(reference);
  const jobs =
    meant.kind === 'job'
      ? (await ports.ledger.get([meant.id])).filter((job) => job !== undefined && job.tenant === tenant)
      : meant.kind === 'email'
        ? ((await jobsOf(ports, tenant, [meant.id])).get(meant.id) ?? [])
        : [];
  if (jobs.length === 0) throw new ShoalError('not_found', 'no job or email with this id');
  return jobs.filter((job) => job !== undefined);
}

type Reference =
  | { readonly kind: 'job'; readonly id: JobId }
  | { readonly kind: 'email'; readonly id: MessageId }
  | { readonly kind: 'nothing' };

function readReference(text: string): Reference {
  try {
    return text.startsWith('job_') ? { kind: 'job', id: jobId(text) } : { kind: 'email', id: messageId(text) };
  } catch {
    return { kind: 'nothing' }; // what cannot be an id is the id of nothing
  }
}
