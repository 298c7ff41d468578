import { mkdtemp } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { watchedTerminal } from './cli-terminal.ts';

/** A server that answers by table, over a real socket: what the commands ask for, print, and answer as exit code. */
let server: Server;
let answers: Record<string, unknown>;
let asked: { readonly route: string; readonly body: unknown }[];

const INBOX = {
  id: 'ibx_1',
  address: 'bot@shoal.localhost',
  localPart: 'bot',
  domain: 'shoal.localhost',
  displayName: null,
  isActive: true,
};
const JOB = { id: 'job_1', state: 'dead', reason: 'permanent', doubt: null, recipients: ['ann@example.com'], createdAt: 'T0', dueAt: 'T1' };
const HELD = {
  ...JOB,
  emailId: 'eml_1',
  inboxId: 'ibx_1',
  from: INBOX.address,
  subject: 'Odd\u001b[2J',
  attempts: [{ end: 'dead', endedAt: 'T2', note: '550 no' }],
};
const record = (status: string) => ({
  id: 'eml_1',
  status,
  from: INBOX.address,
  to: ['ann@example.com'],
  cc: null,
  bcc: null,
  subject: 'Hello',
  createdAt: 'T0',
  jobs: [HELD],
});

beforeEach(async () => {
  asked = [];
  answers = {
    'GET /v1/inboxes': { data: [INBOX] },
    'POST /v1/inboxes': { ...INBOX, address: 'new@shoal.localhost', localPart: 'new' },
    'POST /v1/emails/send': { id: 'eml_1', status: 'queued', deduplicated: false },
    'GET /v1/emails/eml_1': record('sent'),
  };
  server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const route = `${request.method} ${request.url?.replace(/\?.*/, '')}`;
    asked.push({ route, body: text === '' ? undefined : JSON.parse(text) });
    const answer = answers[route];
    response.writeHead(answer === undefined ? 404 : 200, { 'Content-Type': 'application/json' });
    if (typeof answer === 'string') response.end(answer);
    else
      response.end(
        JSON.stringify(answer ?? { error: 'not_found', message: 'no email with this id', hint: 'Check the id.', requestId: 'req_1' }),
      );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('HOME', await mkdtemp(join(tmpdir(), 'shoal-home-')));
  vi.stubEnv('SHOAL_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('SHOAL_TOKEN', 't');
});
afterEach(() => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
});

async function run(args: readonly string[], how: Parameters<typeof watchedTerminal>[0] = {}) {
  const terminal = watchedTerminal(how);
  const end = await runProgram(args, terminal);
  return { end, printed: terminal.printed(), complained: terminal.complained() };
}
const bodyOf = (route: string): unknown => asked.find((each) => each.route === route)?.body;
const MAIL = ['send', '--to', 'ann@example.com', 'bob@example.com', '--subject', 'Hello', '--text', 'Hi'];

it('sends from the inbox there is, and prints the id to ask for later', async () => {
  const { end, printed } = await run(MAIL);
  expect([end, printed]).toEqual([0, 'eml_1  queued\n  from  bot@shoal.localhost\n  to    ann@example.com, bob@example.com\n']);
  expect(bodyOf('POST /v1/emails/send')).toEqual({
    from: INBOX.address,
    to: ['ann@example.com', 'bob@example.com'],
    subject: 'Hello',
    text: 'Hi',
  });
});

it('opens the inbox of a local part that is new', async () => {
  expect((await run([...MAIL, '--from', 'new'])).end).toBe(0);
  expect(bodyOf('POST /v1/inboxes')).toEqual({ localPart: 'new' });
  expect(bodyOf('POST /v1/emails/send')).toMatchObject({ from: 'new@shoal.localhost' });
});

it('says when the same mail had been accepted before', async () => {
  answers['POST /v1/emails/send'] = { id: 'eml_1', status: 'sent', deduplicated: true };
  expect((await run(MAIL)).printed).toContain('nothing new was queued; --allow-duplicate');
});

