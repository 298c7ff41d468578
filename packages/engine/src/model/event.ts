import type { JobId, MessageId, TenantId } from './ids.ts';
import type { State } from './job.ts';

/** Something a ledger did to a job. Numbered without gaps a reader could miss; trimmed only behind its readers. */
export interface LedgerEvent {
  readonly seq: number;
  readonly at: number;
  readonly jobId: JobId;
  readonly messageId: MessageId;
  readonly tenant: TenantId;
  readonly kind: EventKind;
  /** The job's state after it. */
  readonly state: State;
}

export type EventKind =
  | 'queued'
  | 'sent'
  | 'retrying'
  | 'released'
  | 'crashed'
  | 'in_doubt'
  | 'resending'
  | 'resolved'
  | 'dead'
  | 'requeued'
  | 'canceled';
