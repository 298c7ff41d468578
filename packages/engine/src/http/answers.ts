/** Answers of `/v1` as JSON: LobsterMail's shapes, and what is ours besides. Times are ISO 8601 in UTC, absent values null. */
import type { CapturedEmail } from '../api/captured.ts';
import type { Email, SentEmail, WholeEmail } from '../api/emails.ts';
import type { JobForReview, JobStory } from '../api/jobs.ts';
import { addressOf, type Inbox } from '../model/inbox.ts';
import type { Attempt, Job } from '../model/job.ts';
import type { Attachment } from '../model/message.ts';
import { PREVIEW_CHARACTERS } from '../model/limits.ts';
import type { RecipientReply } from '../model/reply.ts';
import { iso, isoOrNull } from './iso.ts';
import { budgetJson, forecastJson, waitJson } from './standing-json.ts';

type Json = Readonly<Record<string, unknown>>;

/** What every account may do here; part of several of LobsterMail's answers. */
export const ACCOUNT_TERMS = { tier: 4, tierName: 'scale', limits: { maxInboxes: null, dailyEmailLimit: null, canSend: true } } as const;

export function inboxJson(inbox: Inbox): Json {
  return {
    id: inbox.id,
    address: addressOf(inbox),
    localPart: inbox.localPart,
    domain: inbox.domain,
    displayName: inbox.displayName ?? null,
    sender: inbox.sender,
    isActive: inbox.isActive,
    emailCount: 0, // received ones; this version does not receive
    createdAt: iso(inbox.createdAt),
    lastEmailAt: null,
    expiresAt: null,
    caps: inbox.caps ?? null,
    policy: inbox.policy ?? null,
  };
}

/** In a list: the text is cut to a preview, and `body` is null and never absent, since clients fetch the whole only then. */
export function emailJson(email: Email): Json {
  const { message, status } = email;
  return {
    id: message.id,
    inboxId: message.inbox,
    direction: 'outbound',
    messageId: message.messageIdHeader,
    from: message.from,
    to: message.to,
    cc: message.cc.length === 0 ? null : message.cc,
    bcc: message.bcc.length === 0 ? null : message.bcc,
    replyTo: message.replyTo ?? null,
    subject: message.subject,
    preview: (message.text ?? '').slice(0, PREVIEW_CHARACTERS),
    body: null,
    isRead: true,
    hasAttachments: (message.attachments ?? []).length > 0,
    attachments: (message.attachments ?? []).map(attachmentJson),
    threadId: null,
    sizeBytes: message.sizeBytes,
    security: { injectionRiskScore: 0, flags: [], spf: null, dkim: null, dmarc: null },
    status,
    onDoubt: message.onDoubt,
    createdAt: iso(message.createdAt),
    receivedAt: null,
  };
}

export function wholeEmailJson(email: WholeEmail): Json {
  const { message } = email;
  return {
    ...emailJson(email),
    body: message.text ?? message.html ?? '',
    text: message.text ?? null,
    html: message.html ?? null,
    headers: message.headers ?? {},
    waiting: waitJson(email.wait),
    jobs: email.stories.map(storyJson),
  };
}

export function sentEmailJson(sent: SentEmail): Json {
  return {
    id: sent.messageId,
    status: sent.status,
    deduplicated: sent.deduplicated,
    messageId: sent.messageIdHeader ?? null,
    jobId: sent.job.id,
    createdAt: iso(sent.job.createdAt),
    dueAt: iso(sent.job.dueAt),
    expiresAt: isoOrNull(sent.job.expiresAt),
    priority: sent.job.priority,
    forecast: sent.forecast === undefined ? null : forecastJson(sent.forecast),
    budget: (sent.budgets ?? []).map(budgetJson),
  };
}

/** `s3Key` is what LobsterMail's clients call a file by; the path of ours ends in `index`. */
function attachmentJson({ filename, contentType, sizeBytes, contentId }: Attachment, index: number): Json {
  return { index, filename, contentType, sizeBytes, contentId: contentId ?? null, s3Key: `att_${index}` };
}

function storyJson({ job, attempts }: JobStory): Json {
  return { ...jobJson(job), attempts: attempts.map(attemptJson) };
}

/** A dead letter or a doubt: the job with its story, and enough of the mail to know it by. */
export function reviewJson({ message, ...story }: JobForReview): Json {
  return {
    ...storyJson(story),
    emailId: story.job.messageId,
    inboxId: message?.inbox ?? null,
    from: message?.from ?? story.job.envelope.from,
    subject: message?.subject ?? null,
    messageId: message?.messageIdHeader ?? null,
  };
}

export function capturedJson({ mail, message }: CapturedEmail): Json {
  return {
    emailId: mail.messageId,
    inboxId: message.inbox,
    from: message.from,
    to: mail.to,
    subject: message.subject,
    messageId: message.messageIdHeader,
    sizeBytes: mail.sizeBytes,
    capturedAt: iso(mail.at),
    raw: `/v1/emails/${mail.messageId}/raw`,
  };
}

/** A page of a list. Some clients read the cursor at the top, others inside `pagination`. */
export function pageJson(items: readonly Json[], cursor: string | undefined): Json {
  return { data: items, pagination: { cursor: cursor ?? null, hasMore: cursor !== undefined }, cursor: cursor ?? null };
}

function jobJson(job: Job): Json {
  return {
    id: job.id,
    state: job.state,
    reason: job.reason ?? null,
    doubt: job.doubt ?? null,
    recipients: job.envelope.to,
    sender: job.sender,
    attemptsCounted: job.attempts,
    failures: job.failures,
    crashes: job.crashes,
    resends: job.resends,
    onDoubt: job.onDoubt,
    priority: job.priority,
    parentId: job.parentId ?? null,
    createdAt: iso(job.createdAt),
    dueAt: iso(job.dueAt),
    expiresAt: isoOrNull(job.expiresAt),
    finishedAt: isoOrNull(job.finishedAt),
  };
}

function attemptJson(attempt: Attempt): Json {
  return {
    number: attempt.token,
    startedAt: iso(attempt.startedAt),
    endedAt: iso(attempt.endedAt),
    end: attempt.end,
    counted: attempt.counted,
    phase: attempt.phase ?? null,
    reply: attempt.reply ?? null,
    recipients: attempt.recipients?.map(recipientJson) ?? null,
    note: attempt.note,
    connection: attempt.facts ?? null,
  };
}

function recipientJson({ address, reply }: RecipientReply): Json {
  return { address, reply };
}
