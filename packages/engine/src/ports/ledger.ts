import type { Envelope } from '../model/envelope.ts';
import type { LedgerEvent } from '../model/event.ts';
import type { JobId, LaneId, MessageId, SenderId, TenantId, WorkerId } from '../model/ids.ts';
import type { Attempt, DoubtPolicy, Job, JobKind, State } from '../model/job.ts';
import type { LimitRule, Priority } from '../model/limit.ts';
import type { DeadReason, FailureClass, Outcome } from '../model/outcome.ts';
import type { ConnectionFacts, Phase, RecipientReply, Reply } from '../model/reply.ts';
import type { Scope, ScopeKind } from '../model/scope.ts';
import type { DeadGroups, DeadGroupsQuery, DeadOptions, JobFilter, Purged } from './ledger-dead.ts';
import type { Allowance, Effect, Forecast, Hold, HoldRef, LimitChange, Standing, WorkerBeat, WorkerSeen } from './ledger-scopes.ts';

/**
 * The one place that knows what state a job is in, and changes it atomically (docs/states.md has the table).
 *
 * - Every call takes arrays and answers in the same order; calls made in one tick of the event loop share one durable write.
 * - What a call answered is durable as far as `capabilities` says. A call that rejects may have been applied; repeating
 *   it with the same arguments changes nothing more and gets the same answer.
 * - All times are the ledger's clock, in epoch ms, and that clock never goes back. Callers pass durations, but for
 *   `dueAt` and `expiresAt`, which come from the caller's own calendar.
 * - A call with an older token than the job's changes nothing and is told so.
 */
export interface Ledger {
  readonly capabilities: LedgerCapabilities;

  /** What is on record for these keys; the generation goes into the hash that new ids are made from. */
  findKeys(keys: readonly KeyRef[]): Promise<KeyRecord[]>;
  /** Adds jobs. A key or content on record decides in the same act whether a job is new. */
  enqueue(jobs: readonly NewJob[]): Promise<Enqueued[]>;
  /**
   * Takes up to `max` ready jobs, whose time has come first made ready. Senders take turns, within a sender its lanes, by
   * priority and weight; within a lane the oldest goes first. No job is leased twice while its lease is live; each lease
   * raises the token. A job is leased only if every limit, hold and gate of its scopes lets it go now, and takes its seat in
   * each of them in the same act; one that has to wait is not touched again before its sender's time has come.
   */
  lease(request: LeaseRequest): Promise<LeaseBatch>;
  /** Moves the end of live leases to `leaseMs` from now. A job being sent can be extended until it was swept. */
  extend(refs: readonly LeaseRef[], leaseMs: number): Promise<Extended[]>;
  /** The point of no return: permission to write the final dot. The same nonce again gets the same answer, while the job is being sent. */
  commit(refs: readonly CommitRef[]): Promise<Committed[]>;
  /** Records what came of attempts, each in one atomic act, and leases the next jobs in the same round trip. */
  settle(
    settlements: readonly Settlement[],
    next?: LeaseRequest,
  ): Promise<{ readonly settled: readonly Settled[]; readonly next?: LeaseBatch }>;
  /** Bounded clean-up any worker may run: due jobs, expired leases, doubts to send again, expired mail, old records. */
  sweep(options: SweepOptions): Promise<Swept>;

  /** Cancels what has no commit yet. */
  cancel(ids: readonly JobId[]): Promise<Canceled[]>;
  /** A decision on jobs in doubt by an agent or a person. */
  resolve(decisions: readonly Decision[]): Promise<Resolved[]>;
  /** Dead letters back to ready: attempt 0, same bytes. */
  requeue(ids: readonly JobId[], options?: DeadOptions): Promise<Requeued[]>;
  /**
   * Takes dead letters off the record for good: attempts and events with them, and with the last job of a message its bytes,
   * whatever `keepsPayloads` says. Its key is free then, one generation on, so that a repeat is a new mail with new ids.
   */
  purge(ids: readonly JobId[], options?: DeadOptions): Promise<Purged[]>;
  /** Dead letters by what they died of, the largest group first. */
  deadGroups(query: DeadGroupsQuery): Promise<DeadGroups>;

