import type { Envelope } from './envelope.ts';
import type { JobId, LaneId, MessageId, SenderId, TenantId, WorkerId } from './ids.ts';
import type { Priority } from './limit.ts';
import type { DeadReason, DoubtCause, FailureClass, Outcome } from './outcome.ts';
import type { ConnectionFacts, Phase, RecipientReply, Reply } from './reply.ts';

/** `send`: one envelope, one final dot. `receive`: one accepted mail to parse. `notify`: one event to one subscriber. */
export type JobKind = 'send' | 'receive' | 'notify';

export const STATES = ['scheduled', 'ready', 'leased', 'sending', 'in_doubt', 'sent', 'dead', 'canceled'] as const;
export type State = (typeof STATES)[number];

/** What a caller sees instead of a state. */
export type Status = 'queued' | 'sending' | 'in_doubt' | 'sent' | 'failed' | 'canceled';

/** `hold`: a job in doubt waits for proof or a decision. `resend`: it is sent once more, with the same bytes. */
export type DoubtPolicy = 'hold' | 'resend';

/** What a ledger answers about a job. All times are the ledger's clock, in epoch ms. */
export interface Job {
  readonly id: JobId;
  readonly kind: JobKind;
  readonly tenant: TenantId;
  readonly sender: SenderId;
  readonly lane: LaneId;
  readonly messageId: MessageId;
  readonly envelope: Envelope;
  readonly state: State;
  /** Only in state `dead`. */
  readonly reason?: DeadReason;
  /** Only in state `in_doubt`. */
  readonly doubt?: DoubtCause;
  /** Number of the newest lease; plus one each time. */
  readonly token: number;
  /** Attempts that counted. */
  readonly attempts: number;
  /** Counted failures by class; each class has its own schedule. */
  readonly failures: Readonly<Partial<Record<FailureClass, number>>>;
  /** Leases that ran out before the commit, and how many of them while the job ran apart. */
  readonly crashes: number;
  readonly crashesApart: number;
  /** From the second crash on: the job runs alone in a child process. */
  readonly runsApart: boolean;
  /** Times it was sent once more after a doubt. */
  readonly resends: number;
  readonly onDoubt: DoubtPolicy;
  readonly priority: Priority;
  readonly createdAt: number;
  /** When it may run next; in `in_doubt` under `resend`, when it is sent once more. */
  readonly dueAt: number;
  /** Not sent after this. */
  readonly expiresAt?: number;
  readonly leasedUntil?: number;
  readonly worker?: WorkerId;
  readonly firstFailedAt?: number;
  /** Set in `sent`, `dead` and `canceled`. */
  readonly finishedAt?: number;
  readonly sizeBytes: number;
  /** The job whose partly refused envelope this one carries on. */
  readonly parentId?: JobId;
}

/** How an attempt ended, as kept in the timeline: an outcome, a crash of its worker, or an act from outside. */
export type AttemptEnd = Outcome['kind'] | 'crash' | 'worker-lost';

/** One attempt of a job, kept as long as the job. A person reading a dead letter gets every one of them. */
export interface Attempt {
  readonly jobId: JobId;
  readonly token: number;
  readonly worker: WorkerId;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly end: AttemptEnd;
  readonly counted: boolean;
  readonly phase?: Phase;
  readonly reply?: Reply;
  /** Per recipient, where the server answered per recipient. */
  readonly recipients?: readonly RecipientReply[];
  /** One sentence for a person: what happened and what comes next. */
  readonly note: string;
  readonly facts?: ConnectionFacts;
}

export function isFinal(state: State): boolean {
  return state === 'sent' || state === 'dead' || state === 'canceled';
}

export function statusOf(state: State): Status {
  switch (state) {
    case 'scheduled':
    case 'ready':
    case 'leased':
      return 'queued';
    case 'sending':
    case 'in_doubt':
    case 'sent':
    case 'canceled':
      return state;
    case 'dead':
      return 'failed';
    default:
      return state satisfies never;
  }
}

/** A message is as far as its least settled job: what needs somebody's eye comes first. */
const WORST_FIRST: readonly Status[] = ['in_doubt', 'sending', 'queued', 'failed', 'canceled', 'sent'];

/** Of all jobs of a message. It has at least one, or `Message.ended` in its place; with none, nothing is known to have been done. */
export function statusOfAll(states: readonly State[]): Status {
  const statuses = new Set(states.map(statusOf));
  return WORST_FIRST.find((status) => statuses.has(status)) ?? 'queued';
}
