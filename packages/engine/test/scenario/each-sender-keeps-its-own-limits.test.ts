import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Shoal } from '@shoal/sdk';
import { expect, it, onTestFinished } from 'vitest';
import { configOf } from '../../src/config/check.ts';
import { type Engine, openEngine } from '../../src/engine.ts';
import type { Log } from '../../src/ports/log.ts';
import { openScriptedSmtpServer, type ScriptedSmtpServer, type SmtpScript, say } from '../../src/testing/scripted-smtp-server.ts';

const tls = (name: string): string => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));
const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

async function openPeer(script: SmtpScript = {}, isTls = false): Promise<ScriptedSmtpServer> {
  const peer = await openScriptedSmtpServer(
    script,
    isTls ? { key: readFileSync(tls('peer.key'), 'utf8'), cert: readFileSync(tls('peer.crt'), 'utf8'), isImplicit: true } : undefined,
  );
  onTestFinished(() => peer.close());
  return peer;
}

async function openStarted(options: Readonly<Record<string, unknown>>): Promise<{ engine: Engine; mail: Shoal }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'shoal-senders-'));
  const config = configOf({
    dataDir,
    http: 'off',
    diskFloorMb: 0,
    retryScale: 0.01,
    transportAllowCidrs: ['127.0.0.0/8', '::1/128'],
    ...options,
  });
  const engine = await openEngine(config, { log: SILENT });
  await engine.start();
  onTestFinished(async () => {
    await engine.close();
    rmSync(dataDir, { recursive: true });
  });
  return { engine, mail: await Shoal.create({ fetch: engine.fetch }) };
}

async function openInbox({ engine, mail }: { engine: Engine; mail: Shoal }, localPart: string, sender: string): Promise<string> {
  const headers = { authorization: `Bearer ${mail.token()}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ localPart, sender });
  const answer = await engine.fetch(new Request('http://127.0.0.1/v1/inboxes', { method: 'POST', headers, body }));
  return ((await answer.json()) as { readonly id: string }).id;
}

async function send(mail: Shoal, inbox: string, count: number): Promise<void> {
  const from = await mail.inbox(inbox);
  for (let n = 0; n < count; n += 1) await from.send({ to: 'bob@example.net', subject: `Mail ${n}`, text: 'Hello', allowDuplicate: true });
}

it('sends by each sender what its limit allows, and goes on when the limit is raised while it runs', async () => {
  const [peer, bulkPeer] = [await openPeer(), await openPeer()];
  const started = await openStarted({ transport: `smtp://127.0.0.1:${peer.port}?tls=off` });
  const { mail } = started;
  await mail.senders.add('bulk', { transport: `smtp://127.0.0.1:${bulkPeer.port}?tls=off`, limits: { perHour: 2 } });
  const [fast, slow] = [await openInbox(started, 'fast', 'default'), await openInbox(started, 'slow', 'bulk')];

  await send(mail, slow, 4);
  await send(mail, fast, 3);
  await peer.until('three mails', () => peer.mails.length === 3);
  await bulkPeer.until('two mails', () => bulkPeer.mails.length === 2);
  const full = await mail.senders.get('bulk');
  expect(full.allowances).toMatchObject([{ unit: 'messages', max: 2, used: 2, left: 0 }]);
  expect(full.backlog.ready + full.backlog.scheduled).toBe(2);
  expect(full.forecast.waiting).toMatchObject({ kind: 'limit', because: 'sender bulk may send 2 mails in any hour' });

  await mail.senders.change('bulk', { limits: { perHour: 3 } });
  await bulkPeer.until('one mail more', () => bulkPeer.mails.length === 3);
  await mail.senders.change('bulk', { limits: {} });
  await bulkPeer.until('all of them', () => bulkPeer.mails.length === 4);
  expect(peer.mails).toHaveLength(3);
});

it('tries a refused login once, and goes on by itself with another password', async () => {
  const peer = await openPeer(
    {
      ehlo: say('250-peer.example\r\n250-AUTH PLAIN\r\n250 8BITMIME'),
      auth: [say('535 5.7.8 bad credentials'), say('235 2.7.0 accepted')],
    },
    true,
  );
  const started = await openStarted({ transport: 'capture:' });
  const { mail } = started;
  const url = (password: string): string => `smtps://user:${password}@127.0.0.1:${peer.port}?ca=${encodeURIComponent(tls('peer.crt'))}`;
  await mail.senders.add('bulk', { transport: url('old'), preset: 'none' });
  await send(mail, await openInbox(started, 'slow', 'bulk'), 1);

  const logins = (): number => peer.log.filter((entry) => entry.includes('AUTH')).length;
  await peer.untilLogged('1 AUTH');
  const isHeld = async (): Promise<boolean> => (await mail.senders.get('bulk')).holds.some(({ why }) => why === 'account');
  await expect.poll(isHeld, { timeout: 10_000 }).toBe(true);
  await mail.senders.change('bulk', { limits: { perHour: 100 } }); // the same password is no reason to try again
  expect((await mail.senders.get('bulk')).holds).toMatchObject([{ why: 'account' }]);
  expect(logins()).toBe(1);
  await mail.senders.change('bulk', { transport: url('new') });
  await peer.until('the mail', () => peer.mails.length === 1);
  expect((await mail.senders.get('bulk')).holds).toEqual([]);
  expect(logins()).toBe(2);
});

it('refuses a mail with more recipients than the preset of its sender allows', async () => {
  const started = await openStarted({
    transport: 'capture:',
    senders: { aws: { transport: 'smtp://127.0.0.1:9?tls=off', preset: 'ses' } },
  });
  const inbox = await started.mail.inbox(await openInbox(started, 'aws', 'aws'));
  const to = Array.from({ length: 51 }, (_, n) => `r${n}@example.net`);
  await expect(inbox.send({ to, subject: 'Hello', text: 'Hello' })).rejects.toMatchObject({
    status: 422,
    message: expect.stringContaining('has 51 recipients, and `ses`, the preset of sender aws, allows 50'),
  });
});

it('S11: makes no connection where the name of a host leads into an internal network', async () => {
  const peer = await openPeer();
  const started = await openStarted({ transport: 'capture:', transportAllowCidrs: 'none' });
  const { mail } = started;
  await mail.senders.add('bulk', { transport: `smtp://localhost:${peer.port}?tls=off` });
  const inbox = await mail.inbox(await openInbox(started, 'slow', 'bulk'));
  const email = await inbox.send({ to: 'bob@example.net', subject: 'Hello', text: 'Hello' });
  const notes = async (): Promise<string> => JSON.stringify(await email.refresh());
  await expect.poll(notes, { timeout: 10_000 }).toContain('localhost may not be connected to');
  expect(peer.log).toEqual([]);
});

it('shows the queue of a running engine: who waits for what, and its own worker', async () => {
  const peer = await openPeer();
  const started = await openStarted({
    transport: `smtp://127.0.0.1:${peer.port}?tls=off`,
    senders: { default: { limits: { perHour: 1 } } },
  });
  const { mail } = started;
  await send(mail, await openInbox(started, 'busy', 'default'), 3);
  await expect.poll(async () => (await mail.queue()).depth.sent, { timeout: 15_000 }).toBe(1);
  const { workers, depth, senders } = await mail.queue();
  expect(depth).toMatchObject({ sent: 1, ready: 2 });
  expect(senders[0]).toMatchObject({ waiting: { kind: 'limit' }, limits: [{ unit: 'messages', used: 1, max: 1 }] });
  expect(workers).toMatchObject([{ pid: process.pid, concurrency: 50 }]);
});
