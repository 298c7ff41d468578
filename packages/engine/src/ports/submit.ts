import type { MessageId, TenantId } from '../model/ids.ts';
import type { Inbox } from '../model/inbox.ts';
import type { DoubtPolicy, Job } from '../model/job.ts';
import type { Priority } from '../model/limit.ts';
import type { TokenRecord } from '../model/tenant.ts';
import type { Allowance, Forecast } from './ledger-scopes.ts';

/** A file that goes with a mail. Its content always comes along: nothing here names a file or an address to read (security S8). */
export interface AttachmentRequest {
  readonly filename: string;
  /** Base64 of RFC 4648 section 4, with its padding and in one line. */
  readonly content: string;
  /** Such as `application/pdf`; `application/octet-stream` unless said. */
  readonly contentType?: string;
  /** The HTML shows it where it says `cid:` and this. */
  readonly contentId?: string;
}

/** A request to send, as its caller wrote it: nothing in it was checked. */
export interface SubmitRequest {
  readonly tenant: TenantId;
  readonly inbox: Inbox;
  /** The token that asks; absent when the program itself does. Its caps and its policy hold besides the inbox's. */
  readonly by?: Pick<TokenRecord, 'id' | 'isStopped' | 'caps' | 'policy'>;
  readonly to: readonly string[];
  readonly cc?: readonly string[];
  readonly bcc?: readonly string[];
  readonly replyTo?: string;
  readonly subject: string;
  readonly text?: string;
  readonly html?: string;
  /** Only those that a caller may set; everything else about the header is ours. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly attachments?: readonly AttachmentRequest[];
  /** A Message-ID with its angle brackets. */
  readonly inReplyTo?: string;
  /** Epoch ms. */
  readonly sendAt?: number;
  /** Epoch ms. */
  readonly expiresAt?: number;
  readonly onDoubt?: DoubtPolicy;
  /** Among the mails of its sender; `normal` unless said. */
  readonly priority?: Priority;
  /** The caller's Idempotency-Key. One that begins with `auto_` was made by a client library for one call: it is kept over that call's retries, and the duplicate guard holds all the same. */
  readonly key?: string;
  /** Send the same content again although it was just sent. */
  readonly allowDuplicate?: boolean;
}

export interface SubmitAnswer {
  readonly messageId: MessageId;
  readonly job: Job;
  /** An earlier submission is answered; nothing new was queued. */
  readonly deduplicated: boolean;
  /** Of a new mail: when it goes, as things stand. */
  readonly forecast?: Forecast;
  /** Of a new mail: what is left of its budgets after it. */
  readonly budgets?: readonly Allowance[];
}

/**
 * The one way mail enters the program; every story sends through it.
 *
 * @throws ShoalError `refused_value` (a field that may not be sent), `body_missing`, `key_reused` (`details` names what
 * differs), `too_large`, `recipient_not_allowed`, `sending_stopped`, `budget_used_up`, `over_limit`, `ledger_unreachable`. In each case nothing
 * was stored.
 */
export interface Submit {
  submit(request: SubmitRequest): Promise<SubmitAnswer>;
}
