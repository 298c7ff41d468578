import type { Job } from '../model/job.ts';
import { domainOf, identityScope, inboxScope, type Scope, senderScope, tenantScope } from '../model/scope.ts';
import type { Standing, WaitReason } from '../ports/ledger-scopes.ts';
import type { ApiPorts } from './ports.ts';

/** What a queued mail waits for the longest. */
export interface MailWait {
  readonly reason: WaitReason;
  /** Epoch ms; absent: for a person, or for another mail to end. */
  readonly at?: number;
}

/** Of the first job that is queued, since all jobs of a mail have the same scopes; undefined when nothing is in their way. */
export async function waitOf(ports: Pick<ApiPorts, 'ledger'>, jobs: readonly Job[]): Promise<MailWait | undefined> {
  const job = jobs.find(({ state }) => state === 'ready' || state === 'scheduled');
  if (job === undefined) return undefined;
  const waits = (await ports.ledger.standing(scopesOf(job))).flatMap(waitsIn);
  if (job.state === 'scheduled') waits.push({ reason: { kind: 'due' }, at: job.dueAt });
  const [longest] = waits.sort((a, b) => (b.at ?? Number.MAX_VALUE) - (a.at ?? Number.MAX_VALUE));
  return longest;
}

function scopesOf({ sender, lane, tenant, envelope }: Job): readonly Scope[] {
  return [senderScope(sender), inboxScope(lane), tenantScope(tenant), identityScope(domainOf(envelope.from))];
}

function waitsIn({ scope, holds, allowances, sender }: Standing): MailWait[] {
  const held = holds.map(({ why, note, until }) => waitFor({ kind: 'hold', scope, why, note }, until));
  const usedUp = allowances
    .filter(({ left }) => left === 0)
    .map(({ rule, nextFreeAt }) => waitFor({ kind: 'limit', scope, rule }, nextFreeAt));
  const ofSender = sender?.because === undefined ? [] : [waitFor(sender.because, sender.nextAt)];
  return [...held, ...usedUp, ...ofSender];
}

function waitFor(reason: WaitReason, at: number | undefined): MailWait {
  return { reason, ...(at !== undefined && { at }) };
}
