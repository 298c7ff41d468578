/** What this library itself may say; the server's own codes stand in docs/reference/errors.md. */
export type ClientErrorCode =
  | 'unreachable'
  | 'timeout'
  | 'bad_answer'
  | 'bad_option'
  | 'token_file'
  | 'mail_failed'
  | 'mail_in_doubt'
  | 'mail_canceled';

export interface ShoalErrorFacts {
  readonly code: string;
  readonly message: string;
  readonly status?: number | undefined;
  readonly retryable?: boolean | undefined;
  readonly hint?: string | undefined;
  readonly requestId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/**
 * The one error this library throws. `code` is for programs, `message` says what was wrong, `hint` what to do.
 *
 * @example
 * try {
 *   await inbox.send({ to: 'ann@example.com', subject: 'Hello', text: 'Hi' });
 * } catch (error) {
 *   if (error instanceof ShoalError) console.error(`${error.code}: ${error.message} ${error.hint}`);
 * }
 */
export class ShoalError extends Error {
  override readonly name = 'ShoalError';
  /** A code of the server, such as `key_reused`, or a `ClientErrorCode`. */
  readonly code: string;
  /** The HTTP status; 0 when no answer is behind this error. */
  readonly status: number;
  /** The same call can succeed later, with nothing changed. */
  readonly retryable: boolean;
  /** What to do about it; may be empty. */
  readonly hint: string;
  /** Finds the request in the server's log; empty when no answer is behind this error. */
  readonly requestId: string;
  /** Field to what is wrong with it, or other facts of this code. */
  readonly details: Readonly<Record<string, unknown>>;
  /** When the same call may succeed, in ms from the answer on; undefined when the server did not say. */
  readonly retryAfterMs: number | undefined;

  constructor(facts: ShoalErrorFacts) {
    super(facts.message, facts.cause === undefined ? {} : { cause: facts.cause });
    this.code = facts.code;
    this.status = facts.status ?? 0;
    this.retryable = facts.retryable ?? false;
    this.hint = facts.hint ?? '';
    this.requestId = facts.requestId ?? '';
    this.details = facts.details ?? {};
    this.retryAfterMs = facts.retryAfterMs;
  }
}

const RETRYABLE_STATUS: readonly number[] = [429, 502, 503, 504];

/** The error in a body that should be `{error, message, requestId, retryable, hint}`, and may be anything. */
export function errorSaid(
  body: unknown,
  about: { readonly status: number; readonly otherwise: string; readonly retryAfterMs?: number | undefined },
): ShoalError {
  const said = typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>) : {};
  const isForeign = typeof said['error'] !== 'string';
  return new ShoalError({
    code: text(said['error']) ?? 'bad_answer',
    message: text(said['message']) ?? about.otherwise,
    status: about.status,
    retryable: typeof said['retryable'] === 'boolean' ? said['retryable'] : RETRYABLE_STATUS.includes(about.status),
    hint:
      text(said['hint']) ?? (isForeign ? 'This is no answer of Shoal: look at SHOAL_URL, and at what stands between here and there.' : ''),
    requestId: text(said['requestId']) ?? '',
    details: {
      ...(typeof said['details'] === 'object' ? said['details'] : {}),
      ...(said['differs'] === undefined ? {} : { differs: said['differs'] }),
    },
    retryAfterMs: about.retryAfterMs,
  });
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