it.each([
  ['sent', 0],
  ['failed', 1],
  ['in_doubt', 5],
])('ends with its own code when the mail it waits for is %s', async (status, code) => {
  answers['GET /v1/emails/eml_1'] = record(status);
  const { end, printed } = await run([...MAIL, '--wait']);
  expect([end, printed.split('\n')[0]]).toEqual([code, `eml_1  ${status}`]);
});

it('ends with 4 when the wait is over before the mail is, and says that it goes on', async () => {
  answers['GET /v1/emails/eml_1'] = record('queued');
  const { end, complained } = await run([...MAIL, '--wait', '0.05']);
  expect(end).toBe(4);
  expect(complained).toContain('goes on by itself');
});

it('refuses a wait that is no time', async () => {
  expect(await run([...MAIL, '--wait', '0'])).toMatchObject({
    end: 2,
    complained: expect.stringContaining('--wait takes seconds, above 0'),
  });
});

it('prints JSON and nothing else with --json', async () => {
  answers['GET /v1/dead-letters'] = { data: [HELD] };
  answers['GET /v1/doubts'] = { data: [] };
  answers['GET /v1/captured'] = { data: [] };
  for (const args of [MAIL, ['status', 'eml_1'], ['dead-letters'], ['doubts'], ['captured']]) {
    const { end, printed, complained } = await run([...args, '--json']);
    expect([end, complained]).toEqual([0, '']);
    expect(JSON.parse(printed)).toEqual(expect.any(Object));
  }
});

it('shows every attempt of an email', async () => {
  expect((await run(['status', 'eml_1'])).printed).toContain('\njob_1  dead (permanent)  ann@example.com\n  T2  dead     550 no\n');
});

it('lists dead letters without what could steer the terminal, and sends one again (security D5)', async () => {
  answers['GET /v1/dead-letters'] = { data: [HELD], cursor: null };
  answers['POST /v1/dead-letters/job_1/requeue'] = { requeued: ['job_1'] };
  const { printed } = await run(['dead-letters']);
  expect(printed).toBe(
    'job_1  permanent  Odd[2J\n  email  eml_1\n  from   bot@shoal.localhost\n  to     ann@example.com\n  last   550 no\n',
  );
  expect((await run(['dead-letters', 'requeue', 'job_1'])).end).toBe(0);
});

it('lists what is in doubt, and decides it', async () => {
  answers['GET /v1/doubts'] = { data: [{ ...HELD, state: 'in_doubt', reason: null, doubt: 'cut' }] };
  answers['POST /v1/doubts/job_1/resolve'] = { resolved: [] };
  expect((await run(['doubts', 'list'])).printed).toContain('job_1  cut  Odd');
  expect((await run(['doubts', 'resolve', 'job_1', '--sent', '--note', 'they wrote back'])).printed).toBe('job_1 counts as sent.\n');
  expect(bodyOf('POST /v1/doubts/job_1/resolve')).toEqual({ verdict: 'sent', note: 'they wrote back' });
});

it('shows the source of a captured mail: as text to a terminal, as it is to a pipe (security D5)', async () => {
  answers['GET /v1/emails/eml_1/raw'] = 'Subject: a\u001b[2J\r\n\r\nHi\r\n';
  expect((await run(['captured', 'eml_1'])).printed).toBe('Subject: a[2J\n\nHi\n\n');
  expect((await run(['captured', 'eml_1'], { isInteractive: false })).printed).toBe(answers['GET /v1/emails/eml_1/raw']);
});

it('says what the server said, and no stack', async () => {
  const { end, complained } = await run(['status', 'eml_2']);
  expect([end, complained]).toEqual([1, 'error: no email with this id\n       Check the id.\n       request req_1\n']);
});

it('says where it looked and how to start a server when none answers', async () => {
  vi.stubEnv('SHOAL_URL', 'http://127.0.0.1:9');
  const { end, complained } = await run(['captured']);
  expect(end).toBe(3);
  expect(complained).toContain('error: cannot reach Shoal at http://127.0.0.1:9');
  expect(complained).toContain('npm start');
});
