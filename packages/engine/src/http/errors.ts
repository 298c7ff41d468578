import { type ErrorCode, factsOf, ShoalError } from '../model/errors.ts';
import type { Log } from '../ports/log.ts';

/** The one form of an error on the wire; `differs` names what a reused key changed. */
export interface ErrorBody {
  readonly error: ErrorCode;
  readonly message: string;
  readonly requestId: string;
  readonly retryable: boolean;
  readonly hint: string;
  readonly details?: Readonly<Record<string, string>>;
  readonly differs?: readonly string[];
}

/** No route here; the path's own routes, if there are any, are the `allow` of RFC 9110 section 10.2.1. */
export class NoSuchRoute extends ShoalError {
  readonly hint: string;
  readonly allow: readonly string[];

  constructor(message: string, facts: { readonly hint: string; readonly allow: readonly string[] }) {
    super(facts.allow.length > 0 ? 'method_not_allowed' : 'not_found', message);
    this.hint = facts.hint;
    this.allow = facts.allow;
  }
}

/** What was not foreseen is nothing a caller can read anything in. */
export function knownError(error: unknown): ShoalError {
  return error instanceof ShoalError ? error : new ShoalError('internal_error', 'something went wrong inside the server');
}

/** An error as it stands in an answer, of its own or as an item of many. */
export function errorFields(known: ShoalError): Omit<ErrorBody, 'requestId'> {
  const { retryable, hint } = factsOf(known.code);
  const fields = Object.keys(known.details);
  return {
    error: known.code,
    message: known.message,
    retryable,
    hint: known instanceof NoSuchRoute ? known.hint : hint,
    ...(fields.length === 0 ? {} : { details: known.details }),
    ...(known.code === 'key_reused' ? { differs: fields } : {}),
  };
}

/** Says what was wrong and what to do; what was not foreseen is told to the operator and not to the caller. */
export function errorAnswer(error: unknown, visit: { readonly requestId: string; readonly log: Log }): Response {
  // A full disk refuses every mail there is; the log says it once when it begins, and once when it is over.
  if (!(error instanceof ShoalError) || (error.facts.status >= 500 && error.code !== 'disk_full'))
    visit.log.error('request failed', {
      requestId: visit.requestId,
      error,
      ...(error instanceof ShoalError ? { cause: error.cause } : {}),
    });
  const known = knownError(error);
  const { status } = factsOf(known.code);
  const body: ErrorBody = { ...errorFields(known), requestId: visit.requestId };
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'x-request-id': visit.requestId,
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      ...(known.retryAfterMs === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(known.retryAfterMs / 1_000))) }),
      ...(status === 503 ? { 'retry-after': '1' } : {}),
      ...(status === 507 ? { 'retry-after': '10' } : {}),
      ...(known instanceof NoSuchRoute && known.allow.length > 0 ? { allow: known.allow.join(', ') } : {}),
    },
  });
}
