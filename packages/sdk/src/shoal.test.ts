import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Shoal, ShoalError } from './index.ts';

interface Seen {
  readonly method: string;
  readonly path: string;
  readonly key: string | null;
  readonly token: string | null;
  readonly redirect: string;
  readonly body: Readonly<Record<string, unknown>> | undefined;
}
type Answer = (seen: Seen, tries: number) => Response | Promise<Response>;

const INBOX = {
  id: 'ibx_1',
  address: 'bot@shoal.localhost',
  localPart: 'bot',
  domain: 'shoal.localhost',
  displayName: null,
  isActive: true,
};

/** A server as a function: the answers of a test come first, then those of a server where all is well. */
function server(answers: Readonly<Record<string, Answer>> = {}) {
  const seen: Seen[] = [];
  const wellBehaved: Record<string, Answer> = {
    'POST /v1/signup': () => Response.json({ token: `token-${seen.length}` }, { status: 201 }),
    'POST /v1/inboxes': () => Response.json(INBOX, { status: 201 }),
    'POST /v1/emails/send': () => Response.json({ id: 'eml_1', status: 'queued', deduplicated: false }, { status: 202 }),
  };
  const fetch = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    const text = await request.text();
    const now: Seen = {
      method: request.method,
      path: pathname,
      key: request.headers.get('Idempotency-Key'),
      token: request.headers.get('Authorization'),
      redirect: request.redirect,
      body: text === '' ? undefined : JSON.parse(text),
    };
    seen.push(now);
    const route = `${now.method} ${pathname}`;
    const tries = seen.filter(({ method, path }) => `${method} ${path}` === route).length;
    const answer = answers[route] ?? wellBehaved[route];
    return answer === undefined ? Response.json({ error: 'not_found', message: 'no such path' }, { status: 404 }) : answer(now, tries);
  };
  return { fetch, seen, sends: () => seen.filter(({ path }) => path === '/v1/emails/send') };
}

async function sender(answers: Readonly<Record<string, Answer>>, retries = {}) {
  const { fetch, sends, seen } = server(answers);
  const inbox = await (await Shoal.create({ fetch, token: 't', retries })).createInbox();
  return { inbox, sends, seen };
}

const MAIL = { to: 'ann@example.com', subject: 'Hello', text: 'Hi' };
const status = (code: number, headers: Readonly<Record<string, string>> = {}) => new Response('{}', { status: code, headers });

/** What a promise comes to while the clock runs on as far as it takes. */
async function outcomeOf<T>(promise: Promise<T>): Promise<T | ShoalError> {
  const settled = promise.catch((error: unknown) => {
    if (error instanceof ShoalError) return error;
    throw error;
  });
  await vi.runAllTimersAsync();
  return settled;
}

