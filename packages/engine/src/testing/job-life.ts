import type { Envelope } from '../model/envelope.ts';
import type { JobId, WorkerId } from '../model/ids.ts';
import { type Attempt, type AttemptEnd, isFinal, type Job, type State } from '../model/job.ts';
import { CRASHES_APART_MAX, CRASHES_BEFORE_APART, RESENDS_MAX } from '../model/limits.ts';
import { countsAsAttempt, type DeadReason, type DoubtCause, type FailureClass, type Outcome } from '../model/outcome.ts';
import type {
  ChildJob,
  CommitRef,
  Committed,
  Decision,
  Extended,
  LeaseRequest,
  NewJob,
  Settled,
  Settlement,
  SweepOptions,
} from '../ports/ledger.ts';

/**
 * A job's life as pure functions: the table of docs/states.md, one function an event. First the questions (may this
 * happen now?), then the moves (what is the job after it?). The memory ledger is these and some maps around them; every
 * other ledger is compared with it.
 */
export interface JobRecord {
  /** What never changes. */
  readonly born: {
    readonly seq: number;
    readonly id: JobId;
    readonly kind: Job['kind'];
    readonly tenant: Job['tenant'];
    readonly sender: Job['sender'];
    readonly lane: Job['lane'];
    readonly messageId: Job['messageId'];
    readonly onDoubt: Job['onDoubt'];
    readonly priority: Job['priority'];
    readonly createdAt: number;
    readonly expiresAt: number | undefined;
    readonly sizeBytes: number;
    readonly parentId: JobId | undefined;
    /** For the duplicate guard; a child answers no submission, so it has none. */
    readonly fingerprint: string | undefined;
  };
  readonly envelope: Envelope;
  readonly state: State;
  readonly reason: DeadReason | undefined;
  readonly doubt: DoubtCause | undefined;
  readonly token: number;
  /** The newest lease, also when it is over: a late settle still has to say who worked and since when. */
  readonly lease: { readonly worker: WorkerId; readonly startedAt: number; readonly until: number } | undefined;
  /** Of the commit, while the job is being sent. */
  readonly nonce: string | undefined;
  /** Token of the newest attempt that was settled, to know a repeated settle again. */
  readonly settledToken: number | undefined;
  readonly attempts: number;
  readonly failures: Readonly<Partial<Record<FailureClass, number>>>;
  readonly crashes: number;
  readonly crashesApart: number;
  readonly runsApart: boolean;
  readonly resends: number;
  /** Given back as `busy` since the last counted attempt. */
  readonly busyReleases: number;
  /** From here its age counts: created, or requeued. */
  readonly queuedAt: number;
  readonly dueAt: number;
  /** In doubt: when it is sent once more; absent when it is held. */
  readonly resendAt: number | undefined;
  /** Its place in the lane while it is ready. */
  readonly readyAt: number;
  readonly firstFailedAt: number | undefined;
  readonly finishedAt: number | undefined;
}

// ---- Questions

export function isLeaseLive(record: JobRecord, now: number): boolean {
  return record.lease !== undefined && record.lease.until > now;
}

export function isExpired(record: JobRecord, now: number): boolean {
  return record.born.expiresAt !== undefined && record.born.expiresAt <= now;
}

/** A worker may keep a job while its lease lives; one that is being sent, until a sweep found it abandoned. */
export function answerExtend(record: JobRecord | undefined, token: number, now: number): Extended {
  if (record === undefined) return { kind: 'lost', because: 'unknown' };
  if (record.token !== token) return { kind: 'lost', because: 'token' };
  if (record.state === 'sending' || (record.state === 'leased' && isLeaseLive(record, now))) return { kind: 'extended' };
  if (record.state === 'canceled') return { kind: 'lost', because: 'canceled' };
  return { kind: 'lost', because: record.settledToken === token ? 'settled' : 'expired' };
}

