import { connect, Server } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { listen } from '../../src/http/serve.ts';
import { ROUTES } from '../../src/http/routes/index.ts';
import { openAgentsBench } from './agents-bench.ts';
import { type Account, type BenchOptions, type HttpBench, type Json, openHttpBench } from './http-bench.ts';

/**
 * What clients of several products take for granted of a server, whichever route they ask. One test a rule, over all routes that
 * it is about; a route that is added later is under it too.
 */

const DEAD = { kind: 'dead', reason: 'permanent' } as const;
const MAIL = { to: 'bob@example.net', subject: 'Hello', text: 'Hello, Bob' };

async function openServer(options: BenchOptions = {}) {
  const bench = await openHttpBench(options);
  const { log } = quiet();
  const listening = await listen(bench.app, { host: '127.0.0.1', port: 0, log });
  onTestFinished(() => listening.close());
  const account = await bench.signUp();
  return { bench, account, url: listening.url, port: Number(new URL(listening.url).port) };
}

function quiet() {
  const nothing = (): void => undefined;
  return { log: { debug: nothing, info: nothing, warn: nothing, error: nothing } };
}

/** A path of a route with something in the place of its parameters. */
const filled = (path: string, value = 'x'): string => path.replace(/:\w+/g, value);

describe('a DELETE', () => {
  const MADE: Readonly<Record<string, (account: Account, bench: HttpBench) => Promise<string>>> = {
    '/v1/inboxes/:id': async (account) => account.openInbox('ann'),
    '/v1/tokens/:id': async (account) => String((await account.ask('POST', '/v1/tokens', { body: {} })).body['id']),
    '/v1/senders/:name': async (account) => {
      await account.ask('POST', '/v1/senders', { body: { name: 'spare', transport: 'capture:' } });
      return 'spare';
    },
    '/v1/dead-letters/:id': async (account, bench) => {
      const id = await account.send(await account.openInbox('bob'));
      await bench.endNext(DEAD);
      return id;
    },
  };

  it.each(ROUTES.filter(({ method }) => method === 'DELETE').map(({ path }) => path))('of %s answers 200 and JSON', async (path) => {
    const bench = await openHttpBench();
    const account = await bench.signUp();
    const id = await MADE[path]?.(account, bench);
    if (id === undefined) throw new Error(`say here what ${path} can delete`);
    const answer = await account.ask('DELETE', filled(path, id), { headers: { 'content-type': 'application/json' } });
    expect(answer).toMatchObject({ status: 200, body: { deleted: true } });
    expect(answer.headers.get('content-type')).toBe('application/json');
  });
});

describe('a request without a body', () => {
  it('is one of no fields, with a content type and without, for every route that takes a POST, PATCH or DELETE', async () => {
    const { account, port } = await openServer();
    for (const { method, path } of ROUTES.filter((route) => route.method !== 'GET')) {
      const ask = (...lines: string[]): Promise<Said> => say(port, account.token, `${method} ${filled(path)} HTTP/1.1`, lines);
      const [withFields, bare, ...typed] = [
        await ask('Content-Type: application/json', 'Content-Length: 2', '', '{}'),
        await ask(),
        await ask('Content-Length: 0'),
        await ask('Content-Type: application/json', 'Content-Length: 0'),
        await ask('Content-Type: application/json'),
      ];
      for (const answer of [bare, ...typed]) expect(outcomeOf(answer), `${method} ${path}`).toEqual(outcomeOf(withFields));
      expect(bare?.status, `${method} ${path}`).not.toBe(415);
    }
  });

  it('is taken of a GET that says application/json and brings nothing', async () => {
    const { account, port } = await openServer();
    const said = await say(port, account.token, 'GET /v1/inboxes HTTP/1.1', ['Content-Type: application/json', 'Content-Length: 0']);
    expect(said.status).toBe(200);
  });
});

describe('a path', () => {
  it('may have its @ encoded or not, and any other sign encoded', async () => {
    const { account, url } = await openServer();
    const id = await account.openInbox('ann');
    const found = async (reference: string): Promise<unknown> => {
      const answer = await fetch(`${url}/v1/inboxes/${reference}`, { headers: { authorization: `Bearer ${account.token}` } });
      return ((await answer.json()) as Json)['id'];
    };
    expect(await found('ann@shoal.localhost')).toBe(id);
    expect(await found('ann%40shoal.localhost')).toBe(id);
    expect(await found(`%${id.charCodeAt(0).toString(16)}${id.slice(1)}`)).toBe(id);
  });

  it.each(['%3Cno%40shoal.localhost%3E', '%2B', '%00', '%ff', '%', '%zz', '..%2f..'])(
    'with %s in the place of an id names nothing',
    async (id) => {
      const { account, port } = await openServer();
      const said = await say(port, account.token, `GET /v1/emails/${id} HTTP/1.1`);
      expect(said).toMatchObject({ status: 404, body: { error: 'not_found' } });
    },
  );

  it('may begin with two slashes', async () => {
    const { account, port } = await openServer();
    expect((await say(port, account.token, 'GET //v1/inboxes HTTP/1.1')).status).toBe(200);
    expect((await say(port, account.token, 'POST //v1/inboxes HTTP/1.1')).status).toBe(201);
  });
});

