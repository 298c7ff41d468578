import { ShoalError } from '../model/errors.ts';
import type { TenantId } from '../model/ids.ts';
import type { Job, State } from '../model/job.ts';
import type { Decision } from '../ports/ledger.ts';
import { type JobForReview, jobsMeantBy, listForReview } from './jobs.ts';
import type { ApiPorts } from './ports.ts';

/** `sent`: it did arrive. `resend`: once more, with the same bytes. `dead`: it did not arrive and shall not. */
export const VERDICTS = ['sent', 'resend', 'dead'] as const satisfies readonly Decision['verdict'][];

/** Mail whose final dot may have been taken and whose reply was not seen; newest first. */
export function listDoubts(
  ports: Pick<ApiPorts, 'ledger' | 'store'>,
  query: { readonly tenant: TenantId; readonly max: number; readonly cursor?: string },
): Promise<{ readonly items: readonly JobForReview[]; readonly cursor?: string }> {
  return listForReview(ports, { ...query, state: 'in_doubt' });
}

/**
 * Decides about a job in doubt, or all jobs in doubt of an email.
 *
 * @throws ShoalError `not_found`, `wrong_state` when none of them is in doubt
 */
export async function resolveDoubt(
  ports: Pick<ApiPorts, 'ledger'>,
  tenant: TenantId,
  reference: string,
  decision: { readonly verdict: Decision['verdict']; readonly note?: string },
): Promise<readonly { readonly id: Job['id']; readonly state: State }[]> {
  const jobs = await jobsMeantBy(ports, tenant, reference);
  const note = `Decided by ${tenant}: ${decision.verdict}${decision.note === undefined ? '' : ` (${decision.note})`}`;
  const answers = await ports.ledger.resolve(jobs.map((job) => ({ jobId: job.id, verdict: decision.verdict, note })));
  const resolved = jobs.flatMap((job, index) => {
    const answer = answers[index];
    return answer?.kind === 'resolved' ? [{ id: job.id, state: answer.state }] : [];
  });
  if (resolved.length === 0) throw new ShoalError('wrong_state', 'only a mail in doubt can be decided about, and this one is not in doubt');
  return resolved;
}
