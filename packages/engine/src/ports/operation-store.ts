import type { JobId, OperationId, TenantId } from '../model/ids.ts';
import type { JobFilter } from './ledger-dead.ts';

/** Work on many jobs at once, and how far it is. It is worked on in slices; what a slice is about is written down before it begins. */
export interface Operation {
  readonly id: OperationId;
  readonly tenant: TenantId;
  readonly kind: 'requeue' | 'purge';
  /** With `endedBefore` set: what dies later is none of its business. */
  readonly filter: JobFilter;
  readonly status: 'running' | 'done';
  /** Jobs that the filter met when it began. */
  readonly matched: number;
  readonly done: number;
  /** Jobs that were no longer dead when their turn came. */
  readonly failed: number;
  /** Epoch ms of the calendar. */
  readonly createdAt: number;
  readonly endedAt?: number;
  /** The slice under way: after a crash those of it that are done already count as done. */
  readonly slice: readonly JobId[];
  /** Where the slice after it begins; absent: at the newest, or nowhere once `isLastSlice`. */
  readonly cursor?: string;
  readonly isLastSlice: boolean;
}

export interface OperationStore {
  /** With a key on record the one under it; `fingerprint` says whether it is for the same. */
  addOperation(
    operation: Operation,
    key?: { readonly text: string; readonly fingerprint: string },
  ): Promise<{ readonly operation: Operation; readonly fingerprint?: string }>;
  getOperation(tenant: TenantId, id: OperationId): Promise<Operation | undefined>;
  /** The oldest one that runs and that nobody holds, or whose holder was not heard of for `leaseMs`; it is `owner`'s then. */
  takeOperation(owner: string, leaseMs: number): Promise<Operation | undefined>;
  /** False when it is no longer `owner`'s: nothing was written, and its next holder goes on from what is on record. */
  saveOperation(operation: Operation, owner: string, leaseMs: number): Promise<boolean>;
}