it('an empty array is an absent field', async () => {
  const { account } = await openServer();
  const inbox = await account.openInbox('ann');
  const empty = { cc: [], bcc: [], replyTo: [], attachments: [], reply_to: [] };
  const answer = await account.ask('POST', `/v1/inboxes/${inbox}/send`, { body: { ...MAIL, ...empty } });
  expect(answer.status).toBe(202);
  const { body } = await account.ask('GET', `/v1/emails/${String(answer.body['id'])}`);
  expect(body).toMatchObject({ cc: null, bcc: null, replyTo: null, hasAttachments: false });
});

it('a filter may be repeated, or a JSON array', async () => {
  const { bench, account } = await openServer();
  const inbox = await account.openInbox('ann');
  const dead = await account.send(inbox);
  await bench.endNext(DEAD);
  const queued = await account.send(inbox, { subject: 'Another' });
  const listed = async (query: string): Promise<unknown[]> => {
    const { body } = await account.ask('GET', `/v1/emails?${query}`);
    return (body['data'] as Json[]).map((email) => email['id']);
  };
  expect(await listed('status=failed')).toEqual([dead]);
  expect(await listed('status=failed&status=queued')).toEqual([queued, dead]);
  expect(await listed(`status=${encodeURIComponent('["failed","queued"]')}`)).toEqual([queued, dead]);
  expect(await listed(`status=${encodeURIComponent('["failed"]')}`)).toEqual([dead]);
});

describe('a connection', () => {
  it('is kept for longer than 30 seconds, and says so', async () => {
    const { port } = await openServer();
    const said = await say(port, undefined, 'GET /health HTTP/1.1', [], 'keep-alive');
    const [, seconds] = /timeout=(\d+)/.exec(said.headers['keep-alive'] ?? '') ?? [];
    expect(Number(seconds)).toBeGreaterThan(30);
  });

  it('may be one of 2,048 that wait for the first look at them', async () => {
    const listens = vi.spyOn(Server.prototype, 'listen');
    onTestFinished(() => listens.mockRestore());
    await openServer();
    expect(listens.mock.calls.flat()).toContainEqual(expect.objectContaining({ backlog: 2_048 }));
  });
});

it.each(['inbox', 'account', 'batch'])('a send that is in the ledger is answered with 202 whatever fails after it: by %s', async (way) => {
  let isBroken = false;
  const broken = () => Promise.reject(new Error('the store cannot be read'));
  const decorate: BenchOptions['decorate'] = ({ store }) => ({
    store: new Proxy(store, {
      get: (target, name) => (isBroken && String(name).startsWith('getMessage') ? broken : Reflect.get(target, name)),
    }),
  });
  const { bench, account } = await openServer({ decorate });
  const inboxId = await account.openInbox('ann');
  const path = { inbox: `/v1/inboxes/${inboxId}/send`, account: '/v1/emails/send', batch: '/v1/emails/batch' }[way] ?? '';
  const body = way === 'batch' ? { emails: [{ ...MAIL, inboxId }] } : { ...MAIL, ...(way === 'account' && { inboxId }) };
  isBroken = true;
  for (const isDeduplicated of [false, true]) {
    const answer = await account.ask('POST', path, { body, headers: { 'idempotency-key': 'k' } });
    expect(answer.status).toBe(202);
    const sent = way === 'batch' ? (answer.body['data'] as Json[])[0] : answer.body;
    expect(sent).toMatchObject({ status: 'queued', deduplicated: isDeduplicated });
  }
  expect((await bench.ledger.stats()).byState.ready).toBe(1);
});

describe('Retry-After', () => {
  it('is a whole number of seconds, at least 1, when a budget is used up', async () => {
    const { hire, clock } = await openAgentsBench();
    const agent = await hire('ann', { caps: { perHour: { messages: 1 } } });
    await agent.send();
    for (const passedMs of [0, 3_599_900]) {
      await clock.advance(passedMs);
      const { status, headers } = await agent.send();
      expect(status).toBe(429);
      expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    }
  });

  it('is there when the server stops', async () => {
    const bench = await openHttpBench({ decorate: () => ({ isStopping: () => true }) });
    const { status, headers } = await bench.ask('GET', '/v1/inboxes');
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  });
});

