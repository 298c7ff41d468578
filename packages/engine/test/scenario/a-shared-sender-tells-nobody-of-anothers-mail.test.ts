import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Shoal } from '@shoal/sdk';
import { expect, it, onTestFinished } from 'vitest';
import { configOf } from '../../src/config/check.ts';
import { type Engine, openEngine } from '../../src/engine.ts';
import type { Log, LogFields } from '../../src/ports/log.ts';
import { openScriptedSmtpServer, type SmtpScript, say } from '../../src/testing/scripted-smtp-server.ts';

type Json = Readonly<Record<string, unknown>>;

async function openShared(script: SmtpScript): Promise<{ engine: Engine; operator: string; logged: () => string }> {
  const peer = await openScriptedSmtpServer(script);
  onTestFinished(() => peer.close());
  const dataDir = mkdtempSync(join(tmpdir(), 'shoal-shared-'));
  const config = configOf({
    dataDir,
    http: 'off',
    diskFloorMb: 0,
    transport: `smtp://127.0.0.1:${peer.port}?tls=off`,
    transportAllowCidrs: ['127.0.0.0/8'],
  });
  const lines: string[] = [];
  const write = (message: string, fields?: LogFields): void => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { debug() {}, info() {}, warn: write, error: write };
  const engine = await openEngine(config, { log });
  await engine.start();
  onTestFinished(async () => {
    await engine.close();
    rmSync(dataDir, { recursive: true });
  });
  const first = await Shoal.create({ fetch: engine.fetch });
  return { engine, operator: first.token() ?? '', logged: () => lines.join('\n') };
}

async function ask(engine: Engine, token: string, method: string, path: string, body?: Json): Promise<Json> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
  return (await (await engine.fetch(new Request(`http://127.0.0.1${path}`, init))).json()) as Json;
}

it.each([
  ['throttled', 'a sender', { rcpt: say('450 4.7.1 <bob@example.net>: rate limit exceeded, try again in 1 hour') }],
  ['blocked', 'a domain', { dot: say('550 5.7.26 mail to bob@example.net is unauthenticated') }],
] as const)('T3: an agent reads why its mail waits (%s), and not what %s was told of another’s', async (kind, _, script) => {
  const { engine, operator, logged } = await openShared(script);
  const [owner, stranger] = await Promise.all(
    ['owner', 'stranger'].map(async (localPart) => {
      const token = String((await ask(engine, operator, 'POST', '/v1/tokens', { ownAccount: true }))['token']);
      const inbox = String((await ask(engine, token, 'POST', '/v1/inboxes', { localPart }))['id']);
      const send = (to: string) => ask(engine, token, 'POST', `/v1/inboxes/${inbox}/send`, { to, subject: 'Hello', text: 'Hello' });
      const read = (mail: Json) => ask(engine, token, 'GET', `/v1/emails/${String(mail['id'])}`);
      return { send, read };
    }),
  );
  if (owner === undefined || stranger === undefined) throw new Error('two were asked for');

  const mail = await owner.send('bob@example.net');
  await expect.poll(async () => JSON.stringify(await owner.read(mail)), { timeout: 10_000 }).toContain('"attempts":[{');
  expect(JSON.stringify((await owner.read(mail))['jobs'])).toContain('The server said \\"');

  const sent = await stranger.send('eve@example.net');
  expect(sent['forecast']).toMatchObject({ kind, because: expect.stringMatching(/the server answered [45]\d\d \d\.7\.\d+ \(/) });
  const whole = await stranger.read(sent);
  expect(whole['waiting']).toMatchObject({ kind });
  expect(JSON.stringify([sent, whole])).not.toContain('bob');
  expect(logged()).toContain('bob@example.net');
});