beforeEach(async () => {
  vi.stubEnv('HOME', await mkdtemp(join(tmpdir(), 'shoal-home-')));
  vi.stubEnv('SHOAL_URL', undefined);
  vi.stubEnv('SHOAL_TOKEN', undefined);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it('sends with three lines and no configuration', async () => {
  const { fetch, seen } = server();
  vi.stubGlobal('fetch', fetch);
  const mail = await Shoal.create();
  const inbox = await mail.createSmartInbox({ name: 'outreach-worker' });
  await inbox.send({ to: 'recipient@example.com', subject: 'Follow-up on your request', text: 'Here are the details you asked for...' });
  expect(seen.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /v1/signup', 'POST /v1/inboxes', 'POST /v1/emails/send']);
  expect(seen[1]?.body).toEqual({ name: 'outreach-worker' });
  expect(seen[2]?.body).toMatchObject({ from: INBOX.address, to: ['recipient@example.com'] });
  expect(mail.url).toBe('http://127.0.0.1:7070');
});

it('signs up once for a server, and keeps the token by its URL in a file of mode 600', async () => {
  const { fetch, seen } = server();
  const first = await Shoal.create({ url: 'http://localhost:1/', fetch });
  const second = await Shoal.create({ url: 'http://localhost:1', fetch });
  expect(seen).toHaveLength(1);
  expect(second.token()).toBe(first.token());
  expect(JSON.parse(await readFile(join(process.env['HOME'] ?? '', '.shoal/tokens.json'), 'utf8'))).toEqual({
    'http://localhost:1': 'token-1',
  });
});

it('goes on with one token when two begin at once', async () => {
  const { fetch } = server();
  vi.useRealTimers();
  const clients = await Promise.all([1, 2, 3].map(() => Shoal.create({ url: 'http://localhost:1', fetch })));
  expect(new Set(clients.map((client) => client.token())).size).toBe(1);
});

it('takes the token that was handed in before the environment, and that before the file', async () => {
  const { fetch } = server();
  const url = 'http://localhost:1';
  await Shoal.create({ url, fetch });
  vi.stubEnv('SHOAL_TOKEN', 'of-environment');
  expect((await Shoal.create({ url, fetch, token: 'of-code' })).token()).toBe('of-code');
  expect((await Shoal.create({ url, fetch })).token()).toBe('of-environment');
  vi.stubEnv('SHOAL_TOKEN', undefined);
  expect((await Shoal.create({ url, fetch })).token()).toBe('token-1');
});

it('neither reads nor writes the token file for an engine in the same process', async () => {
  const { fetch } = server();
  await Shoal.create({ fetch });
  await expect(readFile(join(process.env['HOME'] ?? '', '.shoal/tokens.json'))).rejects.toThrow('ENOENT');
});

it('does not sign up when told not to, and says where to get a token', async () => {
  const { fetch, seen } = server({ 'GET /v1/inboxes': () => Response.json({ error: 'unauthorized', message: 'no' }, { status: 401 }) });
  const mail = await Shoal.create({ fetch, signup: false });
  expect(seen).toEqual([]);
  await expect(mail.inboxes()).rejects.toMatchObject({ code: 'unauthorized', hint: expect.stringContaining('SHOAL_TOKEN') });
});

it('says where a token came from that the server does not know', async () => {
  const answers = { 'GET /v1/inboxes': () => Response.json({ error: 'unauthorized', message: 'no' }, { status: 401 }) };
  const { fetch } = server(answers);
  const url = 'http://localhost:1';
  const hintOf = async (options: object): Promise<unknown> =>
    (await Shoal.create({ url, fetch, ...options }))
      .inboxes()
      .catch((error: unknown) => (error instanceof ShoalError ? error.hint : error));
  expect(await hintOf({ token: 'x' })).toContain('was passed as `token`');
  await Shoal.create({ url, fetch });
  expect(await hintOf({})).toContain('/.shoal/tokens.json');
  vi.stubEnv('SHOAL_TOKEN', 'x');
  expect(await hintOf({})).toContain('SHOAL_TOKEN');
});

it('keeps its token out of what is printed', async () => {
  const { inspect } = await import('node:util');
  const mail = await Shoal.create({ fetch: server().fetch, token: 'c4n4ry' });
  expect(inspect(mail, { depth: 9, showHidden: true }) + JSON.stringify(mail)).not.toContain('c4n4ry');
});

it.each([502, 503, 504, 429])('sends again after %i, with the same key', async (code) => {
  const { inbox, sends } = await sender({
    'POST /v1/emails/send': (_, tries) => (tries < 3 ? status(code) : Response.json({ id: 'eml_1', status: 'queued' })),
  });
  expect(await outcomeOf(inbox.send(MAIL))).toMatchObject({ id: 'eml_1', status: 'queued', deduplicated: false });
  expect(sends()).toHaveLength(3);
  expect(new Set(sends().map(({ key }) => key)).size).toBe(1);
  expect(sends()[0]?.key).toMatch(/^auto_/);
});

it('sends again after the line broke, with the same key', async () => {
  const { inbox, sends } = await sender({
    'POST /v1/emails/send': (_, tries) => {
      if (tries === 1) throw new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNRESET' }) });
      return Response.json({ id: 'eml_1', status: 'queued', deduplicated: true });
    },
  });
  expect(await outcomeOf(inbox.send(MAIL))).toMatchObject({ id: 'eml_1', deduplicated: true });
  expect(sends()[1]?.key).toBe(sends()[0]?.key);
});

it('makes a new key for each call, and uses the one that was handed in', async () => {
  const { inbox, sends } = await sender({});
  await inbox.send(MAIL);
  await inbox.send(MAIL);
  await inbox.send({ ...MAIL, idempotencyKey: 'order-1' });
  const keys = sends().map(({ key }) => key);
  expect(new Set(keys).size).toBe(3);
  expect(keys[2]).toBe('order-1');
  expect(sends()[2]?.body).not.toHaveProperty('idempotencyKey');
});

it('gives up after its tries, and says that nothing listens there', async () => {
  const { inbox, sends } = await sender({
    'POST /v1/emails/send': () => {
      throw new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) });
    },
  });
  expect(await outcomeOf(inbox.send(MAIL))).toMatchObject({
    code: 'unreachable',
    retryable: true,
    message: 'cannot reach Shoal at http://127.0.0.1:7070 (ECONNREFUSED)',
    hint: expect.stringContaining('npm start'),
  });
  expect(sends()).toHaveLength(4);
});

