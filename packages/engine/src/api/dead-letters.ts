import { ShoalError } from '../model/errors.ts';
import { laneId, type SenderId, senderId, type TenantId } from '../model/ids.ts';
import type { Job } from '../model/job.ts';
import { PAGE_MAX } from '../model/limits.ts';
import type { DeadGroup, JobFilter } from '../ports/ledger-dead.ts';
import { getInbox } from './inboxes.ts';
import { forReview, type JobForReview, jobsMeantBy, listForReview } from './jobs.ts';
import type { ApiPorts } from './ports.ts';

/** Mail that will not be tried again by itself, with every attempt; newest first. */
export function listDeadLetters(
  ports: Pick<ApiPorts, 'ledger' | 'store'>,
  query: JobFilter & { readonly tenant: TenantId; readonly max: number; readonly cursor?: string },
): Promise<{ readonly items: readonly JobForReview[]; readonly cursor?: string }> {
  return listForReview(ports, { ...query, state: 'dead' });
}

export interface DeadGroupForReview {
  readonly group: DeadGroup;
  /** Missing when it was taken off the record meanwhile. */
  readonly sample?: JobForReview;
}

/** Dead letters by what they died of, the largest group first. */
export async function groupDeadLetters(
  ports: Pick<ApiPorts, 'ledger' | 'store'>,
  query: JobFilter & { readonly tenant: TenantId },
): Promise<readonly DeadGroupForReview[]> {
  const { groups } = await ports.ledger.deadGroups({ ...query, max: PAGE_MAX });
  const samples = await ports.ledger.get(groups.map(({ sample }) => sample));
  const reviewed = await forReview(
    ports,
    query.tenant,
    samples.filter((job) => job !== undefined),
  );
  return groups.map((group) => {
    const sample = reviewed.find(({ job }) => job.id === group.sample);
    return { group, ...(sample !== undefined && { sample }) };
  });
}

/** Narrows dead letters by what a caller names. @throws ShoalError `not_found` for an inbox, `refused_value` for a sender's name */
export async function filterMeant(ports: Pick<ApiPorts, 'store'>, tenant: TenantId, meant: DeadLetterFilter): Promise<JobFilter> {
  const { inboxes, senders, recipientDomain, ...rest } = meant;
  const found = inboxes && (await Promise.all(inboxes.map((reference) => getInbox(ports, tenant, reference))));
  return {
    ...rest,
    ...(found !== undefined && { lanes: found.map(({ id }) => laneId(id)) }),
    ...(senders !== undefined && { senders: senders.map(senderNamed) }),
    ...(recipientDomain !== undefined && { recipientDomain: recipientDomain.toLowerCase() }),
  };
}

export interface DeadLetterFilter extends Omit<JobFilter, 'lanes' | 'senders'> {
  /** By id or address. */
  readonly inboxes?: readonly string[];
  readonly senders?: readonly string[];
}

function senderNamed(name: string): SenderId {
  try {
    return senderId(name);
  } catch {
    throw new ShoalError('refused_value', 'sender is not the name of a sender', { details: { sender: 'cannot be a name' } });
  }
}

/**
 * Takes a dead job, or all dead jobs of an email, off the record for good.
 *
 * @throws ShoalError `not_found`, `wrong_state` when none of them is dead
 */
export async function purge(ports: Pick<ApiPorts, 'ledger'>, tenant: TenantId, reference: string): Promise<readonly Job['id'][]> {
  const jobs = await jobsMeantBy(ports, tenant, reference);
  const answers = await ports.ledger.purge(jobs.map((job) => job.id));
  const purged = jobs.filter((_, index) => answers[index]?.kind === 'purged').map((job) => job.id);
  if (purged.length === 0) throw new ShoalError('wrong_state', 'only a dead mail can be purged, and this one is not dead');
  return purged;
}

/**
 * Puts a dead job, or all dead jobs of an email, back to ready: attempt 0, same bytes, same Message-ID.
 *
 * @throws ShoalError `not_found`, `wrong_state` when none of them is dead
 */
export async function requeue(ports: Pick<ApiPorts, 'ledger'>, tenant: TenantId, reference: string): Promise<readonly Job['id'][]> {
  const jobs = await jobsMeantBy(ports, tenant, reference);
  const answers = await ports.ledger.requeue(jobs.map((job) => job.id));
  const requeued = jobs.filter((_, index) => answers[index]?.kind === 'requeued').map((job) => job.id);
  if (requeued.length === 0)
    throw new ShoalError('wrong_state', 'only a dead mail can be put back into the queue, and this one is not dead');
  return requeued;
}
