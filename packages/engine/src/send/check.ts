import { ShoalError } from '../model/errors.ts';
import { type LaneId, laneId } from '../model/ids.ts';
import { addressOf } from '../model/inbox.ts';
import type { DoubtPolicy } from '../model/job.ts';
import { PRIORITIES, type Priority } from '../model/limit.ts';
import {
  GIVE_UP_CEILING_MS,
  HTML_BYTES_MAX,
  IDEMPOTENCY_KEY_CHARACTERS_MAX,
  RECIPIENTS_MAX,
  SUBJECT_CHARACTERS_MAX,
  TEXT_BYTES_MAX,
} from '../model/limits.ts';
import type { SubmitRequest } from '../ports/submit.ts';
import { type Mailbox, parseMailbox } from './address.ts';
import { type CheckedAttachment, checkAttachments } from './attachments.ts';
import { type CallerHeader, checkHeaders } from './caller-headers.ts';
import { type Faults, faultOfHeaderText, refusal } from './faults.ts';

/** A request of which every field was looked at; behind this door nobody checks again. */
export interface CheckedRequest {
  readonly from: { readonly mailbox: Mailbox; readonly name?: string };
  readonly lane: LaneId;
  readonly to: readonly Mailbox[];
  readonly cc: readonly Mailbox[];
  readonly bcc: readonly Mailbox[];
  readonly replyTo?: Mailbox;
  readonly subject: string;
  readonly text?: string;
  readonly html?: string;
  readonly inReplyTo?: string;
  readonly headers: readonly CallerHeader[];
  readonly attachments: readonly CheckedAttachment[];
  readonly sendAt?: number;
  readonly expiresAt?: number;
  readonly onDoubt: DoubtPolicy;
  readonly priority: Priority;
}

/**
 * Refuses, never repairs; and names everything that is wrong at once, so that an agent needs one more try and not five.
 *
 * @param now  epoch ms of the calendar
 * @throws ShoalError `refused_value` with `details` (`to.0`: why), `body_missing`, `too_large`
 */
export function checkRequest(request: SubmitRequest, now: number): CheckedRequest {
  const faults: Faults = {};
  const checked = {
    from: checkSender(request, faults),
    to: checkMailboxes('to', request.to, faults),
    cc: checkMailboxes('cc', request.cc ?? [], faults),
    bcc: checkMailboxes('bcc', request.bcc ?? [], faults),
    replyTo: request.replyTo === undefined ? undefined : checkMailbox('replyTo', request.replyTo, faults),
    subject: checkSubject(request.subject, faults),
    text: checkBody('text', request.text, TEXT_BYTES_MAX, faults),
    html: checkBody('html', request.html, HTML_BYTES_MAX, faults),
    inReplyTo: checkMessageId(request.inReplyTo, faults),
    headers: checkHeaders(request.headers, faults),
    attachments: checkAttachments(request.attachments, request.html !== undefined, faults),
    ...checkTimes(request, now, faults),
    onDoubt: checkDoubtPolicy(request.onDoubt, faults),
    priority: checkPriority(request.priority, faults),
  };
  checkRecipientCount(checked, request, faults);
  checkKey(request.key, faults);
  checkFlag('allowDuplicate', request.allowDuplicate, faults);

  const { from, replyTo, text, html, inReplyTo, sendAt, expiresAt, ...rest } = checked;
  if (Object.keys(faults).length > 0 || from === undefined) throw refusal(faults);
  if (text === undefined && html === undefined) throw new ShoalError('body_missing', 'the mail has neither text nor html');
  return {
    ...rest,
    from,
    lane: laneId(request.inbox.id),
    ...(replyTo !== undefined && { replyTo }),
    ...(text !== undefined && { text }),
    ...(html !== undefined && { html }),
    ...(inReplyTo !== undefined && { inReplyTo }),
    ...(sendAt !== undefined && { sendAt }),
    ...(expiresAt !== undefined && { expiresAt }),
  };
}

function checkSender({ inbox }: SubmitRequest, faults: Faults): CheckedRequest['from'] | undefined {
  if (!inbox.isActive) faults['inbox'] = 'was deleted and can no longer send';
  const mailbox = checkMailbox('inbox', addressOf(inbox), faults);
  const { displayName } = inbox;
  if (displayName !== undefined) checkHeaderText('inbox.displayName', displayName, faults);
  if (mailbox === undefined) return undefined;
  return { mailbox, ...(displayName !== undefined && displayName.trim() !== '' && { name: displayName }) };
}

function checkMailbox(field: string, value: unknown, faults: Faults): Mailbox | undefined {
  const answer = parseMailbox(value);
  if (answer.kind === 'mailbox') return answer.mailbox;
  faults[field] ??= answer.why;
  return undefined;
}

function checkMailboxes(field: string, values: unknown, faults: Faults): readonly Mailbox[] {
  if (!Array.isArray(values)) {
    faults[field] = 'must be a list of addresses';
    return [];
  }
  // Counted before each is looked at: a list of a million is refused, not read.
  if (values.length > RECIPIENTS_MAX) {
    faults[field] = tooManyRecipients(values.length);
    return [];
  }
  return values.flatMap((value: unknown, index) => checkMailbox(`${field}.${index}`, value, faults) ?? []);
}

