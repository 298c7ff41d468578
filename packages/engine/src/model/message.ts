import type { InboxId, MessageId, TenantId } from './ids.ts';
import type { DoubtPolicy } from './job.ts';

/** A file that went with a mail: what it is, and where its bytes stand in the finished MIME. They are kept there alone. */
export interface Attachment {
  readonly filename: string;
  readonly contentType: string;
  /** Decoded. */
  readonly sizeBytes: number;
  /** Without angle brackets: what the HTML calls it by, as `cid:`. */
  readonly contentId?: string;
  /** Of its base64 within the finished MIME. */
  readonly encoded: { readonly fromByte: number; readonly bytes: number };
}

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
  /** Those the caller set, as they were written. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly attachments?: readonly Attachment[];
  readonly onDoubt: DoubtPolicy;
  /** Of the finished MIME. */
  readonly sizeBytes: number;
  /** Epoch ms. */
  readonly createdAt: number;
  /** How it ended; there once the ledger has dropped the record of it. */
  readonly ended?: 'sent' | 'canceled' | 'dead';
}