it('waits as long as Retry-After says', async () => {
  const startedAt = Date.now();
  const { inbox } = await sender({
    'POST /v1/emails/send': (_, tries) =>
      tries === 1 ? status(429, { 'Retry-After': '7' }) : Response.json({ id: 'eml_1', status: 'queued' }),
  });
  await outcomeOf(inbox.send(MAIL));
  expect(Date.now() - startedAt).toBe(7_000);
});

it('does not wait for a Retry-After that lies past its time', async () => {
  const { inbox, sends } = await sender({ 'POST /v1/emails/send': () => status(429, { 'Retry-After': '3600' }) });
  expect(await outcomeOf(inbox.send(MAIL))).toMatchObject({ status: 429, retryable: true });
  expect(sends()).toHaveLength(1);
});

it('gives one try only its time, also with a fetch that does not heed the signal', async () => {
  const { inbox, sends } = await sender({ 'POST /v1/emails/send': () => new Promise<Response>(() => {}) }, { tryMs: 100, triesMax: 2 });
  expect(await outcomeOf(inbox.send(MAIL))).toMatchObject({ code: 'timeout', message: expect.stringContaining('within 100 ms') });
  expect(sends()).toHaveLength(2);
});

it('does not repeat what was refused, and hands on what the server said', async () => {
  const refusal = {
    error: 'refused_value',
    message: 'to: no',
    requestId: 'req_1',
    retryable: false,
    hint: 'mend it',
    details: { to: 'no' },
  };
  const { inbox, sends } = await sender({ 'POST /v1/emails/send': () => Response.json(refusal, { status: 422 }) });
  expect(await outcomeOf(inbox.send(MAIL))).toMatchObject({
    code: 'refused_value',
    status: 422,
    requestId: 'req_1',
    hint: 'mend it',
    details: { to: 'no' },
  });
  expect(sends()).toHaveLength(1);
});

it('does not repeat a call without a key when it may have been done', async () => {
  const { fetch, seen } = server({ 'POST /v1/inboxes': () => status(504) });
  const mail = await Shoal.create({ fetch, token: 't' });
  expect(await outcomeOf(mail.createInbox())).toMatchObject({ status: 504 });
  expect(seen).toHaveLength(1);
});

it('follows no redirect with its token', async () => {
  const { fetch, seen } = server({ 'GET /v1/inboxes': () => status(302, { Location: 'http://elsewhere.example/' }) });
  const mail = await Shoal.create({ fetch, token: 't' });
  expect(await outcomeOf(mail.inboxes())).toMatchObject({ code: 'bad_answer', status: 302 });
  expect(seen.map(({ redirect }) => redirect)).toEqual(['manual']); // `fetch` itself follows, unless told not to
});