/** The dot may be written by the newest lease only, while it lives and the mail is still wanted; and once per lease. */
export function answerCommit(record: JobRecord | undefined, ref: CommitRef, now: number): Committed {
  if (record === undefined || record.token !== ref.token) return { kind: 'refused', because: 'lost' };
  if (record.state === 'sending' && record.nonce === ref.nonce) return { kind: 'granted' };
  if (record.state === 'canceled') return { kind: 'refused', because: 'canceled' };
  if (record.settledToken === ref.token) return { kind: 'refused', because: 'settled' };
  if (record.state !== 'leased' || !isLeaseLive(record, now)) return { kind: 'refused', because: 'lost' };
  if (isExpired(record, now)) return { kind: 'refused', because: 'expired' };
  return { kind: 'granted' };
}

/**
 * `undefined`: the settle holds. A lease that ran out but was not swept still belongs to its worker, since nobody else
 * can have begun. A job in doubt is healed by whatever its own worker learns later, but not by another "don't know".
 */
export function refuseSettle(record: JobRecord | undefined, { token, outcome }: Settlement): Settled | undefined {
  if (record === undefined) return { kind: 'refused', because: 'unknown' };
  const isMine = record.token === token;
  if (isMine && record.state === 'in_doubt' && outcome.kind !== 'doubt') return undefined;
  if (record.settledToken === token || (isMine && record.state === 'in_doubt')) return { kind: 'repeated', state: record.state };
  if (!isMine) return { kind: 'refused', because: 'lost' };
  if (record.state === 'canceled') return { kind: 'refused', because: 'canceled' };
  if (record.state === 'sending') return undefined;
  if (record.state !== 'leased') return { kind: 'refused', because: 'lost' };
  // Beware: before the commit nothing can have been sent, so "sent" and "don't know" are a worker that skipped it.
  if (outcome.kind === 'sent' || outcome.kind === 'doubt') return { kind: 'refused', because: 'uncommitted' };
  return undefined;
}

// ---- Moves

export function created(job: NewJob, seq: number, now: number): JobRecord {
  const born = {
    seq,
    id: job.id,
    kind: job.kind,
    tenant: job.tenant,
    sender: job.sender,
    lane: job.lane,
    messageId: job.messageId,
    onDoubt: job.onDoubt,
    priority: job.priority,
    createdAt: now,
    expiresAt: job.expiresAt,
    sizeBytes: job.payload.byteLength,
    parentId: undefined,
    fingerprint: job.fingerprint,
  };
  return waiting(fresh(born, job.envelope, now), Math.max(0, (job.dueAt ?? now) - now), now);
}

/** A child begins with the failure that made it: its first attempt is its parent's last. */
export function childOf(parent: JobRecord, child: ChildJob, seq: number, now: number): JobRecord {
  const born = { ...parent.born, seq, id: child.id, createdAt: now, parentId: parent.born.id, fingerprint: undefined };
  return afterOutcome(fresh(born, { ...parent.envelope, to: child.to }, now), child.outcome, now);
}

function fresh(born: JobRecord['born'], envelope: Envelope, now: number): JobRecord {
  return {
    born,
    envelope,
    state: 'ready',
    reason: undefined,
    doubt: undefined,
    token: 0,
    lease: undefined,
    nonce: undefined,
    settledToken: undefined,
    attempts: 0,
    failures: {},
    crashes: 0,
    crashesApart: 0,
    runsApart: false,
    resends: 0,
    busyReleases: 0,
    queuedAt: now,
    dueAt: now,
    resendAt: undefined,
    readyAt: now,
    firstFailedAt: undefined,
    finishedAt: undefined,
  };
}

/** Back in the queue, at once or later. */
function waiting(record: JobRecord, delayMs: number, now: number): JobRecord {
  const dueAt = now + delayMs;
  const state = delayMs > 0 ? 'scheduled' : 'ready';
  return { ...record, state, dueAt, readyAt: dueAt, nonce: undefined, doubt: undefined, resendAt: undefined };
}

/** Without a wait it keeps the place it had: what happened was not its fault. */
function backInPlace(record: JobRecord, delayMs: number, now: number): JobRecord {
  const { dueAt, readyAt } = record;
  return delayMs > 0 ? waiting(record, delayMs, now) : { ...waiting(record, 0, now), dueAt, readyAt };
}

function finished(record: JobRecord, state: 'sent' | 'dead' | 'canceled', now: number, reason?: DeadReason): JobRecord {
  return { ...record, state, reason, finishedAt: now, nonce: undefined, doubt: undefined, resendAt: undefined };
}

