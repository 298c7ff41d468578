import { type Connection, openConnection, type Retries } from './connection.ts';
import { type Email, type EmailRecord, emailHandle, type JobRecord } from './email.ts';
import { deleteInbox, type Inbox, type InboxRecord, inboxHandle } from './inbox.ts';
import { badOption, notEmpty, onlyKnown, positiveNumber } from './option.ts';
import type { QueueRecord } from './queue.ts';
import { type Senders, sendersOn } from './senders.ts';
import { type Switches, switchesOn } from './switch.ts';
import { environmentVariable } from './surroundings.ts';
import { explained, findToken, type Token } from './token.ts';

export interface ShoalOptions {
  /** The server. Default: `SHOAL_URL`, then `http://127.0.0.1:7070`. */
  readonly url?: string;
  /** Default: `SHOAL_TOKEN`, then the one kept for this URL in `~/.shoal/tokens.json`, then a new one by sign-up. */
  readonly token?: string;
  /** Instead of the global `fetch`; `engine.fetch` talks to an engine in this process, without a socket. */
  readonly fetch?: (request: Request) => Promise<Response>;
  /** Sign up when no token is found. Default true. */
  readonly signup?: boolean;
  /** Read and keep tokens in `~/.shoal/tokens.json`. Default true; false with a `fetch` and no `url`, since no URL names that server. */
  readonly persistToken?: boolean;
  readonly retries?: Retries;
}

/** A job that somebody has to look at: given up (`deadLetters`) or in doubt (`doubts`), with what its mail is known by. */
export interface JobForReview extends JobRecord {
  /** Of the job; `requeue` and `resolveDoubt` take it, and take the email's id for all of its jobs. */
  readonly id: string;
  readonly emailId: string;
  readonly inboxId: string | null;
  readonly from: string;
  readonly subject: string | null;
}

/** Mail that the server kept instead of sending it, because no transport is configured. `(await mail.email(emailId)).raw()` reads it. */
export interface CapturedMail {
  readonly emailId: string;
  readonly inboxId: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  /** ISO 8601. */
  readonly capturedAt: string;
  readonly sizeBytes: number;
}

/** A client of one server, with one token. */
export interface Shoal extends Switches {
  /** The server it talks to. */
  readonly url: string;

  /** What mail leaves by; for operators. */
  readonly senders: Senders;

  /**
   * The token it uses: a secret. Keep it yourself where there is no home folder to keep it in.
   *
   * @example
   * const again = await Shoal.create({ token: mail.token() });
   */
  token(): string | undefined;

  /**
   * Opens an inbox under a local part of your choice, or under a random one.
   *
   * @throws ShoalError `address_collision` when the local part is taken, `refused_value` when it may not be used
   * @example
   * const inbox = await mail.createInbox({ localPart: 'billing-bot', displayName: 'Billing' });
   */
  createInbox(options?: { readonly localPart?: string; readonly displayName?: string }): Promise<Inbox>;

  /**
   * Opens an inbox under the first free form of a name; always finds one, also when many agents ask at once.
   *
   * @example
   * const inbox = await mail.createSmartInbox({ name: 'Sarah Shield', org: 'Palisade' }); // sarah-shield@...
   */
  createSmartInbox(options?: {
    readonly name?: string;
    readonly org?: string;
    /** Local parts to try first. */
    readonly preferred?: readonly string[];
    readonly displayName?: string;
  }): Promise<Inbox>;

  /**
   * All active inboxes of this token.
   *
   * @example
   * for (const inbox of await mail.inboxes()) console.log(inbox.address);
   */
  inboxes(): Promise<readonly Inbox[]>;

  /**
   * One inbox, by id or address.
   *
   * @throws ShoalError `not_found`
   * @example
   * const inbox = await mail.inbox('outreach-worker@shoal.localhost');
   */
  inbox(idOrAddress: string): Promise<Inbox>;

