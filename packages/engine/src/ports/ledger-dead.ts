import type { JobId, LaneId, SenderId, TenantId } from '../model/ids.ts';
import type { DeadReason, FailureClass } from '../model/outcome.ts';
import type { Reply } from '../model/reply.ts';

/** What narrows a list of jobs: all that is named has to hold, and an empty list of names holds for nothing. */
export interface JobFilter {
  readonly lanes?: readonly LaneId[];
  readonly senders?: readonly SenderId[];
  readonly reasons?: readonly DeadReason[];
  /** One of these has counted at least one failure. */
  readonly failures?: readonly FailureClass[];
  /** Of one of the recipients; lower case. */
  readonly recipientDomain?: string;
  /** Became final at this time or later, and before this one. The ledger's clock, epoch ms. */
  readonly endedSince?: number;
  readonly endedBefore?: number;
}

/** Dead jobs that died of one thing. */
export interface DeadGroup {
  readonly reason: DeadReason;
  /** The class that failed most often; absent when no failure was counted. */
  readonly failure?: FailureClass;
  /** Of the last attempt; absent when it had none, or somebody decided. */
  readonly reply?: Pick<Reply, 'code' | 'enhanced'>;
  readonly count: number;
  readonly firstAt: number;
  readonly lastAt: number;
  /** The newest of them. */
  readonly sample: JobId;
}

export interface DeadGroupsQuery extends JobFilter {
  readonly tenant?: TenantId;
  /** 1 to PAGE_MAX groups, the largest. */
  readonly max: number;
}
export interface DeadGroups {
  readonly groups: readonly DeadGroup[];
  /** Jobs in all groups, those not shown included. */
  readonly count: number;
}

/** For work on many dead letters: what died again after it began is left alone. */
export interface DeadOptions {
  /** Only jobs that died before this time; the ledger's clock. */
  readonly endedBefore?: number;
}
export type Purged = { readonly kind: 'purged' } | { readonly kind: 'refused'; readonly because: 'not_dead' | 'unknown' };
