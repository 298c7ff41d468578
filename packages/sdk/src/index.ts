/**
 * What an agent installs: an inbox with one call, and mail that is never lost or sent twice. Runs wherever `fetch` does
 * and depends on nothing. Here belongs what a caller of a server needs; not here: queues, limits, retries of mail, which
 * are the server's.
 */
export type { Allowance } from './allowance.ts';
export type { Attachment } from './attachment.ts';
export type { Retries } from './connection.ts';
export type {
  Attempt,
  AttachmentRecord,
  Budget,
  Email,
  EmailRecord,
  EmailSummary,
  Forecast,
  JobRecord,
  Status,
  WaitOptions,
} from './email.ts';
export type { EmailFilter } from './emails.ts';
export { type ClientErrorCode, ShoalError } from './error.ts';
export type { BatchResult, Inbox, InboxRecord, Mail } from './inbox.ts';
export type { List } from './list.ts';
export type { Operation, OperationRecord } from './operation.ts';
export type { DeadLetterFilter, DeadLetterGroup, JobForReview, Reviews } from './review.ts';
export { type CapturedMail, Shoal, type ShoalOptions } from './shoal.ts';
export type { SenderLimits, SenderRecord, SenderSettings, Senders, SenderWindow } from './senders.ts';
export type { QueuedSender, QueueRecord, QueueWorker } from './queue.ts';
export type { Bounds, Cap, Caps, HoldRecord, RecipientPolicy, Switches, SwitchRecord } from './switch.ts';
export { readToken, saveToken, tokenFilePath } from './token-file.ts';
export type { NewToken, Scope, TokenRecord, Tokens } from './tokens.ts';
