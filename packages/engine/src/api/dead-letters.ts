import { ShoalError } from '../model/errors.ts';
import type { TenantId } from '../model/ids.ts';
import type { Job } from '../model/job.ts';
import { type JobForReview, jobsMeantBy, listForReview } from './jobs.ts';
import type { ApiPorts } from './ports.ts';

/** Mail that will not be tried again by itself, with every attempt; newest first. */
export function listDeadLetters(
  ports: Pick<ApiPorts, 'ledger' | 'store'>,
  query: { readonly tenant: TenantId; readonly max: number; readonly cursor?: string },
): Promise<{ readonly items: readonly JobForReview[]; readonly cursor?: string }> {
  return listForReview(ports, { ...query, state: 'dead' });
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