it('says that an answer is not from Shoal', async () => {
  const { fetch } = server({ 'GET /v1/inboxes': () => new Response('<html>') });
  const mail = await Shoal.create({ fetch, token: 't' });
  expect(await outcomeOf(mail.inboxes())).toMatchObject({ code: 'bad_answer', hint: expect.stringContaining('SHOAL_URL') });
});

it('refuses a misspelt field instead of sending less than was meant', async () => {
  const { inbox, sends } = await sender({});
  const misspelt: object = { ...MAIL, body: 'Hi' };
  await expect(inbox.send(misspelt as typeof MAIL)).rejects.toMatchObject({ code: 'bad_option', message: 'send() has no `body`' });
  await expect(Shoal.create({ tokn: 'x' } as object)).rejects.toMatchObject({ code: 'bad_option' });
  expect(sends()).toEqual([]);
});

it.each([{ retries: { triesMax: 0 } }, { retries: { tryMs: Number.NaN } }, { url: '' }, { url: 'localhost:7070' }, { token: '' }])(
  'never takes %j for the default',
  async (options) => {
    await expect(Shoal.create({ fetch: server().fetch, ...options })).rejects.toMatchObject({ code: 'bad_option' });
  },
);

it('writes times as ISO 8601, and lists for single addresses', async () => {
  const { inbox, sends } = await sender({});
  await inbox.send({ ...MAIL, cc: 'bob@example.com', sendAt: Date.UTC(2030, 0, 1), expiresAt: new Date('2030-01-02T00:00:00Z') });
  expect(sends()[0]?.body).toMatchObject({
    cc: ['bob@example.com'],
    sendAt: '2030-01-01T00:00:00.000Z',
    expiresAt: '2030-01-02T00:00:00.000Z',
  });
  await expect(inbox.send({ ...MAIL, sendAt: new Date('soon') })).rejects.toMatchObject({ code: 'bad_option' });
});

const record = (now: string | null) =>
  Response.json({ id: 'eml_1', status: now, jobs: [{ id: 'job_1', state: now, attempts: [{ note: '550 no such user' }] }] });

it('waits until the mail is sent, with calmer looks each time', async () => {
  const { inbox, seen } = await sender({ 'GET /v1/emails/eml_1': (_, tries) => record(tries < 20 ? 'queued' : 'sent') });
  const email = await inbox.send(MAIL);
  expect(await outcomeOf(email.waitUntilSent({ timeoutMs: 300_000 }))).toBe('sent');
  expect(email.status).toBe('sent');
  expect(seen.filter(({ method }) => method === 'GET')).toHaveLength(20);
});

it.each([
  ['failed', 'mail_failed'],
  ['in_doubt', 'mail_in_doubt'],
  ['canceled', 'mail_canceled'],
])('ends the wait for a mail that is %s with %s', async (now, code) => {
  const { inbox } = await sender({ 'GET /v1/emails/eml_1': () => record(now) });
  expect(await outcomeOf((await inbox.send(MAIL)).waitUntilSent())).toMatchObject({ code, details: { id: 'eml_1', status: now } });
});

it('ends the wait when its time is over or its signal fires, and says that the mail goes on', async () => {
  const { inbox } = await sender({ 'GET /v1/emails/eml_1': () => record('queued') });
  const email = await inbox.send(MAIL);
  expect(await outcomeOf(email.waitUntilSent({ timeoutMs: 1_000 }))).toMatchObject({
    code: 'timeout',
    hint: expect.stringContaining('goes on by itself'),
  });
  const stop = new AbortController();
  const waiting = email.waitUntilSent({ signal: stop.signal }).catch((error: unknown) => error);
  stop.abort(new Error('enough'));
  expect(await waiting).toMatchObject({ message: 'enough' });
});
