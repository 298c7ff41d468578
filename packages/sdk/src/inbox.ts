import type { Connection } from './connection.ts';
import { type Attachment, attachmentJson } from './attachment.ts';
import { type Budget, type Email, emailHandle, type EmailSummary, type Forecast, type Status } from './email.ts';
import { type EmailFilter, emailsOn } from './emails.ts';
import { errorSaid, type ShoalError } from './error.ts';
import { autoKey } from './key.ts';
import type { List } from './list.ts';
import { notEmpty, onlyKnown } from './option.ts';
import { isoTime } from './time.ts';

/** A mail to send. `text` or `html` is needed; with `html` alone the server makes a text part. */
export interface Mail {
  readonly to: string | readonly string[];
  readonly cc?: string | readonly string[];
  readonly bcc?: string | readonly string[];
  readonly replyTo?: string;
  readonly subject: string;
  readonly text?: string;
  readonly html?: string;
  /** The Message-ID this mail answers, with its angle brackets. */
  readonly inReplyTo?: string;
  /** Headers by name, of those that a sender may set, such as `List-Unsubscribe`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly attachments?: readonly Attachment[];
  /** Not before this time; a number is epoch ms. */
  readonly sendAt?: Date | number;
  /** Not after this time; a number is epoch ms. */
  readonly expiresAt?: Date | number;
  /** When a reply was not seen after the last byte: `hold` (the server's default) asks you, `resend` sends the same bytes once more. */
  readonly onDoubt?: 'hold' | 'resend';
  /** Among the mails of its sender: `high` goes before `normal`, and that before `low`. */
  readonly priority?: 'high' | 'normal' | 'low';
  /** Your own name for this mail: the same key again is the same mail, for some days, from any process. */
  readonly idempotencyKey?: string;
  /** Send although the same content just went to the same recipients from this inbox. */
  readonly allowDuplicate?: boolean;
}

const MAIL_FIELDS = [
  ...['to', 'cc', 'bcc', 'replyTo', 'subject', 'text', 'html', 'inReplyTo', 'headers', 'attachments'],
  ...['sendAt', 'expiresAt', 'onDoubt', 'priority', 'idempotencyKey', 'allowDuplicate'],
];

/** An inbox as the server shows it. */
export interface InboxRecord {
  /** `ibx_...`; give it to `mail.inbox(id)` in another process. */
  readonly id: string;
  readonly address: string;
  readonly localPart: string;
  readonly domain: string;
  readonly displayName: string | null;
  /** False once deleted: readable, and can no longer send. */
  readonly isActive: boolean;
  /** ISO 8601. */
  readonly createdAt: string;
}

/** An address that belongs to this token. */
export interface Inbox extends InboxRecord {
  /**
   * Hands a mail to Shoal. When this resolves the mail is durable: it is sent, or shown as failed or in doubt. A retry
   * inside this call never makes a second mail.
   *
   * @throws ShoalError `body_missing`, `refused_value`, `key_reused`, `unreachable`, and of bounds `budget_used_up` (with
   * `retryAfterMs`), `recipient_not_allowed`, `sending_stopped`, `over_limit`: nothing was accepted
   * @example
   * const email = await inbox.send({ to: 'ann@example.com', subject: 'Your report', text: 'It is ready.' });
   */
  send(mail: Mail): Promise<Email>;

  /**
   * Hands up to 100 mails to Shoal in one call. Each is judged by itself: the results stand in the order of the mails, and one
   * that is refused keeps none of the others. A retry inside this call never makes a second mail.
   *
   * @throws ShoalError `refused_value`, `unreachable`: no mail was accepted
   * @example
   * const results = await inbox.sendBatch([
   *   { to: 'ann@example.com', subject: 'Your report', text: 'It is ready.' },
   *   { to: 'bob@example.com', subject: 'Your report', text: 'It is ready.' },
   * ]);
   * for (const result of results) if (!result.ok) console.error(result.error.message);
   */
  sendBatch(mails: readonly Mail[]): Promise<readonly BatchResult[]>;

