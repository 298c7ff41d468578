import type { Connection } from './connection.ts';
import { type Budget, type Email, emailHandle, type Forecast, type Status } from './email.ts';
import { badOption, notEmpty, onlyKnown } from './option.ts';

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
  ...['to', 'cc', 'bcc', 'replyTo', 'subject', 'text', 'html', 'inReplyTo'],
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
   * Ends the inbox: it stays readable and can no longer send.
   *
   * @example
   * await inbox.delete();
   */
  delete(): Promise<void>;
}

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
        body: bodyOf(address, mail),
        idempotencyKey: notEmpty('idempotencyKey', mail.idempotencyKey) ?? `auto_${globalThis.crypto.randomUUID()}`,
      });
      return emailHandle(connection, { ...answer, deduplicated: answer.deduplicated === true });
    },
    delete: () => deleteInbox(connection, id),
  };
}

export async function deleteInbox(connection: Connection, id: string): Promise<void> {
  await connection.json({ method: 'DELETE', path: `/v1/inboxes/${encodeURIComponent(id)}` });
}

/** `undefined` is left out by JSON; what is missing or wrong is the server's to say, in one place for all clients. */
function bodyOf(from: string, mail: Mail): unknown {
  const { to, cc, bcc, replyTo, subject, text, html, inReplyTo, onDoubt, priority, allowDuplicate } = mail;
  return {
    ...{
      from,
      to: listOf(to),
      cc: listOf(cc),
      bcc: listOf(bcc),
      replyTo,
      subject,
      text,
      html,
      inReplyTo,
      onDoubt,
      priority,
      allowDuplicate,
    },
    sendAt: timeOf('sendAt', mail.sendAt),
    expiresAt: timeOf('expiresAt', mail.expiresAt),
  };
}

function listOf(addresses: string | readonly string[] | undefined): readonly string[] | undefined {
  return typeof addresses === 'string' ? [addresses] : addresses;
}

function timeOf(name: string, time: Date | number | undefined): string | undefined {
  if (time === undefined) return undefined;
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) throw badOption(`${name} is no time`, 'Give a Date, or a number of ms since 1970.');
  return date.toISOString();
}
