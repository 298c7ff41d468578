import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { type WatchedTerminal, watchedTerminal } from './cli-terminal.ts';

/** A server that answers every question with one sender, and keeps what was asked of it. */
let server: Server;
let asked: { readonly route: string; readonly body: unknown }[];

const BULK = {
  name: 'bulk',
  origin: 'api',
  transport: 'smtps://user:***@smtp.example.com',
  preset: 'auto',
  presets: ['icloud'],
  headroom: null,
  limits: {},
  allowances: [{ unit: 'messages', max: 950, windowSeconds: 86_400, used: 12, left: 938, nextFreeAt: null }],
  holds: [{ why: 'pause', note: 'until\u001b[2J Monday', since: 'T0', until: null }],
  gate: null,
  backlog: { ready: 7, scheduled: 0, underWay: 1 },
  forecast: { nextAt: null, waiting: { kind: 'pause', because: 'sender bulk is held' }, doneAt: 'T9', fullAt: null },
  createdAt: 'T0',
  movedInboxes: 2,
};

beforeEach(async () => {
  asked = [];
  server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    asked.push({ route: `${request.method} ${request.url}`, body: text === '' ? undefined : JSON.parse(text) });
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(request.url === '/v1/senders' && request.method === 'GET' ? { data: [BULK] } : BULK));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('SHOAL_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('SHOAL_TOKEN', 'shoal_sk_test');
  vi.stubEnv('HOME', mkdtempSync(join(tmpdir(), 'shoal-cli-')));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await new Promise((resolve) => server.close(resolve));
});

async function run(args: readonly string[], input = ''): Promise<{ code: number; terminal: WatchedTerminal }> {
  const terminal = watchedTerminal({ input: async () => input });
  return { code: await runProgram(['senders', ...args], terminal), terminal };
}

it('shows senders in 80 columns, without what would steer a terminal', async () => {
  const { code, terminal } = await run([]);
  expect(code).toBe(0);
  expect(terminal.printed()).toBe(
    [
      'sender bulk  7 ready  1 under way',
      '  transport  smtps://user:***@smtp.example.com',
      '  preset     icloud',
      '  limit      12 of 950 messages in 24 h',
      '  held       pause: until[2J Monday',
      '  done       T9',
      '',
    ].join('\n'),
  );
  for (const line of terminal.printed().split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});

it('makes a sender from flags, with its password from standard input', async () => {
  const flags = [
    '--transport',
    '-',
    '--preset',
    'icloud',
    '--limit',
    'perDay=500',
    'perDay.recipients=900',
    'connections=3',
    '--headroom',
    '0',
  ];
  const { code, terminal } = await run(['add', 'bulk', ...flags], 'smtps://user:c4n4ry@smtp.example.com\n');
  expect(code).toBe(0);
  expect(asked).toEqual([
    {
      route: 'POST /v1/senders',
      body: {
        name: 'bulk',
        transport: 'smtps://user:c4n4ry@smtp.example.com',
        preset: 'icloud',
        limits: { perDay: { messages: 500, recipients: 900 }, connections: 3 },
        headroom: 0,
      },
    },
  ]);
  expect(terminal.printed() + terminal.complained()).not.toContain('c4n4ry');
});

it('G2: takes no password on the command line, and repeats none', async () => {
  const { code, terminal } = await run(['add', 'bulk', '--transport', 'smtps://user:c4n4ry@smtp.example.com']);
  expect(code).toBe(2);
  expect(terminal.complained()).toContain('other users of this machine can read command lines');
  expect(terminal.complained()).not.toContain('c4n4ry');
  expect(asked).toEqual([]);
});

it.each([
  [['set', 'bulk', '--limit', 'none'], 'PATCH /v1/senders/bulk', { limits: {} }],
  [['set', 'bulk', '--transport', 'smtp://127.0.0.1:25'], 'PATCH /v1/senders/bulk', { transport: 'smtp://127.0.0.1:25' }],
  [['pause', 'bulk', '--note', 'until Monday'], 'POST /v1/senders/bulk/pause', { note: 'until Monday' }],
  [['resume', 'bulk'], 'POST /v1/senders/bulk/resume', {}],
  [['rm', 'bulk', '--move-to', 'default'], 'DELETE /v1/senders/bulk?moveTo=default', undefined],
])('%j asks for %s', async (args, route, body) => {
  expect((await run(args)).code).toBe(0);
  expect(asked).toEqual([{ route, body }]);
});

it.each([
  [['add', 'bulk'], /^error: --transport is missing\n {7}Give --transport smtp:/],
  [['set', 'bulk'], /^error: there is nothing to change\n {7}Give --transport, --preset/],
  [['set', 'bulk', '--limit', 'perDay'], /^error: --limit perDay is not a limit\n {7}Write for example perDay=500/],
  [['set', 'bulk', '--limit', 'perDay=many'], /^error: --limit perDay takes a number, got "many"\n {7}Write digits/],
  [['set', 'bulk', '--headroom', ''], /^error: --headroom takes a number, got ""\n {7}Write digits/],
])('says what is wrong with %j', async (args, complaint) => {
  const { code, terminal } = await run(args);
  expect(terminal.complained()).toMatch(complaint);
  expect(code).toBe(2);
  expect(asked).toEqual([]);
});

it('prints JSON where JSON is asked for', async () => {
  const { terminal } = await run(['show', 'bulk', '--json']);
  expect(JSON.parse(terminal.printed())).toEqual(BULK);
});
