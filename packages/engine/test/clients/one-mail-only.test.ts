import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { serveShoal } from './served-shoal.ts';

/** An agent whose send timed out does not know whether it was heard, and sends again. However it does so, one mail leaves. */

const shoal = serveShoal();

it('sends one mail for an agent that repeats a send three times with its key', async () => {
  const { said } = await shoal.run(`
    import { Shoal } from '@shoal/sdk';
    const inbox = await (await Shoal.create()).createInbox();
    const mail = { to: 'ann@example.net', subject: 'Once', text: 'once-by-key', idempotencyKey: 'order-17', allowDuplicate: true };
    const sent = [];
    for (let tries = 0; tries < 4; tries++) sent.push(await inbox.send(mail));
    console.log(JSON.stringify({ ids: new Set(sent.map(({ id }) => id)).size, deduplicated: sent.map(({ deduplicated }) => deduplicated) }));
  `);
  expect(said()).toEqual({ ids: 1, deduplicated: [false, true, true, true] });
  await expectOne('once-by-key');
});

it('sends one mail through a proxy that swallows the first answers, by the key that the SDK keeps over its tries', async () => {
  const proxy = await swallowing(3);
  const { said } = await shoal.run(
    `
    import { Shoal } from '@shoal/sdk';
    const mail = await Shoal.create({ retries: { tryMs: 1_000 } });
    const inbox = await mail.createInbox();
    const { deduplicated } = await inbox.send({ to: 'ann@example.net', subject: 'Once', text: 'once-by-proxy', allowDuplicate: true });
    console.log(JSON.stringify({ deduplicated }));
  `,
    { env: { SHOAL_URL: proxy.url } },
  );
  expect(said()).toEqual({ deduplicated: true });
  expect(proxy.sends).toHaveLength(4);
  expect(new Set(proxy.sends).size).toBe(1);
  expect(proxy.sends[0]).toMatch(/^auto_/);
  await expectOne('once-by-proxy');
});

it('sends one mail for an agent that gives up waiting and posts the same again, without any key', async () => {
  const proxy = await swallowing(3);
  const { said } = await shoal.run(
    `
    const post = async (path, token, body, signal) => (await fetch(process.env.SHOAL_URL + path, {
      method: 'POST',
      headers: token ? { authorization: 'Bearer ' + token } : {},
      body: body && JSON.stringify(body),
      signal,
    })).json();
    const { token } = await post('/v1/signup');
    const { address } = await post('/v1/inboxes', token);
    const mail = { from: address, to: 'ann@example.net', subject: 'Once', text: 'once-by-content' };
    let answer, timeouts = 0;
    while (answer === undefined) {
      answer = await post('/v1/emails/send', token, mail, AbortSignal.timeout(1_000)).catch(() => { timeouts += 1; });
    }
    console.log(JSON.stringify({ timeouts, deduplicated: answer.deduplicated }));
  `,
    { env: { SHOAL_URL: proxy.url } },
  );
  expect(said()).toEqual({ timeouts: 3, deduplicated: true });
  await expectOne('once-by-content');
});

/** A mail that was sent after it would arrive after it: the queue is first come, first served. */
async function expectOne(text: string): Promise<void> {
  await shoal.run(`
    import { Shoal } from '@shoal/sdk';
    const inbox = await (await Shoal.create()).createInbox();
    await (await inbox.send({ to: 'ann@example.net', subject: 'Last', text: 'after ' + ${JSON.stringify(text.replaceAll('-', ' '))} })).waitUntilSent();
  `);
  await shoal.untilArrived(text);
  expect(shoal.arrived(text)).toHaveLength(1);
}

/** Hands everything on, and says nothing to the first sends. The keys of the sends it saw are kept. */
async function swallowing(answersSwallowed: number): Promise<{ readonly url: string; readonly sends: (string | undefined)[] }> {
  const sends: (string | undefined)[] = [];
  const proxy: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const headers = new Headers();
    for (const name of ['authorization', 'content-type', 'idempotency-key']) {
      const value = request.headers[name];
      if (typeof value === 'string') headers.set(name, value);
    }
    const body = Buffer.concat(chunks);
    const answer = await fetch(`${shoal.url}${request.url ?? ''}`, {
      method: request.method ?? 'GET',
      headers,
      ...(body.length > 0 && { body }),
    });
    const text = await answer.text();
    if (request.url === '/v1/emails/send' && sends.push(headers.get('idempotency-key') ?? undefined) <= answersSwallowed) return;
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, sends };
}
