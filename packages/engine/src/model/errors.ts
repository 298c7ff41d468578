/**
 * One error class, one table of codes: the API's `{error, message, requestId, retryable, hint}`, the SDK's `code` and the
 * docs are made from it. `message` may be shown to anyone; the private reason is in `cause` and in the log.
 */
const CODES = {
  bad_request: { status: 400, retryable: false, hint: 'Fix what `details` names and send the request again.' },
  body_missing: {
    status: 400,
    retryable: false,
    hint: 'Give `text` or `html`, or the same inside `body`: Shoal never sends an empty mail.',
  },
  refused_value: { status: 422, retryable: false, hint: 'Choose another value for the field that `details` names; it also says why.' },
  unauthorized: {
    status: 401,
    retryable: false,
    hint: 'Pass the token of this server. Tokens are kept by URL in ~/.shoal/tokens.json; `POST /v1/signup` makes one.',
  },
  signup_closed: { status: 401, retryable: false, hint: 'Ask the operator for a token, or start the server with SHOAL_SIGNUP=open.' },
  forbidden: {
    status: 403,
    retryable: false,
    hint: '`message` says what is missing: an active inbox of this token, or a token with more rights.',
  },
  host_not_allowed: {
    status: 403,
    retryable: false,
    hint: 'Use 127.0.0.1 or localhost, or let the operator add the name to the public hosts of this server.',
  },
  origin_not_allowed: {
    status: 403,
    retryable: false,
    hint: 'Web pages of other sites may not talk to this server. Programs send no Origin header.',
  },
  recipient_not_allowed: {
    status: 403,
    retryable: false,
    hint: 'Nothing was stored. Leave out the recipients that `details` names, or ask the operator to let them into the policy.',
  },
  sending_stopped: {
    status: 403,
    retryable: false,
    hint: 'Nothing was stored. Somebody stopped sending on purpose; an operator can start it again.',
  },
  not_found: { status: 404, retryable: false, hint: 'Check the id, and that the token belongs to its owner.' },
  method_not_allowed: { status: 405, retryable: false, hint: 'Use one of the methods that the `Allow` header names.' },
  address_collision: {
    status: 409,
    retryable: false,
    hint: 'Choose another local part, or send `name` and let the server find a free one.',
  },
  no_such_sender: { status: 422, retryable: false, hint: 'Name a sender of this server, or leave it out for `default`.' },
  sender_exists: { status: 409, retryable: false, hint: 'Choose another name, or change the one that is there with PATCH.' },
  sender_in_config: { status: 409, retryable: false, hint: 'Change it in the configuration and restart; the API changes those it made.' },
  sender_in_use: {
    status: 409,
    retryable: false,
    hint: 'Wait until its mail has gone, or cancel it; `moveTo` gives its inboxes to another sender.',
  },
  key_reused: { status: 409, retryable: false, hint: 'Use a new Idempotency-Key for new content; `differs` names what changed.' },
  wrong_state: { status: 409, retryable: false, hint: 'The mail is no longer in a state that allows this; read its status.' },
  too_late: {
    status: 409,
    retryable: false,
    hint: 'The final dot may be on the wire. Wait for the status: it becomes sent, failed or in_doubt.',
  },
  over_limit: {
    status: 422,
    retryable: false,
    hint: 'This mail has more recipients than the limit in `details` allows in a whole window: split it.',
  },
  too_large: { status: 413, retryable: false, hint: 'Make the message smaller; the limit is in `message`.' },
  budget_used_up: {
    status: 429,
    retryable: true,
    hint: 'Nothing was stored. Repeat after `Retry-After` seconds with the same Idempotency-Key; an operator can raise the cap.',
  },
  internal_error: {
    status: 500,
    retryable: true,
    hint: 'Repeat with the same Idempotency-Key. If it fails again, the server log says why, under the requestId.',
  },
  disk_full: {
    status: 507,
    retryable: true,
    hint: 'Nothing was stored. It goes on by itself once the operator has made room; repeat with the same Idempotency-Key.',
  },
  ledger_unreachable: {
    status: 503,
    retryable: true,
    hint: 'The ledger did not answer, so nothing was acknowledged. Repeat the request; with the same Idempotency-Key it cannot make a second mail.',
  },
  shutting_down: { status: 503, retryable: true, hint: 'The server is stopping. Repeat with the same Idempotency-Key.' },
  bad_config: { status: 500, retryable: false, hint: 'Fix the option that `message` names; docs/reference/config.md lists them all.' },
  sqlite_unsafe: { status: 500, retryable: false, hint: 'Use a newer Node, install @photostructure/sqlite, or another ledger URL.' },
} as const satisfies Record<string, { status: number; retryable: boolean; hint: string }>;

export type ErrorCode = keyof typeof CODES;
export const ERROR_CODES = Object.keys(CODES) as readonly ErrorCode[];

export interface ErrorFacts {
  readonly status: number;
  readonly retryable: boolean;
  readonly hint: string;
}

/**
 * A broken promise or a refused request. Expected ends of an attempt are values (`Outcome`), not errors.
 *
 * @example
 * throw new ShoalError('not_found', 'no inbox ibx_…');
 */
export class ShoalError extends Error {
  override readonly name = 'ShoalError';
  readonly code: ErrorCode;
  /** Field or option to what is wrong with it; may be shown to anyone. */
  readonly details: Readonly<Record<string, string>>;
  /** When the same request may succeed, where that is known. */
  readonly retryAfterMs?: number;

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly details?: Readonly<Record<string, string>>; readonly retryAfterMs?: number } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
  }

  get facts(): ErrorFacts {
    return CODES[this.code];
  }
}

export function factsOf(code: ErrorCode): ErrorFacts {
  return CODES[code];
}