  /**
   * Ends an inbox: it stays readable and can no longer send.
   *
   * @throws ShoalError `not_found`
   * @example
   * await mail.deleteInbox(inbox.id);
   */
  deleteInbox(id: string): Promise<void>;

  /**
   * A mail that was sent before, also by another process.
   *
   * @throws ShoalError `not_found`
   * @example
   * const email = await mail.email(id);
   * console.log(email.status);
   */
  email(id: string): Promise<Email>;

  /**
   * How the queue stands: depth by state, each sender with what it waits for and until when, workers and rates. For the operator.
   *
   * @throws ShoalError `forbidden` with the token of an agent
   * @example
   * for (const sender of (await mail.queue()).senders) console.log(sender.name, sender.ready, sender.waiting?.because);
   */
  queue(options?: { readonly after?: string }): Promise<QueueRecord>;

  /**
   * Mail that was given up, newest first.
   *
   * @example
   * for (const dead of await mail.deadLetters()) console.log(dead.subject, dead.reason);
   */
  deadLetters(): Promise<readonly JobForReview[]>;

  /**
   * Tries a dead mail again: attempt 0, the same bytes, the same Message-ID.
   *
   * @throws ShoalError `not_found`, `wrong_state` when it is not dead
   * @example
   * await mail.requeue(dead.id);
   */
  requeue(id: string): Promise<void>;

  /**
   * Mail whose last byte was sent and whose reply was not seen, newest first.
   *
   * @example
   * for (const doubt of await mail.doubts()) console.log(doubt.recipients, doubt.subject);
   */
  doubts(): Promise<readonly JobForReview[]>;

  /**
   * Decides a doubt: it did arrive (`sent`), send it once more (`resend`), or it did not and shall not (`dead`).
   *
   * @throws ShoalError `not_found`, `wrong_state` when it is not in doubt
   * @example
   * await mail.resolveDoubt(doubt.id, 'sent', { note: 'the recipient confirmed it' });
   */
  resolveDoubt(id: string, verdict: 'sent' | 'resend' | 'dead', options?: { readonly note?: string }): Promise<void>;

  /**
   * Mail that was kept instead of being sent, newest first; empty on a server with a transport.
   *
   * @example
   * const [newest] = await mail.captured();
   */
  captured(): Promise<readonly CapturedMail[]>;
}

/**
 * Where everything begins: `Shoal.create()` finds the server and the token, or signs up for one.
 *
 * @example
 * const mail = await Shoal.create();
 * const inbox = await mail.createSmartInbox({ name: 'outreach-worker' });
 * await inbox.send({ to: 'recipient@example.com', subject: 'Hello', text: 'Here are the details.' });
 */
export const Shoal: {
  /** @throws ShoalError `unreachable`, `signup_closed`, `bad_option`, `token_file` */
  create(options?: ShoalOptions): Promise<Shoal>;
} = {
  async create(options = {}) {
    onlyKnown('Shoal.create()', options, ['url', 'token', 'fetch', 'signup', 'persistToken', 'retries']);
    const url = serverUrl(options);
    const settings = { url, fetch: options.fetch ?? ((request: Request) => fetch(request)), retries: retriesOf(options.retries) };
    const token = await findToken(options, openConnection({ ...settings, token: undefined }));
    return client(openConnection({ ...settings, token: token?.text }), token);
  },
};

function serverUrl(options: ShoalOptions): string {
  const [said, written] =
    options.url === undefined && options.fetch === undefined ? ['SHOAL_URL', environmentVariable('SHOAL_URL')] : ['url', options.url];
  const url = notEmpty(said, written) ?? 'http://127.0.0.1:7070';
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const isHttp = parsed?.protocol === 'http:' || parsed?.protocol === 'https:';
  if (parsed === undefined || !isHttp || parsed.username !== '' || parsed.search !== '' || parsed.hash !== '')
    throw badOption(`${said} is not the URL of a server`, 'Write it like http://127.0.0.1:7070, without user, query or fragment.');
  return `${parsed.origin}${parsed.pathname.replace(/\/+$/, '')}`;
}