describe('a method', () => {
  it('that a path does not take is 405, with those that it takes, for every path', async () => {
    const bench = await openHttpBench();
    for (const path of new Set(ROUTES.map((route) => filled(route.path)))) {
      const answer = await bench.ask('PUT', path);
      expect(answer, path).toMatchObject({ status: 405, body: { error: 'method_not_allowed' } });
      expect(answer.headers.get('allow'), path).toMatch(/^(?:GET|POST|PATCH|DELETE)\b.*, OPTIONS$/);
    }
  });

  it('OPTIONS says which a path takes, and names none where there is no route', async () => {
    const { port } = await openServer();
    const said = await say(port, undefined, 'OPTIONS /v1/inboxes HTTP/1.1');
    expect(said).toMatchObject({ status: 204, headers: { allow: 'POST, GET, HEAD, OPTIONS' }, text: '' });
    expect((await say(port, undefined, 'OPTIONS /v1/nothing HTTP/1.1')).status).toBe(404);
  });

  it('HEAD is a GET without its body', async () => {
    const { account, port } = await openServer();
    expect(await say(port, account.token, 'HEAD /v1/inboxes HTTP/1.1')).toMatchObject({ status: 200, text: '' });
    expect(await say(port, undefined, 'HEAD /v1/inboxes HTTP/1.1')).toMatchObject({ status: 401, text: '' });
    expect(await say(port, account.token, 'HEAD /v1/emails/send HTTP/1.1')).toMatchObject({ status: 404, text: '' });
    expect(await say(port, account.token, 'HEAD /v1/emails/batch/x/y HTTP/1.1')).toMatchObject({ status: 404, text: '' });
  });
});

it('ids need no encoding in a path', async () => {
  const { bench, account } = await openServer();
  const inbox = await account.openInbox('ann.with.dots');
  const email = await account.send(inbox);
  await bench.endNext(DEAD);
  await account.ask('POST', '/v1/tokens', { body: {} });
  const operation = await account.ask('POST', '/v1/dead-letters/requeue', { body: {} });
  const answers = [operation.body];
  for (const path of ['account', 'tokens', 'inboxes', 'emails', `emails/${email}`, 'dead-letters', 'senders', 'queue'])
    answers.push((await account.ask('GET', `/v1/${path}`)).body);
  const ids = answers.flatMap(idsIn);
  expect(ids.length).toBeGreaterThan(10);
  expect(ids.filter((id) => !/^[A-Za-z0-9_-]+$/.test(id))).toEqual([]);
});

it('G1: no token is in the log, wherever a caller put it', async () => {
  const { bench, account, url } = await openServer();
  const other = String((await account.ask('POST', '/v1/tokens', { body: {} })).body['token']);
  const inbox = await account.openInbox('ann');
  await account.send(inbox);
  for (const path of [`/v1/ws?token=${account.token}`, `/v1/inboxes?token=${other}`, `/v1/emails?api_key=${other}`])
    await fetch(url + path, { headers: { authorization: `Bearer ${account.token}` } });
  await fetch(`${url}/v1/inboxes`, { headers: { authorization: `Bearer ${other}x` } });
  await bench.ask('DELETE', '/v1/inboxes/none', { token: other });
  expect(bench.logged.length).toBeGreaterThan(5);
  const log = bench.logged.join('\n');
  for (const token of [account.token, other]) expect(log).not.toContain(token.slice(-20));
});

function idsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(idsIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const isId = (name === 'id' || /^(?:job|email|inbox|parent)Id$/.test(name)) && typeof inner === 'string';
    return isId ? [inner] : idsIn(inner);
  });
}

interface Said {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly body: Json;
}

/** A second time the same thing may be in the way of itself, so only the kind of answer is compared. */
function outcomeOf(said: Said | undefined): unknown {
  return { status: said?.status, error: said?.body['error'], details: said?.body['details'] };
}

/** Writes a request byte by byte as given, and reads the one answer to its end. */
function say(port: number, token: string | undefined, line: string, lines: readonly string[] = [], connection = 'close'): Promise<Said> {
  const credentials = token === undefined ? [] : [`Authorization: Bearer ${token}`];
  const [head, body = ''] = lines.includes('') ? [lines.slice(0, -2), lines.at(-1)] : [lines];
  const request = [line, `Host: 127.0.0.1:${port}`, `Connection: ${connection}`, ...credentials, ...head, '', body].join('\r\n');
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    let answer = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      answer += chunk;
      if (connection !== 'close' && answer.includes('\r\n\r\n')) socket.end();
    });
    socket.on('end', () => resolve(readAnswer(answer)));
    socket.on('error', reject);
  });
}

function readAnswer(answer: string): Said {
  const [head = '', ...rest] = answer.split('\r\n\r\n');
  const [first = '', ...fields] = head.split('\r\n');
  const headers = Object.fromEntries(
    fields.map((field) => [field.slice(0, field.indexOf(':')).toLowerCase(), field.slice(field.indexOf(':') + 1).trim()]),
  );
  const whole = rest.join('\r\n\r\n');
  const text = headers['transfer-encoding'] === 'chunked' ? whole.replace(/^[\da-f]+\r\n|\r\n[\da-f]+\r\n/gi, '').trimEnd() : whole;
  const isJson = headers['content-type'] === 'application/json' && text.startsWith('{');
  return { status: Number(first.split(' ')[1]), headers, text, body: isJson ? (JSON.parse(text) as Json) : {} };
}
