import type { Allowance } from './allowance.ts';
import type { Connection } from './connection.ts';
import { ShoalError } from './error.ts';
import { onlyKnown, positiveNumber } from './option.ts';
import { until } from './until.ts';

/**
 * `queued`: accepted and durable. `sending`: the last byte may be on the wire. `sent`: the next mail server took it.
 * `in_doubt`: that server may or may not have taken it, and it is not sent twice by guess. `failed`: given up.
 */
export type Status = 'queued' | 'sending' | 'in_doubt' | 'sent' | 'failed' | 'canceled';

/** One attempt to send, as the server recorded it. */
export interface Attempt {
  /** ISO 8601. */
  readonly startedAt: string;
  readonly endedAt: string;
  /** `sent`, `retry`, `dead`, `doubt`, `release`, `crash` or `worker-lost`. */
  readonly end: string;
  /** One sentence for a person: what happened and what comes next. */
  readonly note: string;
  /** What the mail server said. Foreign text. */
  readonly reply?: { readonly code: number; readonly enhanced?: string | null; readonly text: string } | null;
}

/** When a mail goes as things stand: others may come first, and a mail server may slow us down, so it is no promise. */
export interface Forecast {
  /** ISO 8601; null when it waits for a person. */
  readonly at: string | null;
  /** `limit`, `pace`, `connections`, `due`, `pause`, `stop`, `account`, `blocked`, `throttled` or `failing`; null: nothing is in its way. */
  readonly kind: string | null;
  /** The same for a person. */
  readonly because: string | null;
  /** Mails of the same sender that go before it. */
  readonly ahead: number;
}

/** One cap, and what is left of it after this mail. */
export interface Budget extends Allowance {
  /** The id of the token or the inbox that has the cap. */
  readonly of: string;
}

/** A file of an email, without its bytes. */
export interface AttachmentRecord {
  readonly filename: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  readonly contentId?: string | null;
}

/** An email as a list shows it. */
export interface EmailSummary {
  readonly id: string;
  readonly inboxId: string;
  readonly status: Status;
  /** The Message-ID header, with its angle brackets; the same on every attempt. */
  readonly messageId: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly cc: readonly string[] | null;
  readonly bcc: readonly string[] | null;
  readonly subject: string;
  /** The first characters of its text. */
  readonly preview: string;
  readonly attachments: readonly AttachmentRecord[];
  /** As sent. */
  readonly sizeBytes: number;
  /** ISO 8601. */
  readonly createdAt: string;
}

/** An email as the server knows it now. */
export interface EmailRecord extends EmailSummary {
  readonly text: string | null;
  readonly html: string | null;
  /** What a queued mail waits for the longest, and until when (ISO 8601); null when nothing is in its way. */
  readonly waiting: Omit<Forecast, 'ahead'> | null;
  /** One for each envelope: where a server refused some recipients for now, the rest has a job of its own. None some days after its end. */
  readonly jobs: readonly JobRecord[];
}

/** The work on one envelope of an email, with every attempt, oldest first. */
export interface JobRecord {
  readonly id: string;
  /** `scheduled`, `ready`, `leased`, `sending`, `in_doubt`, `sent`, `dead` or `canceled`. */
  readonly state: string;
  /** Why it is dead: `permanent`, `expired`, `exhausted`, `poison` or `decided`. */
  readonly reason: string | null;
  /** Why it is in doubt: `cut`, `timeout`, `malformed` or `worker-lost`. */
  readonly doubt: string | null;
  readonly recipients: readonly string[];
  /** ISO 8601. */
  readonly createdAt: string;
  /** When it may run next; ISO 8601. */
  readonly dueAt: string;
  readonly attempts: readonly Attempt[];
}

export interface WaitOptions {
  /** Give up waiting after this long, in ms; the mail goes on all the same. Default 60,000. */
  readonly timeoutMs?: number;
  /** Give up waiting when this fires. */
  readonly signal?: AbortSignal;
}

/** A mail that was handed to Shoal. */
export interface Email {
  /** `eml_...`; give it to `mail.email(id)` in another process. */
  readonly id: string;
  /** As last seen; `refresh()` asks again. */
  readonly status: Status;
  /** True when the same mail had been accepted before and nothing new was queued. */
  readonly deduplicated: boolean;
  /** Of a mail that `send()` just queued: when it goes. */
  readonly forecast: Forecast | null;
  /** Of a mail that `send()` just queued: what is left of each cap it counts under. */
  readonly budget: readonly Budget[];