const ENDLESS_TRIES = 20;

function retriesOf(given: Retries = {}): Required<Retries> {
  onlyKnown('retries', given, ['triesMax', 'tryMs', 'totalMs']);
  const triesMax = positiveNumber('retries.triesMax', given.triesMax, 4);
  if (!Number.isInteger(triesMax) || triesMax > ENDLESS_TRIES)
    throw badOption(`retries.triesMax must be a whole number from 1 to ${ENDLESS_TRIES}`, '1 means no retry.');
  return {
    triesMax,
    tryMs: positiveNumber('retries.tryMs', given.tryMs, 30_000),
    totalMs: positiveNumber('retries.totalMs', given.totalMs, 90_000),
  };
}

function client(connection: Connection, token: Token | undefined): Shoal {
  const call = explained(connection, token);
  const openInbox = async (wishes: object): Promise<Inbox> =>
    inboxHandle(call, await call.json<InboxRecord>({ method: 'POST', path: '/v1/inboxes', body: wishes }));
  return {
    url: connection.url,
    senders: sendersOn(call),
    token: () => token?.text,
    async createInbox(options = {}) {
      onlyKnown('createInbox()', options, ['localPart', 'displayName']);
      return openInbox(options);
    },
    async createSmartInbox(options = {}) {
      onlyKnown('createSmartInbox()', options, ['name', 'org', 'preferred', 'displayName']);
      return openInbox(options);
    },
    async inboxes() {
      const { data } = await call.json<Page<InboxRecord>>({ method: 'GET', path: '/v1/inboxes' });
      return data.map((record) => inboxHandle(call, record));
    },
    inbox: async (id) => inboxHandle(call, await call.json<InboxRecord>({ method: 'GET', path: `/v1/inboxes/${encodeURIComponent(id)}` })),
    deleteInbox: (id) => deleteInbox(call, id),
    async email(id) {
      const record = await call.json<EmailRecord>({ method: 'GET', path: `/v1/emails/${encodeURIComponent(id)}` });
      return emailHandle(call, { id: record.id, status: record.status, deduplicated: false });
    },
    async queue(options = {}) {
      onlyKnown('queue()', options, ['after']);
      const query = options.after === undefined ? '' : `?after=${encodeURIComponent(options.after)}`;
      return call.json<QueueRecord>({ method: 'GET', path: `/v1/queue${query}` });
    },
    deadLetters: () => allPages<JobForReview>(call, '/v1/dead-letters'),
    async requeue(id) {
      await call.json({ method: 'POST', path: `/v1/dead-letters/${encodeURIComponent(id)}/requeue` });
    },
    doubts: () => allPages<JobForReview>(call, '/v1/doubts'),
    async resolveDoubt(id, verdict, options = {}) {
      onlyKnown('resolveDoubt()', options, ['note']);
      await call.json({ method: 'POST', path: `/v1/doubts/${encodeURIComponent(id)}/resolve`, body: { verdict, ...options } });
    },
    captured: () => allPages<CapturedMail>(call, '/v1/captured'),
    ...switchesOn(call),
  };
}

interface Page<Item> {
  readonly data: readonly Item[];
  readonly cursor?: string | null;
}

/** A thousand answers are for a person to look at; more is for a program, page by page over HTTP. */
const PAGES_MAX = 10;

async function allPages<Item>(connection: Connection, path: string): Promise<readonly Item[]> {
  const items: Item[] = [];
  let cursor: string | null | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    const query = cursor == null ? '?limit=100' : `?limit=100&cursor=${encodeURIComponent(cursor)}`;
    const page: Page<Item> = await connection.json<Page<Item>>({ method: 'GET', path: `${path}${query}` });
    items.push(...page.data);
    cursor = page.cursor;
    if (cursor == null) break;
  }
  return items;
}