function checkRecipientCount(checked: Pick<CheckedRequest, 'to' | 'cc' | 'bcc'>, request: SubmitRequest, faults: Faults): void {
  const count = checked.to.length + checked.cc.length + checked.bcc.length;
  if (count > RECIPIENTS_MAX) faults['to'] ??= tooManyRecipients(count);
  if (Array.isArray(request.to) && request.to.length === 0) faults['to'] ??= 'is empty; a mail needs at least one recipient';
}

function tooManyRecipients(count: number): string {
  return `has ${count} recipients with cc and bcc; at most ${RECIPIENTS_MAX} fit one mail`;
}

function checkSubject(value: unknown, faults: Faults): string {
  if (typeof value !== 'string') {
    faults['subject'] = 'must be text';
    return '';
  }
  if (value.length > SUBJECT_CHARACTERS_MAX) faults['subject'] = `has more than ${SUBJECT_CHARACTERS_MAX} characters`;
  checkHeaderText('subject', value, faults);
  return value;
}

function checkHeaderText(field: string, text: string, faults: Faults): void {
  const fault = faultOfHeaderText(text);
  if (fault !== undefined) faults[field] ??= fault;
}

function checkBody(field: string, value: unknown, bytesMax: number, faults: Faults): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string') {
    faults[field] = 'must be text';
    return undefined;
  }
  if (value.length > bytesMax || Buffer.byteLength(value) > bytesMax) faults[field] = `has more than ${bytesMax} bytes`;
  else if (value.includes('\0')) faults[field] = 'has a NUL character, which no mail may hold (RFC 5321 section 4.5.2)';
  else if (/\p{Cs}/u.test(value)) faults[field] = 'has half of a surrogate pair, which is no character';
  return value.trim() === '' ? undefined : value; // blank is as good as missing: Shoal never sends an empty mail
}

const MESSAGE_ID_CHARACTERS_MAX = 900; // it can't be folded, and the line has to hold the field's name too

/** RFC 5322 section 3.6.4, without comments and quotes. */
function checkMessageId(value: unknown, faults: Faults): string | undefined {
  if (value === undefined) return undefined;
  const isMessageId = typeof value === 'string' && value.length <= MESSAGE_ID_CHARACTERS_MAX && /^<[!-;=?A-~]+@[!-;=?A-~]+>$/.test(value);
  if (isMessageId) return value;
  faults['inReplyTo'] = 'must be a Message-ID with its angle brackets, such as <abc@example.com>';
  return undefined;
}

const DAY_MS = 24 * 3_600_000;
const SEND_AHEAD_MS_MAX = 366 * DAY_MS;

function checkTimes({ sendAt, expiresAt }: SubmitRequest, now: number, faults: Faults): Pick<CheckedRequest, 'sendAt' | 'expiresAt'> {
  for (const [field, value] of Object.entries({ sendAt, expiresAt })) {
    if (value !== undefined && !Number.isSafeInteger(value)) faults[field] = 'must be a time in epoch milliseconds';
  }
  if (sendAt !== undefined && sendAt < now - DAY_MS) faults['sendAt'] ??= 'is more than a day ago; epoch milliseconds are meant';
  if (sendAt !== undefined && sendAt > now + SEND_AHEAD_MS_MAX) faults['sendAt'] ??= 'is more than a year ahead';
  const startsAt = Math.max(now, sendAt ?? now);
  if (expiresAt !== undefined && expiresAt <= now) faults['expiresAt'] ??= 'has already passed; epoch milliseconds are meant';
  if (expiresAt !== undefined && expiresAt <= startsAt) faults['expiresAt'] ??= 'comes before sendAt, so the mail could never be sent';
  if (expiresAt !== undefined && expiresAt > startsAt + GIVE_UP_CEILING_MS) {
    faults['expiresAt'] ??= 'is more than five days after the first try; longer than that no mail is tried';
  }
  return { ...(sendAt !== undefined && { sendAt }), ...(expiresAt !== undefined && { expiresAt }) };
}

function checkDoubtPolicy(value: unknown, faults: Faults): DoubtPolicy {
  if (value === undefined || value === 'hold') return 'hold';
  if (value === 'resend') return 'resend';
  faults['onDoubt'] = 'must be hold or resend';
  return 'hold';
}

function checkPriority(value: unknown, faults: Faults): Priority {
  const found = PRIORITIES.find((priority) => priority === (value ?? 'normal'));
  if (found === undefined) faults['priority'] = `must be one of ${PRIORITIES.join(', ')}`;
  return found ?? 'normal';
}

/** RFC 8941 allows more; printable ASCII survives every client, proxy and log unchanged. */
function checkKey(value: unknown, faults: Faults): void {
  if (value === undefined) return;
  if (typeof value === 'string' && value.length <= IDEMPOTENCY_KEY_CHARACTERS_MAX && /^[\x20-\x7e]+$/.test(value)) return;
  faults['key'] = `must be 1 to ${IDEMPOTENCY_KEY_CHARACTERS_MAX} printable ASCII characters`;
}

function checkFlag(field: string, value: unknown, faults: Faults): void {
  if (value !== undefined && typeof value !== 'boolean') faults[field] = 'must be true or false';
}
