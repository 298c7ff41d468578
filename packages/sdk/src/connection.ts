import { errorSaid, ShoalError } from './error.ts';
import { wait } from './surroundings.ts';

export interface Retries {
  /** Tries of one call, the first included; 1 means no retry. Default 4. */
  readonly triesMax?: number;
  /** Time for one try, in ms. Default 30,000. */
  readonly tryMs?: number;
  /** Time for a call with all its tries and pauses, in ms. Default 90,000. */
  readonly totalMs?: number;
}

export interface ConnectionOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly fetch: (request: Request) => Promise<Response>;
  readonly retries: Required<Retries>;
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Begins with `/v1/`. */
  readonly path: string;
  readonly body?: unknown;
  /** Kept over all tries, so that a repeated send is the same send. */
  readonly idempotencyKey?: string;
  /** Doing it twice is doing it once, so a lost answer may be asked for again. GET and DELETE always are, a POST with a key too. */
  readonly isRepeatable?: boolean;
  /** A server may hold the answer this long, in ms; added to the time for one try. */
  readonly heldMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** One server, one token. Every call ends within its time, with an answer or a `ShoalError`. */
export interface Connection {
  readonly url: string;
  json<Answer>(call: Call): Promise<Answer>;
  bytes(call: Call): Promise<Uint8Array>;
}

export function openConnection(options: ConnectionOptions): Connection {
  return {
    url: options.url,
    async json<Answer>(call: Call): Promise<Answer> {
      const { bytes, response } = await answered(options, call);
      const answer = parsed(bytes);
      if (answer === undefined) throw notShoal(options.url, response.status);
      return answer as Answer; // the server's promise, kept by its own schema; checked again it would only be written twice
    },
    bytes: async (call) => (await answered(options, call)).bytes,
  };
}

interface Answered {
  readonly response: Response;
  readonly bytes: Uint8Array;
}

/** Tries until there is an answer worth having, there is no sense in going on, or the time is over. */
async function answered(options: ConnectionOptions, call: Call): Promise<Answered> {
  const { triesMax, totalMs } = options.retries;
  const startedAt = Date.now();
  for (let tries = 1; ; tries++) {
    const failure = await tryOnce(options, call).catch((cause: unknown) => {
      if (call.signal?.aborted === true) throw call.signal.reason; // the caller's own word for why, not ours
      return failureOf(cause, options.url);
    });
    if (!(failure instanceof ShoalError)) return failure;
    const pauseMs = failure.retryAfterMs ?? backoffMs(tries);
    const isOver = tries >= triesMax || Date.now() - startedAt + pauseMs >= totalMs;
    if (isOver || !mayTryAgain(failure, call)) throw failure;
    await wait(pauseMs, call.signal);
  }
}

async function tryOnce(options: ConnectionOptions, call: Call): Promise<Answered> {
  const limit = new AbortController();
  const limitMs = options.retries.tryMs + (call.heldMs ?? 0);
  const timer = setTimeout(() => limit.abort(timedOut(options.url, limitMs)), limitMs);
  const stop = (): void => limit.abort(call.signal?.reason);
  if (call.signal?.aborted === true) stop();
  else call.signal?.addEventListener('abort', stop, { once: true });
  try {
    const exchange = fetched(options, call, limit.signal);
    exchange.catch(() => {}); // when the limit wins the race nobody is left to hear of this one
    const seen = await Promise.race([exchange, aborted(limit.signal)]);
    if (!seen.response.ok) throw errorOf(seen);
    return seen;
  } finally {
    clearTimeout(timer);
    call.signal?.removeEventListener('abort', stop);
  }
}

async function fetched(options: ConnectionOptions, call: Call, signal: AbortSignal): Promise<Answered> {
  const headers = new Headers({ Accept: 'application/json' });
  if (options.token !== undefined) headers.set('Authorization', `Bearer ${options.token}`);
  if (call.idempotencyKey !== undefined) headers.set('Idempotency-Key', call.idempotencyKey);
  if (call.body !== undefined) headers.set('Content-Type', 'application/json');
  const body = call.body === undefined ? null : JSON.stringify(call.body);
  // A token goes to the server it belongs to, and not wherever that server points.
  const response = await options.fetch(
    new Request(`${options.url}${call.path}`, { method: call.method, headers, body, signal, redirect: 'manual' }),
  );
  return { response, bytes: new Uint8Array(await response.arrayBuffer()) };
}

/** A `fetch` that was handed in may not heed the signal of its request; the time is over all the same. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** Whether a second try can do no harm: the call is repeatable, or the failure says that nothing was done. */
function mayTryAgain(failure: ShoalError, call: Call): boolean {
  const isRepeatable = call.isRepeatable ?? (call.method !== 'POST' || call.idempotencyKey !== undefined);
  if (failure.status === 429 || failure.status === 503 || failure.details['refusedConnection'] === true) return true;
  return isRepeatable && failure.retryable;
}

/** Full jitter under a doubling ceiling (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015). */
function backoffMs(tries: number): number {
  return Math.floor(Math.min(250 * 2 ** tries, 8_000) * Math.random());
}

function errorOf({ response, bytes }: Answered): ShoalError {
  const { status, url, headers } = response;
  return errorSaid(parsed(bytes), {
    status,
    otherwise: `HTTP ${status} from ${url === '' ? 'the server' : url}`,
    retryAfterMs: waitAskedFor(headers.get('Retry-After')),
  });
}

/** RFC 9110 section 10.2.3: seconds, or a date. */
function waitAskedFor(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

/** What `fetch` throws is a bare "fetch failed"; the reason lies in its cause. */
function failureOf(cause: unknown, url: string): ShoalError {
  if (cause instanceof ShoalError) return cause;
  const reason = codeIn(cause);
  return new ShoalError({
    code: 'unreachable',
    message: `cannot reach Shoal at ${url}${reason === undefined ? '' : ` (${reason})`}`,
    retryable: true,
    hint: 'Run `npm start` in the Shoal repository, or set SHOAL_URL to a running server.',
    details: { refusedConnection: reason === 'ECONNREFUSED' },
    cause,
  });
}

function codeIn(cause: unknown): string | undefined {
  for (let at: unknown = cause, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ('code' in at && typeof at.code === 'string') return at.code;
    if (at instanceof AggregateError && at.errors.length > 0) return codeIn(at.errors[0]);
  }
  return undefined;
}

function timedOut(url: string, limitMs: number): ShoalError {
  return new ShoalError({
    code: 'timeout',
    message: `no answer from ${url} within ${limitMs} ms`,
    retryable: true,
    hint: 'Is the server overloaded, or something between here and there? The same call with the same Idempotency-Key is safe to repeat.',
  });
}

function notShoal(url: string, status: number): ShoalError {
  return new ShoalError({
    code: 'bad_answer',
    message: `${url} answered ${status} with something that is not JSON`,
    status,
    hint: 'Is this the address of a Shoal server? Look at SHOAL_URL.',
  });
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
