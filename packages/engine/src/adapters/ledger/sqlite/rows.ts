import type { Envelope } from '../../../model/envelope.ts';
import type { JobId, LaneId, MessageId, SenderId, TenantId, WorkerId } from '../../../model/ids.ts';
import type { Attempt, DoubtPolicy, Job, JobKind, State } from '../../../model/job.ts';
import { PRIORITIES, type Priority } from '../../../model/limit.ts';
import type { DeadReason, DoubtCause, FailureClass } from '../../../model/outcome.ts';
import type { Settlement } from '../../../ports/ledger.ts';

/** Rows as SELECT gives them, and the nouns made of them. What was checked on its way in is trusted on its way out. */
export interface JobRow {
  readonly seq: number;
  readonly id: JobId;
  readonly lane: number;
  readonly state: State;
  readonly runs_apart: number;
  readonly token: number;
  readonly settled_token: number | null;
  readonly worker: WorkerId | null;
  readonly leased_at: number | null;
  readonly leased_until: number | null;
  readonly nonce: string | null;
  readonly attempts: number;
  readonly failures: string | null;
  readonly crashes: number;
  readonly crashes_apart: number;
  readonly resends: number;
  readonly busy_releases: number;
  /** Its lease holds seats or a slot. */
  readonly seated: number;
  readonly created_at: number;
  readonly queued_at: number;
  readonly due_at: number;
  readonly resend_at: number | null;
  readonly expires_at: number | null;
  readonly first_failed_at: number | null;
  readonly finished_at: number | null;
  readonly reason: DeadReason | null;
  readonly doubt: DoubtCause | null;
}

/** A job's row with everything that stands beside it. */
export interface WholeJobRow extends JobRow {
  readonly kind: JobKind;
  readonly sender: SenderId;
  readonly lane_name: LaneId;
  readonly priority: number;
  readonly tenant: TenantId;
  readonly envelope: string;
  readonly on_doubt: DoubtPolicy;
  readonly parent: JobId | null;
  readonly message_id: MessageId;
  readonly size_bytes: number;
}

export interface AttemptRow {
  readonly job_id: JobId;
  readonly token: number;
  readonly worker: WorkerId;
  readonly started_at: number;
  readonly ended_at: number;
  readonly ending: Attempt['end'];
  readonly counted: number;
  readonly note: string;
  readonly seen: string | null;
}

export type Failures = Readonly<Partial<Record<FailureClass, number>>>;

export function failuresOf(row: Pick<JobRow, 'failures'>): Failures {
  return row.failures === null ? {} : (JSON.parse(row.failures) as Failures);
}

/** As a number it sorts. */
export const rankOf = (priority: Priority): number => PRIORITIES.indexOf(priority);
const priorityOf = ({ priority }: { readonly priority: number }): Priority => PRIORITIES[priority] ?? 'normal';

export function envelopeOf(row: { readonly envelope: string }): Envelope {
  return JSON.parse(row.envelope) as Envelope;
}

export function jobOf(row: WholeJobRow): Job {
  const isHeld = row.state === 'leased' || row.state === 'sending';
  return {
    id: row.id,
    kind: row.kind,
    tenant: row.tenant,
    sender: row.sender,
    lane: row.lane_name,
    messageId: row.message_id,
    envelope: envelopeOf(row),
    state: row.state,
    token: row.token,
    attempts: row.attempts,
    failures: failuresOf(row),
    crashes: row.crashes,
    crashesApart: row.crashes_apart,
    runsApart: row.runs_apart === 1,
    resends: row.resends,
    onDoubt: row.on_doubt,
    priority: priorityOf(row),
    createdAt: row.created_at,
    dueAt: row.resend_at ?? row.due_at,
    sizeBytes: row.size_bytes,
    ...(row.reason !== null && { reason: row.reason }),
    ...(row.doubt !== null && { doubt: row.doubt }),
    ...(row.expires_at !== null && { expiresAt: row.expires_at }),
    ...(isHeld && row.leased_until !== null && { leasedUntil: row.leased_until }),
    ...(isHeld && row.worker !== null && { worker: row.worker }),
    ...(row.first_failed_at !== null && { firstFailedAt: row.first_failed_at }),
    ...(row.finished_at !== null && { finishedAt: row.finished_at }),
    ...(row.parent !== null && { parentId: row.parent }),
  };
}

/** `to`: recipients of which the reply is the whole story. */
type KeptSeen = Pick<Settlement, 'phase' | 'reply' | 'recipients' | 'facts'> & { readonly to?: readonly string[] };

export function attemptOf(row: AttemptRow): Attempt {
  const { to, ...seen } = row.seen === null ? ({} as KeptSeen) : (JSON.parse(row.seen) as KeptSeen);
  const { reply } = seen;
  const ofEach = to !== undefined && reply !== undefined ? { recipients: to.map((address) => ({ address, reply })) } : {};
  return {
    jobId: row.job_id,
    token: row.token,
    worker: row.worker,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    end: row.ending,
    counted: row.counted === 1,
    note: row.note,
    ...seen,
    ...ofEach,
  };
}
