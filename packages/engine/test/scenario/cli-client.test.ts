import { mkdtemp, writeFile } from 'node:fs/promises';
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
  expect((await run(MAIL)).printed).toContain('so nothing new was queued;\n--allow-duplicate sends it again.');
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

it('sends a text from standard input with a file and a header', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'shoal-cwd-'));
  await writeFile(join(cwd, 'report.txt'), 'numbers');
  const args = ['send', '--to', 'ann@example.com', '--subject', 'S', '--text', '-', '--attach', 'report.txt', '--header', 'X-Run: 7'];
  expect(await run(args, { cwd, input: async () => 'from a pipe' })).toMatchObject({ end: 0 });
  expect(asked.find(({ route }) => route === 'POST /v1/emails/send')?.body).toMatchObject({
    text: 'from a pipe',
    headers: { 'X-Run': '7' },
    attachments: [{ filename: 'report.txt', content: Buffer.from('numbers').toString('base64') }],
  });
});

it.each([
  [['--attach', 'none.pdf'], /--attach none\.pdf: there is no such file/],
  [['--header', 'no colon'], /--header "no colon" has no name/],
])('refuses %j before it asks the server', async (flags, said) => {
  const { end, complained } = await run(['send', '--to', 'a@example.com', '--subject', 'S', '--text', 'T', ...flags]);
  expect(end).toBe(2);
  expect(complained).toMatch(said);
  expect(asked).toEqual([]);
});

it('works on dead letters by filter, and counts what became of them', async () => {
  const operation = { id: 'op_1', kind: 'requeue', matched: 3, done: 2, failed: 1, createdAt: 'T0', endedAt: 'T1' };
  answers['POST /v1/dead-letters/requeue'] = { ...operation, status: 'running', done: 0, failed: 0, endedAt: null };
  answers['GET /v1/operations/op_1'] = { ...operation, status: 'done' };
  const { end, printed } = await run(['dead-letters', 'requeue', '--reason', 'expired', '--sender', 'default']);
  expect(asked[0]).toEqual({ route: 'POST /v1/dead-letters/requeue', body: { reason: ['expired'], sender: 'default' } });
  expect(printed).toBe('2 of 3 back in the queue, 1 could not be (operation op_1, done).\n');
  expect(end).toBe(1);
});

it('never takes silence for all dead letters', async () => {
  const { end, complained } = await run(['dead-letters', 'purge']);
  expect([end, asked]).toEqual([2, []]);
  expect(complained).toContain('say which dead letters: an id, or a filter, or --all');
  expect((await run(['dead-letters', 'purge', 'job_1', '--all'])).end).toBe(2);
});

it('groups dead letters, and shows one with its attempts', async () => {
  answers['GET /v1/dead-letters/groups'] = { data: [{ reason: 'permanent', count: 2, firstAt: 'T0', lastAt: 'T1', sample: HELD }] };
  answers['GET /v1/dead-letters'] = { data: [HELD], cursor: null };
  expect((await run(['dead-letters', 'groups'])).printed).toContain('permanent  2 mails\n  first    T0\n');
  expect((await run(['dead-letters', 'show', 'job_1'])).printed).toContain('550 no');
  expect((await run(['dead-letters', 'show', 'job_9'])).complained).toContain('no dead letter job_9');
});

it('lists emails by filter, and takes one back', async () => {
  answers['GET /v1/emails'] = { data: [record('queued'), record('queued')], cursor: null };
  answers['POST /v1/emails/eml_1/cancel'] = { status: 'canceled' };
  const { printed } = await run(['emails', 'list', '--status', 'queued', '--since', '2h', '--limit', '1', '--json']);
  expect(JSON.parse(printed)).toMatchObject({ emails: [{ id: 'eml_1' }], hasMore: true });
  expect((await run(['emails', '--since', 'yesterday'])).complained).toContain('--since is no time, got "yesterday"');
  expect((await run(['cancel', 'eml_1'])).printed).toBe('eml_1 is canceled: it will not be sent.\n');
});

it('makes a token with scopes, shows it once, and revokes it', async () => {
  const token = { id: 'tok_1', account: 'acct_1', role: 'agent', scopes: ['send'], inboxes: ['ibx_1'], isStopped: false, createdAt: 'T0' };
  answers['POST /v1/tokens'] = { ...token, token: 'secret-one', expiresAt: null, lastUsedAt: null };
  answers['GET /v1/tokens'] = { data: [token], cursor: null };
  answers['DELETE /v1/tokens/tok_1'] = { id: 'tok_1' };
  const { printed } = await run(['tokens', 'create', '--scope', 'send', '--inbox', 'ibx_1', '--expires', '2030-01-01']);
  expect(printed).toContain('\nsecret-one\n');
  expect(asked[0]?.body).toEqual({ scopes: ['send'], inboxes: ['ibx_1'], expiresAt: '2030-01-01T00:00:00.000Z' });
  expect((await run(['tokens', 'list'])).printed).toBe(
    'tok_1  agent\n  account  acct_1\n  scopes   send\n  inboxes  ibx_1\n  created  T0\n',
  );
  expect((await run(['tokens', 'revoke', 'tok_1', '--json'])).printed).toBe('{"revoked":"tok_1"}\n');
});

it('opens, shows and ends an inbox', async () => {
  answers['GET /v1/inboxes/ibx_1'] = INBOX;
  answers['DELETE /v1/inboxes/ibx_1'] = {};
  expect((await run(['inbox', 'create', 'new'])).printed).toContain('new@shoal.localhost\n');
  expect((await run(['inbox', 'create', 'new', '--name', 'New'])).end).toBe(2);
  expect((await run(['inbox', 'show', 'ibx_1'])).printed).toContain('bot@shoal.localhost\n  id  ibx_1\n');
  expect((await run(['inbox', 'delete', 'ibx_1'])).printed).toContain('is ended');
});

it('watches the queue line by line where nobody looks, until it is stopped', async () => {
  const depth = { ready: 2, leased: 0, sending: 0, scheduled: 0, in_doubt: 0, dead: 0 };
  const queue = { at: 'T0', depth, runnable: { senders: 0, oldestSeconds: 0 }, sentPerMinute: 5, senders: [], next: null, workers: [] };
  answers['GET /v1/queue'] = queue;
  const terminal = watchedTerminal({ isInteractive: false, columns: Number.POSITIVE_INFINITY });
  const ended = runProgram(['queue', '--watch', '0.2'], terminal);
  const line = 'T0  2 ready  0 leased  0 sending  0 scheduled  0 in_doubt  0 dead  5 a minute  0 workers\n';
  await terminal.saw(line + line);
  terminal.stop();
  expect(await ended).toBe(0);
});