  /**
   * Asks for the email as it is now.
   *
   * @throws ShoalError `not_found`
   * @example
   * const { status, jobs } = await email.refresh();
   */
  refresh(): Promise<EmailRecord>;

  /**
   * Waits until the next mail server has taken the mail.
   *
   * @returns `sent`
   * @throws ShoalError `mail_failed`, `mail_in_doubt`, `mail_canceled`: how it ended instead; `timeout`: it has not ended
   * @example
   * await email.waitUntilSent({ timeoutMs: 30_000 });
   */
  waitUntilSent(options?: WaitOptions): Promise<'sent'>;

  /**
   * Stops the mail if it is not too late.
   *
   * @throws ShoalError `too_late` when its last byte may be on the wire, `wrong_state` when it had ended
   * @example
   * await email.cancel();
   */
  cancel(): Promise<void>;

  /**
   * The bytes that go, or went, on the wire.
   *
   * @example
   * const source = new TextDecoder().decode(await email.raw());
   */
  raw(): Promise<Uint8Array>;
}

export interface Known {
  readonly id: string;
  readonly status: Status;
  readonly deduplicated: boolean;
  readonly forecast?: Forecast | null | undefined;
  readonly budget?: readonly Budget[] | undefined;
}

export function emailHandle(connection: Connection, known: Known): Email {
  const path = `/v1/emails/${encodeURIComponent(known.id)}`;
  let status = known.status;
  const read = async (signal?: AbortSignal): Promise<EmailRecord> => {
    const record = await connection.json<EmailRecord>({ method: 'GET', path, signal });
    status = record.status;
    return record;
  };
  return {
    id: known.id,
    get status() {
      return status;
    },
    deduplicated: known.deduplicated,
    forecast: known.forecast ?? null,
    budget: known.budget ?? [],
    refresh: () => read(),
    async waitUntilSent(options = {}) {
      onlyKnown('waitUntilSent()', options, ['timeoutMs', 'signal']);
      const timeoutMs = positiveNumber('timeoutMs', options.timeoutMs, 60_000);
      return until({
        look: async (signal) => ended(await read(signal)),
        timeoutMs,
        tooLate: () => stillWaiting(known.id, timeoutMs),
        signal: options.signal,
      });
    },
    async cancel() {
      const answer = await connection.json<{ readonly status: Status }>({ method: 'POST', path: `${path}/cancel` });
      status = answer.status;
    },
    raw: () => connection.bytes({ method: 'GET', path: `${path}/raw` }),
  };
}

function ended(record: EmailRecord): 'sent' | undefined {
  const end = endOf(record);
  if (end !== undefined) throw end;
  return record.status === 'sent' ? 'sent' : undefined;
}

function endOf(record: EmailRecord): ShoalError | undefined {
  const lastNote = record.jobs.flatMap((job) => job.attempts).at(-1)?.note;
  const because = lastNote === undefined ? '' : `: ${lastNote}`;
  const details = { id: record.id, status: record.status };
  switch (record.status) {
    case 'failed':
      return new ShoalError({
        code: 'mail_failed',
        message: `${record.id} was given up${because}`,
        hint: '`refresh()` shows every attempt; `mail.requeue(id)` tries again with the same Message-ID.',
        details,
      });
    case 'in_doubt':
      return new ShoalError({
        code: 'mail_in_doubt',
        message: `${record.id} may or may not have arrived${because}`,
        hint: 'It is not sent again by itself. Find out whether it arrived, then `mail.resolveDoubt(id, "sent" | "resend" | "dead")`.',
        details,
      });
    case 'canceled':
      return new ShoalError({ code: 'mail_canceled', message: `${record.id} was canceled`, details });
    default:
      return undefined; // still under way, or a status newer than this library
  }
}

function stillWaiting(id: string, timeoutMs: number): ShoalError {
  return new ShoalError({
    code: 'timeout',
    message: `${id} was not sent within ${timeoutMs} ms`,
    retryable: true,
    hint: 'The mail is safe and goes on by itself; wait again, or look at `refresh()` for what holds it up.',
    details: { id },
  });
}
