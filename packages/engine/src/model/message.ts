import type { InboxId, MessageId, TenantId } from './ids.ts';
import type { DoubtPolicy } from './job.ts';

/** What was submitted, as a caller reads it back. The finished MIME stands apart, as bytes. */
export interface Message {
  readonly id: MessageId;
  readonly tenant: TenantId;
  readonly inbox: InboxId;
  /** The Message-ID header, with its angle brackets; fixed at submit and the same on every attempt (RFC 5322 section 3.6.4). */
  readonly messageIdHeader: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly cc: readonly string[];
  readonly bcc: readonly string[];
  readonly replyTo?: string;
  readonly subject: string;
  readonly text?: string;
  readonly html?: string;
  readonly onDoubt: DoubtPolicy;
  /** Of the finished MIME. */
  readonly sizeBytes: number;
  /** Epoch ms. */
  readonly createdAt: number;
  /** How it ended; there once the ledger has dropped the record of it. */
  readonly ended?: 'sent' | 'canceled';
}
