import { connect, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { type Listening, listen } from '../../src/http/serve.ts';
import type { Log } from '../../src/ports/log.ts';
import { openHttpBench } from './http-bench.ts';

const QUIET: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

async function openServer() {
  const bench = await openHttpBench();
  const listening = await listen(bench.app, { host: '127.0.0.1', port: 0, log: QUIET });
  onTestFinished(() => listening.close());
  return { bench, listening, port: Number(new URL(listening.url).port) };
}

/** Writes these bytes and gives all that comes back until the peer closes. */
function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      answer += chunk;
    });
    socket.on('end', () => resolve(answer));
    socket.on('error', reject);
  });
}

it('carries a first mail over a socket: sign up, open an inbox, send, read', async () => {
  const { listening } = await openServer();
  const post = async (path: string, body: unknown, token?: string): Promise<Record<string, string>> => {
    const headers = { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
    const response = await fetch(`${listening.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    expect(response.ok).toBe(true);
    return (await response.json()) as Record<string, string>;
  };
  const { token } = await post('/v1/signup', {});
  const inbox = await post('/v1/inboxes', { name: 'outreach-worker' }, token);
  const sent = await post('/v1/emails/send', { from: inbox['address'], to: 'bob@example.net', subject: 'Hi', text: 'Grüße' }, token);
  const read = await fetch(`${listening.url}/v1/emails/${sent['id']}`, { headers: { authorization: `Bearer ${token}` } });
  expect(await read.json()).toMatchObject({ status: 'queued', text: 'Grüße' });
});

it('reads a large body that comes in pieces as it was written, and gets over a peer that leaves in the middle of one', async () => {
  const { listening, bench, port } = await openServer();
  const account = await bench.signUp();
  const inbox = await account.openInbox('ann');
  const post = `POST /v1/inboxes/${inbox}/send HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${account.token}\r\n`;
  const begun = `${post}Content-Length: 3000000\r\n\r\n{"text":"${'ü'.repeat(600_000)}`;
  await new Promise<void>((resolve) => {
    const leaving = connect(port, '127.0.0.1', () => leaving.write(begun, () => leaving.destroy()));
    leaving.once('close', () => resolve());
  });

  const text = `x${'Grüße, €, 🦞 '.repeat(45_000)}`; // of characters of one to four bytes, so that some are cut apart
  const headers = { authorization: `Bearer ${account.token}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ to: 'bob@example.net', subject: 'Long', text, html: text });
  const sent = await fetch(`${listening.url}/v1/inboxes/${inbox}/send`, { method: 'POST', headers, body });
  expect(sent.status).toBe(202);
  const { id } = (await sent.json()) as Readonly<Record<string, string>>;
  const read = (await (await fetch(`${listening.url}/v1/emails/${id}`, { headers })).json()) as Readonly<Record<string, string>>;
  expect([read['text'] === text, read['html'] === text]).toEqual([true, true]); // a megabyte that differs is nothing to print
  expect(bench.logged.filter((line) => line.startsWith('request failed'))).toEqual([]); // who leaves is no fault of the server
});

it('D4: looks at the Host a peer writes, whatever address it came to', async () => {
  const { port } = await openServer();
  const answer = await exchange(
    port,
    'POST /v1/signup HTTP/1.1\r\nHost: rebound.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
  );
  expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  expect(answer).toContain('host_not_allowed');
});

it('takes a POST without a body, a length or a content type', async () => {
  const { port } = await openServer();
  const answer = await exchange(port, `POST //v1/signup HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 201 /);
});

it('refuses a body that says it is too large without reading it, and one sent in chunks once it is', async () => {
  const { port } = await openServer();
  const head = `POST /v1/signup HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n`;
  expect(await exchange(port, `${head}Content-Length: 99999999999\r\n\r\n{`)).toMatch(/^HTTP\/1\.1 413 /);
  const chunk = 'x'.repeat(0x100000);
  expect(await exchange(port, `${head}Transfer-Encoding: chunked\r\n\r\n${`100000\r\n${chunk}\r\n`.repeat(41)}0\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 413 /,
  );
});

it('says which port is taken and what to do', async () => {
  const { bench, port } = await openServer();
  const second = listen(bench.app, { host: '127.0.0.1', port, log: QUIET });
  await expect(second).rejects.toMatchObject({ code: 'bad_config', message: expect.stringContaining(`127.0.0.1:${port}`) });
  await expect(second).rejects.toThrow(/another program listens there.*SHOAL_HTTP/);
});

it('says when the machine has no such address', async () => {
  const { bench } = await openServer();
  await expect(listen(bench.app, { host: '192.0.2.7', port: 0, log: QUIET })).rejects.toThrow(/no such address/);
});

it('answers what is under way before it closes, and takes nothing new', async () => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let arrived: () => void = () => undefined;
  const isThere = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const bench = await openHttpBench({
    decorate: (deps) => ({
      ledger: {
        ...deps.ledger,
        stats: async () => {
          arrived();
          await held;
          return deps.ledger.stats();
        },
      },
    }),
  });
  const listening: Listening = await listen(bench.app, { host: '127.0.0.1', port: 0, log: QUIET });
  const asked = fetch(`${listening.url}/ready`);
  await isThere;
  const closed = listening.close();
  await expect(fetch(`${listening.url}/health`)).rejects.toThrow();
  release();
  expect((await asked).status).toBe(200);
  await closed;
});

it('leaves the globals of the program around it alone', async () => {
  const before = [globalThis.Request, globalThis.Response];
  await openServer();
  expect([globalThis.Request, globalThis.Response]).toEqual(before);
});