function inDoubt(record: JobRecord, doubt: DoubtCause, resendAt: number | undefined): JobRecord {
  return { ...record, state: 'in_doubt', doubt, nonce: undefined, resendAt };
}

/** Due: it takes the place in its lane that its due time gives it, however late somebody looked. */
export function due(record: JobRecord): JobRecord {
  return { ...record, state: 'ready', readyAt: record.dueAt };
}

export function leased(record: JobRecord, request: Pick<LeaseRequest, 'worker' | 'leaseMs'>, now: number): JobRecord {
  const lease = { worker: request.worker, startedAt: now, until: now + request.leaseMs };
  return { ...record, state: 'leased', token: record.token + 1, lease };
}

export function extended(record: JobRecord, leaseMs: number, now: number): JobRecord {
  return record.lease === undefined ? record : { ...record, lease: { ...record.lease, until: now + leaseMs } };
}

export function committed(record: JobRecord, nonce: string): JobRecord {
  return { ...record, state: 'sending', nonce };
}

export function settled(record: JobRecord, settlement: Settlement, now: number): JobRecord {
  const { keeps } = settlement;
  const envelope =
    keeps === undefined ? record.envelope : { ...record.envelope, to: record.envelope.to.filter((to) => keeps.includes(to)) };
  return { ...afterOutcome({ ...record, envelope }, settlement.outcome, now), settledToken: settlement.token };
}

function afterOutcome(record: JobRecord, outcome: Outcome, now: number): JobRecord {
  // An attempt that ended in doubt was counted then; what heals it is the same attempt.
  const isCounted = countsAsAttempt(outcome) && record.state !== 'in_doubt';
  const counted = isCounted ? { ...record, attempts: record.attempts + 1, busyReleases: 0 } : record;
  switch (outcome.kind) {
    case 'sent':
      return finished(counted, 'sent', now);
    case 'dead':
      return finished(counted, 'dead', now, outcome.reason);
    case 'doubt':
      return inDoubt(counted, outcome.cause, outcome.resendMs === undefined ? undefined : now + outcome.resendMs);
    case 'release':
      return backInPlace({ ...counted, busyReleases: record.busyReleases + (outcome.why === 'busy' ? 1 : 0) }, outcome.delayMs, now);
    case 'retry': {
      const failures = { ...record.failures, [outcome.failure]: (record.failures[outcome.failure] ?? 0) + 1 };
      return waiting({ ...counted, failures, firstFailedAt: record.firstFailedAt ?? now }, outcome.delayMs, now);
    }
    default:
      return outcome satisfies never;
  }
}

/** A lease ran out before the commit. The first time says nothing about the job; only crashes apart are surely its own. */
export function crashed(record: JobRecord, options: Pick<SweepOptions, 'apartDelaysMs'>, now: number): JobRecord {
  const crashes = record.crashes + 1;
  const crashesApart = record.crashesApart + (record.runsApart ? 1 : 0);
  const runsApart = crashes >= CRASHES_BEFORE_APART;
  const after = { ...record, crashes, crashesApart, runsApart };
  if (crashesApart >= CRASHES_APART_MAX) return finished(after, 'dead', now, 'poison');
  const { apartDelaysMs } = options;
  const delayMs = runsApart ? (apartDelaysMs[Math.min(crashesApart, apartDelaysMs.length - 1)] ?? 0) : 0;
  return backInPlace(after, delayMs, now);
}

/** A lease ran out after the commit: the dot may be at the server, so it never goes back to the queue by itself. */
export function workerLost(record: JobRecord, options: Pick<SweepOptions, 'resendMs'>, now: number): JobRecord {
  const mayResend = record.born.onDoubt === 'resend' && record.resends < RESENDS_MAX;
  const counted = { ...record, attempts: record.attempts + 1 };
  return inDoubt(counted, 'worker-lost', mayResend ? now + options.resendMs : undefined);
}

export function resent(record: JobRecord, now: number): JobRecord {
  return { ...waiting(record, 0, now), resends: record.resends + 1 };
}

/** It has more recipients than a rule allows in a whole window: it could wait for ever. */
export function overLimit(record: JobRecord, now: number): JobRecord {
  return finished(record, 'dead', now, 'over_limit');
}

