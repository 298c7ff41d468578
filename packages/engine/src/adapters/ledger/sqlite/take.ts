import { leasedThrough, OPEN_GATE } from '../../../model/gate.ts';
import type { TenantId, WorkerId } from '../../../model/ids.ts';
import type { State } from '../../../model/job.ts';
import { inboxScope, type Scope, senderScope } from '../../../model/scope.ts';
import type { Act, Books } from './act.ts';
import { hasNoRules, type JobToAdmit, jobWait, limitsOf, tooLarge, type Wait } from './admit.ts';
import { expire, overLimit } from './due.ts';
import { holdsOn } from './holds.ts';
import { TRIED_AGAIN } from './lanes.ts';
import { envelopeOf } from './rows.ts';
import type { LimitedScope } from './seats.ts';
import type { LaneFacts, Sender } from './senders.ts';
import { takeSlot } from './slots.ts';
import { JOB_TO_ADMIT } from './sql/deal.ts';

/** Takes one job, with its seats, its slot and its place in the pace, or says why it does not go. */
export type Taken =
  | { readonly kind: 'taken'; readonly seated: boolean }
  | { readonly kind: 'wait'; readonly wait: Wait }
  /** It ended instead: its time was over, or it can never fit. */
  | { readonly kind: 'ended' };

/** The sender's own waits are asked about before. */
export function take(act: Act, sender: Sender, lane: LaneFacts, job: number, worker: WorkerId): Taken {
  if (isFree(act, sender, lane)) {
    lease(act, sender, lane);
    return { kind: 'taken', seated: false };
  }
  const found = jobToAdmit(act, lane, job);
  if (found === undefined) return { kind: 'ended' };
  if (found.expiresAt !== null && found.expiresAt <= act.now) {
    expire(act, job, found.state, lane.seq);
    return { kind: 'ended' };
  }
  if (tooLarge(act, found) !== undefined) {
    overLimit(act, job, lane.seq);
    return { kind: 'ended' };
  }
  const wait = jobWait(act, sender, found);
  if (wait !== undefined) return { kind: 'wait', wait };
  lease(act, sender, lane);
  const limited = limitedScopes(act, lane);
  for (const scope of limited) {
    act.seats.sit(scope, found, job, true);
    const { pace } = scope.limits;
    if (pace !== undefined) scope.tat = Math.max(scope.tat, act.now) + pace.everyMs;
  }
  const hasSlots = limited.some(({ limits }) => limits.connections !== undefined);
  if (hasSlots) takeSlot(act, sender.seq, worker, job);
  return { kind: 'taken', seated: hasSlots || limited.some(({ rules }) => rules.length > 0) };
}

function lease(act: Act, sender: Sender, lane: LaneFacts): void {
  act.moved('ready', 'leased', lane.seq);
  if (sender.hasScopes && (sender.gate !== OPEN_GATE || lane.retried === TRIED_AGAIN))
    sender.gate = leasedThrough(sender.gate, { count: 1, retryCount: lane.retried === TRIED_AGAIN ? 1 : 0 }, act.now);
}

function limitedScopes(books: Books, lane: LaneFacts): LimitedScope[] {
  return scopesWithLimits(lane)
    .map((scope) => limitsOf(books, scope))
    .filter((limited) => limited !== undefined);
}

const scopesWithLimits = ({ sender, name }: LaneFacts): readonly [Scope, Scope] => [senderScope(sender), inboxScope(name)];

/** Nothing has a say in it beyond its sender's gate, so that its row need not be read. */
function isFree(act: Act, sender: Sender, lane: LaneFacts): boolean {
  if (!sender.hasScopes) return true;
  if (lane.retried === TRIED_AGAIN) return false;
  if (hasNoRules(act)) return true;
  const any = act.any();
  if (any.jobHolds) return false;
  if (any.holds && holdsOn(act, [inboxScope(lane.name)]).length > 0) return false;
  return limitedScopes(act, lane).length === 0;
}

interface FoundJob extends JobToAdmit {
  readonly state: State;
  readonly expiresAt: number | null;
}

export function jobToAdmit(books: Books, lane: LaneFacts, job: number): FoundJob | undefined {
  const row = books.sql<{ state: State; expires_at: number | null; tenant: TenantId; envelope: string }>(JOB_TO_ADMIT).get(job);
  if (row === undefined) return undefined;
  const { from, to } = envelopeOf(row);
  const { kind, sender, name, retried } = lane;
  return {
    kind,
    sender,
    lane: name,
    tenant: row.tenant,
    from,
    to,
    isRetried: retried === TRIED_AGAIN,
    state: row.state,
    expiresAt: row.expires_at,
  };
}