  /**
   * Emails of this inbox, newest first.
   *
   * @example
   * for await (const { subject, status } of inbox.emails({ status: ['failed', 'in_doubt'] })) console.log(subject, status);
   */
  emails(filter?: Omit<EmailFilter, 'inbox'>): List<EmailSummary>;

  /**
   * Ends the inbox: it stays readable and can no longer send.
   *
   * @example
   * await inbox.delete();
   */
  delete(): Promise<void>;
}

/** What came of one mail of a batch. */
export type BatchResult = { readonly ok: true; readonly email: Email } | { readonly ok: false; readonly error: ShoalError };

interface SendAnswer {
  readonly id: string;
  readonly status: Status;
  readonly deduplicated?: boolean;
  readonly forecast?: Forecast | null;
  readonly budget?: readonly Budget[];
}

export function inboxHandle(connection: Connection, record: InboxRecord): Inbox {
  const { id, address, localPart, domain, displayName, isActive, createdAt } = record;
  return {
    ...{ id, address, localPart, domain, displayName, isActive, createdAt },
    async send(mail) {
      onlyKnown('send()', mail, MAIL_FIELDS);
      const answer = await connection.json<SendAnswer>({
        method: 'POST',
        path: '/v1/emails/send',
        body: await bodyOf(address, mail),
        idempotencyKey: notEmpty('idempotencyKey', mail.idempotencyKey) ?? autoKey(),
      });
      return sentHandle(connection, answer);
    },
    sendBatch: (mails) => sendBatch(connection, address, mails),
    emails: (filter = {}) => emailsOn(connection, { ...filter, inbox: id }),
    delete: () => deleteInbox(connection, id),
  };
}

function sentHandle(connection: Connection, answer: SendAnswer): Email {
  return emailHandle(connection, { ...answer, deduplicated: answer.deduplicated === true });
}

type BatchItem = { readonly index: number } & (
  | ({ readonly ok: true } & SendAnswer)
  | { readonly ok: false; readonly error: string; readonly status?: number; readonly retryAfterMs?: number }
);

/** One key names the whole call, and the server makes those of its mails from it: a repeat finds what was accepted. */
async function sendBatch(connection: Connection, from: string, mails: readonly Mail[]): Promise<readonly BatchResult[]> {
  const emails = await Promise.all(
    mails.map(async (mail, index) => {
      onlyKnown(`sendBatch() mails[${index}]`, mail, MAIL_FIELDS);
      return { ...(await bodyOf(from, mail)), idempotencyKey: notEmpty('idempotencyKey', mail.idempotencyKey) };
    }),
  );
  const { data } = await connection.json<{ readonly data: readonly BatchItem[] }>({
    method: 'POST',
    path: '/v1/emails/batch',
    body: { emails },
    idempotencyKey: autoKey(),
  });
  return data.map((item) =>
    item.ok
      ? { ok: true, email: sentHandle(connection, item) }
      : { ok: false, error: errorSaid(item, { status: item.status ?? 0, otherwise: `mails[${item.index}] was refused` }) },
  );
}

export async function deleteInbox(connection: Connection, id: string): Promise<void> {
  await connection.json({ method: 'DELETE', path: `/v1/inboxes/${encodeURIComponent(id)}` });
}

/** `undefined` is left out by JSON; what is missing or wrong is the server's to say, in one place for all clients. */
async function bodyOf(from: string, mail: Mail): Promise<object> {
  const { idempotencyKey, attachments, ...fields } = mail;
  return {
    ...fields,
    from,
    to: listOf(mail.to),
    cc: listOf(mail.cc),
    bcc: listOf(mail.bcc),
    attachments: attachments === undefined ? undefined : await Promise.all(attachments.map(attachmentJson)),
    sendAt: isoTime('sendAt', mail.sendAt),
    expiresAt: isoTime('expiresAt', mail.expiresAt),
  };
}

function listOf(addresses: string | readonly string[] | undefined): readonly string[] | undefined {
  return typeof addresses === 'string' ? [addresses] : addresses;
}