  /** What a scope may do from now on. What it did stays counted; nothing queued moves. */
  limit(changes: readonly LimitChange[]): Promise<void>;
  /** Holds scopes back at once, for a time or until lifted: nothing of theirs is leased, and a `pause` or `stop` refuses commits too. Again with the same reason replaces it. */
  hold(holds: readonly Hold[]): Promise<void>;
  /** Takes holds away and, for a sender, opens its gate; answers which were there. */
  lift(refs: readonly HoldRef[]): Promise<boolean[]>;
  /** How each scope stands: limits and what is left of them, holds, and for a sender its backlog and gate. Unknown ones are empty. */
  standing(scopes: readonly Scope[]): Promise<readonly Standing[]>;
  /** All scopes of a kind that have jobs, limits or holds, by name; at most `max` after `after`. */
  scopes(query: { readonly kind: ScopeKind; readonly after?: string; readonly max: number }): Promise<readonly Scope[]>;
  /** A worker says that it lives; one that was not heard of for `WORKER_SEEN_MS` is forgotten. */
  beat(worker: WorkerBeat): Promise<void>;
  workers(): Promise<readonly WorkerSeen[]>;

  get(ids: readonly JobId[]): Promise<(Job | undefined)[]>;
  /** Newest first. What is looked for by more than messages may fill a page only in part, or not at all, although more follows. */
  list(query: JobQuery): Promise<JobPage>;
  /** Every attempt of each job, oldest first. */
  attempts(ids: readonly JobId[]): Promise<(readonly Attempt[])[]>;
  /** The finished MIME of each message, while the ledger keeps it. */
  payloads(ids: readonly MessageId[]): Promise<(Uint8Array | undefined)[]>;
  stats(): Promise<LedgerStats>;
  /** Events after `seq`, oldest first; an event is kept as long as its job. */
  events(after: number, max: number): Promise<readonly LedgerEvent[]>;