export function expired(record: JobRecord, now: number): JobRecord {
  return finished(record, 'dead', now, 'expired');
}

export function canceled(record: JobRecord, now: number): JobRecord {
  return finished(record, 'canceled', now);
}

export function resolved(record: JobRecord, verdict: Decision['verdict'], now: number): JobRecord {
  switch (verdict) {
    case 'sent':
      return finished(record, 'sent', now);
    case 'dead':
      return finished(record, 'dead', now, 'decided');
    case 'resend':
      return resent(record, now);
    default:
      return verdict satisfies never;
  }
}

/** A new life with the same bytes. The token goes on counting, so that a worker of the old life stays locked out. */
export function requeued(record: JobRecord, now: number): JobRecord {
  const back = { ...waiting(record, 0, now), reason: undefined, finishedAt: undefined, firstFailedAt: undefined, queuedAt: now };
  return { ...back, attempts: 0, failures: {}, busyReleases: 0, crashes: 0, crashesApart: 0, runsApart: false };
}

// ---- What a caller sees

export function jobOf(record: JobRecord): Job {
  const { born, lease } = record;
  const isHeld = record.state === 'leased' || record.state === 'sending';
  return {
    id: born.id,
    kind: born.kind,
    tenant: born.tenant,
    sender: born.sender,
    lane: born.lane,
    messageId: born.messageId,
    envelope: record.envelope,
    state: record.state,
    token: record.token,
    attempts: record.attempts,
    failures: record.failures,
    crashes: record.crashes,
    crashesApart: record.crashesApart,
    runsApart: record.runsApart,
    resends: record.resends,
    onDoubt: born.onDoubt,
    priority: born.priority,
    createdAt: born.createdAt,
    dueAt: record.resendAt ?? record.dueAt,
    sizeBytes: born.sizeBytes,
    ...(record.reason !== undefined && { reason: record.reason }),
    ...(record.doubt !== undefined && { doubt: record.doubt }),
    ...(born.expiresAt !== undefined && { expiresAt: born.expiresAt }),
    ...(isHeld && lease !== undefined && { leasedUntil: lease.until, worker: lease.worker }),
    ...(record.firstFailedAt !== undefined && { firstFailedAt: record.firstFailedAt }),
    ...(record.finishedAt !== undefined && { finishedAt: record.finishedAt }),
    ...(born.parentId !== undefined && { parentId: born.parentId }),
  };
}

/** A line of the timeline about the newest lease of `record`. */
export function attemptOf(
  record: JobRecord,
  ended: { readonly end: AttemptEnd; readonly at: number; readonly counted: boolean; readonly note: string },
  seen: Partial<Pick<Settlement, 'phase' | 'reply' | 'recipients' | 'facts'>> = {},
): Attempt | undefined {
  if (record.lease === undefined) return undefined;
  return {
    jobId: record.born.id,
    token: record.token,
    worker: record.lease.worker,
    startedAt: record.lease.startedAt,
    endedAt: ended.at,
    end: ended.end,
    counted: ended.counted,
    note: ended.note,
    ...(seen.phase !== undefined && { phase: seen.phase }),
    ...(seen.reply !== undefined && { reply: seen.reply }),
    ...(seen.recipients !== undefined && { recipients: seen.recipients }),
    ...(seen.facts !== undefined && { facts: seen.facts }),
  };
}

/** Tried again for a fault that may be everybody's, so that it needs a token of the retry budget; greylisting asked for its retry. */
export function needsRetryToken(record: JobRecord): boolean {
  return triesOf(record) === 'again';
}

/** Which queue of its lane it stands in: what is tried again neither holds up first attempts nor waits behind all of them. */
export function triesOf({ failures }: JobRecord): 'first' | 'again' | 'greylisted' {
  if ((failures.network ?? 0) + (failures.deferred ?? 0) > 0) return 'again';
  return (failures.greylist ?? 0) > 0 ? 'greylisted' : 'first';
}

/** Its bytes may still be needed: it can be sent, or requeued. */
export function needsPayload(record: JobRecord): boolean {
  return !isFinal(record.state) || record.state === 'dead';
}
