import { type Connection, openConnection, type Retries } from './connection.ts';
import { type Email, type EmailRecord, emailHandle, type EmailSummary } from './email.ts';
import { type EmailFilter, emailsOn } from './emails.ts';
import { deleteInbox, type Inbox, type InboxRecord, inboxHandle } from './inbox.ts';
import { type List, listOn } from './list.ts';
import { badOption, notEmpty, onlyKnown, positiveNumber } from './option.ts';
import type { QueueRecord } from './queue.ts';
import { type Reviews, reviewsOn } from './review.ts';
import { type Senders, sendersOn } from './senders.ts';
import { type Switches, switchesOn } from './switch.ts';
import { environmentVariable } from './surroundings.ts';
import { explained, findToken, type Token } from './token.ts';
import { type Tokens, tokensOn } from './tokens.ts';

export interface ShoalOptions {
  /** The server. Default: `SHOAL_URL`, then `http://127.0.0.1:7070`. */
  readonly url?: string | undefined;
  /** Default: `SHOAL_TOKEN`, then the one kept for this URL in `~/.shoal/tokens.json`, then a new one by sign-up. */
  readonly token?: string | undefined;
  /** Instead of the global `fetch`; `engine.fetch` talks to an engine in this process, without a socket. */
  readonly fetch?: (request: Request) => Promise<Response>;
  /** Sign up when no token is found. Default true. */
  readonly signup?: boolean;
  /** Read and keep tokens in `~/.shoal/tokens.json`. Default true; false with a `fetch` and no `url`, since no URL names that server. */
  readonly persistToken?: boolean;
  readonly retries?: Retries;
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
export interface Shoal extends Reviews, Switches, Tokens {
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
  createInbox(options?: {
    readonly localPart?: string;
    readonly displayName?: string;
    /** The name of a sender; default `default`. Another one is for operators to name. */
    readonly sender?: string;
  }): Promise<Inbox>;

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
   * Emails of this account, newest first.
   *
   * @example
   * for await (const { id, subject } of mail.emails({ status: 'failed', since: Date.now() - 86_400_000 })) console.log(id, subject);
   */
  emails(filter?: EmailFilter): List<EmailSummary>;

  /**
   * How the queue stands: depth by state, each sender with what it waits for and until when, workers and rates. For the operator.
   *
   * @throws ShoalError `forbidden` with the token of an agent
   * @example
   * for (const sender of (await mail.queue()).senders) console.log(sender.name, sender.ready, sender.waiting?.because);
   */
  queue(options?: { readonly after?: string }): Promise<QueueRecord>;

  /**
   * Mail that was kept instead of being sent, newest first; empty on a server with a transport.
   *
   * @example
   * for await (const { to, subject } of mail.captured()) console.log(to, subject);
   */
  captured(): List<CapturedMail>;
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
      onlyKnown('createInbox()', options, ['localPart', 'displayName', 'sender']);
      return openInbox(options);
    },
    async createSmartInbox(options = {}) {
      onlyKnown('createSmartInbox()', options, ['name', 'org', 'preferred', 'displayName']);
      return openInbox(options);
    },
    async inboxes() {
      const { data } = await call.json<{ readonly data: readonly InboxRecord[] }>({ method: 'GET', path: '/v1/inboxes' });
      return data.map((record) => inboxHandle(call, record));
    },
    inbox: async (id) => inboxHandle(call, await call.json<InboxRecord>({ method: 'GET', path: `/v1/inboxes/${encodeURIComponent(id)}` })),
    deleteInbox: (id) => deleteInbox(call, id),
    async email(id) {
      const record = await call.json<EmailRecord>({ method: 'GET', path: `/v1/emails/${encodeURIComponent(id)}` });
      return emailHandle(call, { id: record.id, status: record.status, deduplicated: false });
    },
    emails: (filter = {}) => emailsOn(call, filter),
    async queue(options = {}) {
      onlyKnown('queue()', options, ['after']);
      const query = options.after === undefined ? '' : `?after=${encodeURIComponent(options.after)}`;
      return call.json<QueueRecord>({ method: 'GET', path: `/v1/queue${query}` });
    },
    captured: () => listOn(call, '/v1/captured'),
    ...reviewsOn(call),
    ...tokensOn(call),
    ...switchesOn(call),
  };
}