  /** The doorbell: resolves when there may be work to lease, and after `maxMs` or when `signal` fires in any case. */
  wake(maxMs: number, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface LedgerCapabilities {
  /** For the start-up line: `sqlite ./.shoal/shoal.db (SQLite 3.53.0, WAL, synchronous=FULL)`. */
  readonly description: string;
  /** Acknowledged writes that a crash of the store itself can lose, in ms; 0 = none. Printed at start. */
  readonly lossOnCrashMs: number;
  /** Other processes can use the same ledger at the same time. */
  readonly isShared: boolean;
  /** The finished MIME stays readable after `sent`, and after the record of its jobs was dropped: no second copy is needed for `raw`. */
  readonly keepsPayloads: boolean;
}

export interface KeyRef {
  readonly tenant: TenantId;
  readonly key: string;
}
export type KeyRecord =
  /** Nothing on record, or its time is over; ids are made with this generation. */
  | { readonly kind: 'free'; readonly generation: number }
  | { readonly kind: 'taken'; readonly generation: number; readonly messageId: MessageId; readonly fingerprint: string };

export interface NewJob {
  readonly id: JobId;
  readonly kind: JobKind;
  readonly tenant: TenantId;
  readonly sender: SenderId;
  readonly lane: LaneId;
  readonly messageId: MessageId;
  readonly envelope: Envelope;
  /** The finished MIME; jobs of one message bring the same bytes, and the ledger keeps them once, by `messageId`. */
  readonly payload: Uint8Array;
  readonly onDoubt: DoubtPolicy;
  /** Epoch ms; absent means now. */
  readonly dueAt?: number;
  /** Epoch ms; not sent after it. */
  readonly expiresAt?: number;
  /** The caller's own name for this submission, within its tenant. */
  readonly key?: { readonly text: string; readonly generation: number };
  readonly priority: Priority;
  /** Whose budgets it is counted under, all or none; absent: nobody's. */
  readonly budgets?: readonly Scope[];
  /** What was asked for, as text that is equal for equal requests; compared under a key and by the guard. */
  readonly fingerprint: string;
  /** Answer with an earlier job of this tenant, lane and fingerprint that is younger than this. 0 = never. */
  readonly guardMs: number;
}

export type Enqueued =
  | { readonly kind: 'created'; readonly job: Job; readonly forecast: Forecast; readonly budgets: readonly Allowance[] }
  /** On record already, by its id, its key or its content; nothing was added. */
  | { readonly kind: 'existing'; readonly job: Job; readonly because: 'id' | 'key' | 'content' }
  /** The key stands for other content; `fingerprint` is the one on record. */
  | { readonly kind: 'conflict'; readonly messageId: MessageId; readonly fingerprint: string }
  /** The key's generation is no longer this one: ask `findKeys` again and make new ids. */
  | { readonly kind: 'stale' }
  /** A budget has no room for it now; `freeAt` is when it has, or undefined when it is larger than the whole budget. */
  | { readonly kind: 'over-budget'; readonly allowance: Allowance; readonly cost: number; readonly freeAt?: number }
  /** It has more recipients than this rule allows in a whole window, so it could never go. */
  | { readonly kind: 'over-limit'; readonly scope: Scope; readonly rule: LimitRule; readonly cost: number }
  /** One of its scopes is stopped. */
  | { readonly kind: 'stopped'; readonly hold: Hold };

export interface LeaseRequest {
  readonly worker: WorkerId;
  readonly kinds: readonly JobKind[];
  /** 1 to BATCH_MAX. */
  readonly max: number;
  readonly leaseMs: number;
  /** True: only jobs set apart. False: only the others. */
  readonly apart: boolean;
  /**
   * Given after a call that got no answer: every lease this worker knows of. Its other live leases were made by that call;
   * they come first, with their own token and a new end. So a lost answer crashes no mail.
   */
  readonly knownLeases?: readonly LeaseRef[];
}
export interface LeaseBatch {
  readonly leases: readonly Lease[];
  /** Until the next known job is due or a sender's time comes, in ms; absent when nothing waits for a time. */
  readonly askAgainMs?: number;
  /** Jobs set apart that could go now. */
  readonly apartReady: number;
}
/** The right to work on one job. The highest `token` wins. */
export interface Lease {
  readonly jobId: JobId;
  readonly token: number;
  readonly kind: JobKind;
  readonly tenant: TenantId;
  readonly sender: SenderId;
  readonly lane: LaneId;
  readonly messageId: MessageId;
  readonly envelope: Envelope;
  readonly payload: Uint8Array;
  readonly leaseMs: number;
  readonly onDoubt: DoubtPolicy;
  /** Counted attempts before this one. */
  readonly attempts: number;
  readonly failures: Readonly<Partial<Record<FailureClass, number>>>;
  readonly resends: number;
  readonly crashes: number;
  /** Times in a row it was given back as `busy`, without a counted attempt between them. */
  readonly busyReleases: number;
  /** Since it was queued, and since the first counted failure (0 when there is none). */
  readonly ageMs: number;
  readonly failingMs: number;
  /** Until it may no longer be sent; absent when it never expires. */
  readonly expiresInMs?: number;
}
export interface LeaseRef {
  readonly jobId: JobId;
  readonly token: number;
}
export type Extended =
  | { readonly kind: 'extended' }
  | { readonly kind: 'lost'; readonly because: 'token' | 'expired' | 'canceled' | 'settled' | 'unknown' };

export interface CommitRef extends LeaseRef {
  /** Unique for each commit a worker asks for. */
  readonly nonce: string;
}
/** `lost`: another lease, a lapsed lease or an unknown job. */
export type Committed =
  | { readonly kind: 'granted' }
  | { readonly kind: 'refused'; readonly because: 'lost' | 'canceled' | 'expired' | 'settled' | 'paused' };

export interface Settlement extends LeaseRef {
  readonly outcome: Outcome;
  readonly note: string;
  readonly phase?: Phase;
  readonly reply?: Reply;
  readonly recipients?: readonly RecipientReply[];
  readonly facts?: ConnectionFacts;
  readonly effects?: readonly Effect[];
  /** The envelope's recipients that this job keeps; the others are carried on by `children`. Absent: all of them. */
  readonly keeps?: readonly string[];
  /** Jobs for the recipients this one gives up, added in the same act with this job's bytes. */
  readonly children?: readonly ChildJob[];
}
export interface ChildJob {
  readonly id: JobId;
  readonly to: readonly string[];
  readonly outcome:
    | { readonly kind: 'retry'; readonly failure: FailureClass; readonly delayMs: number }
    | { readonly kind: 'dead'; readonly reason: DeadReason }
    | { readonly kind: 'release'; readonly why: 'busy' | 'throttled'; readonly delayMs: number };
  readonly note: string;
  readonly recipients: readonly RecipientReply[];
}
export type Settled =
  | { readonly kind: 'settled'; readonly state: State }
  /** The same settle came before; nothing was changed by this one. */
  | { readonly kind: 'repeated'; readonly state: State }
  /** `uncommitted`: sent or doubt without a commit, a broken promise of the caller. */
  | { readonly kind: 'refused'; readonly because: 'lost' | 'canceled' | 'uncommitted' | 'unknown' };

export interface SweepOptions {
  /** Most jobs touched by this call. */
  readonly max: number;
  /** Wait before the n-th run apart, n from 0; the last one repeats. Jitter is the caller's. */
  readonly apartDelaysMs: readonly number[];
  /** Wait before a job in doubt under `resend`, whose worker was lost, is sent once more. */
  readonly resendMs: number;
  /** Final records older than this are dropped, but for dead ones. */
  readonly retentionMs: number;
}
export interface Swept {
  readonly madeReady: number;
  readonly crashed: number;
  readonly poisoned: number;
  readonly inDoubt: number;
  readonly resending: number;
  readonly expired: number;
  readonly dropped: number;
  /** `max` was reached: call again. */
  readonly hasMore: boolean;
}

export type Canceled = { readonly kind: 'canceled' } | { readonly kind: 'refused'; readonly because: 'too_late' | 'final' | 'unknown' };
export interface Decision {
  readonly jobId: JobId;
  readonly verdict: 'sent' | 'resend' | 'dead';
  /** Who decided and why, for the timeline. */
  readonly note: string;
}
export type Resolved =
  | { readonly kind: 'resolved'; readonly state: State }
  | { readonly kind: 'refused'; readonly because: 'not_in_doubt' | 'unknown' };
export type Requeued = { readonly kind: 'requeued' } | { readonly kind: 'refused'; readonly because: 'not_dead' | 'unknown' };

export interface JobQuery extends JobFilter {
  readonly tenant?: TenantId;
  readonly messageIds?: readonly MessageId[];
  readonly states?: readonly State[];
  /** 1 to PAGE_MAX. */
  readonly max: number;
  /** Opaque, from the page before. */
  readonly cursor?: string;
}
export interface JobPage {
  readonly jobs: readonly Job[];
  readonly cursor?: string;
}
export interface LedgerStats {
  readonly byState: Readonly<Record<State, number>>;
  /** Age of the oldest job that could run now, in ms, those that wait for a limit, hold or gate not counted; 0 when there is none. */
  readonly oldestReadyMs: number;
  /** Senders with a job that could run now. */
  readonly sendersWithBacklog: number;
  /** The ledger's clock, epoch ms. */
  readonly now: number;
}
