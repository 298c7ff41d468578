import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it, vi } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { type Peer, smtpPeer } from './cli-smtp-peer.ts';
import { watchedTerminal } from './cli-terminal.ts';

let peers: Peer[] = [];
afterEach(() => {
  for (const peer of peers) peer.close();
  peers = [];
  vi.unstubAllEnvs();
});

async function peer(plan: Parameters<typeof smtpPeer>[0]): Promise<Peer> {
  const opened = await smtpPeer(plan);
  peers.push(opened);
  return opened;
}

const folder = (): string => mkdtempSync(join(tmpdir(), 'shoal-init-'));

async function run(args: readonly string[], how: Parameters<typeof watchedTerminal>[0]) {
  const terminal = watchedTerminal({ ...how, env: { NO_COLOR: '1', ...how?.env } });
  const end = await runProgram(args, terminal);
  return { end, printed: terminal.printed(), complained: terminal.complained() };
}

/** A person who answers in this order, and what they were asked in secret. */
function person(answers: readonly string[]): { readonly ask: NonNullable<Terminal['ask']>; readonly secret: readonly string[] } {
  const [left, secret]: [string[], string[]] = [[...answers], []];
  return {
    secret,
    ask: async (question, how) => {
      if (how?.isSecret === true) secret.push(question);
      return left.shift() ?? '';
    },
  };
}

it('asks, writes a configuration with comments that serve can read, and keeps the password out of it', async () => {
  const cwd = folder();
  const { port } = await peer({});
  const { ask, secret } = person(['agents.test', `127.0.0.1:${port}`, 'bot', 'p@ss/word', '']);
  const { end, printed } = await run(['init'], { cwd, ask });
  expect(secret).toEqual(['Password (not shown): ']);
  expect(printed).toContain('the server offers no STARTTLS'); // and so the password was not sent
  expect(end).toBe(1);
  const config = readFileSync(join(cwd, 'shoal.config.js'), 'utf8');
  expect(config).not.toMatch(/p@ss|p%40ss/);
  expect(config).toContain('// Domain of new inboxes.');
  const file = join(cwd, '.shoal/transport.url');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).toBe(`smtp://bot:p%40ss%2Fword@127.0.0.1:${port}\n`);
  const examined = await run(['doctor', '--json'], { cwd });
  expect(JSON.parse(examined.printed).findings).toContainEqual(
    expect.objectContaining({ area: 'config', what: expect.stringContaining('transport in shoal.config.js') }),
  );
});

it.each(['js', 'ts', 'json'])('writes %s without a question where flags say everything, and never writes over it', async (format) => {
  const cwd = folder();
  const { port } = await peer({ offers: ['PIPELINING', '8BITMIME', 'SIZE 35882577'] });
  const args = ['init', '--yes', '--domain', 'agents.test', '--transport', `smtp://127.0.0.1:${port}`, '--format', format, '--json'];
  const first = await run(args, { cwd });
  expect(JSON.parse(first.printed)).toMatchObject({ written: ['.shoal/.gitignore', `shoal.config.${format}`] });
  expect(first.end).toBe(0);
  expect(readFileSync(join(cwd, `shoal.config.${format}`), 'utf8')).toContain('agents.test');
  expect(await run(args, { cwd })).toMatchObject({ end: 2, printed: expect.stringContaining('is here already') });
  expect(await run([...args, '--force'], { cwd })).toMatchObject({ end: 0 });
});

it('writes a password with a quote beside JSON so that a shell reads the whole of it, and keeps it from being committed', async () => {
  const cwd = folder();
  const { port } = await peer({});
  const { ask } = person(['agents.test', `127.0.0.1:${port}`, 'bot', "it's; exit 7", '']);
  await run(['init', '--format', 'json'], { cwd, ask });
  const file = join(cwd, '.shoal/shoal.env');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(cwd, '.shoal/.gitignore'), 'utf8')).toBe('*\n');
  const read = execFileSync('sh', ['-c', '. "$1"; printf %s "$SHOAL_TRANSPORT"', 'sh', file], { encoding: 'utf8' });
  expect(read).toBe(`smtp://bot:it's%3B%20exit%207@127.0.0.1:${port}`);
});

it('says what it would have to ask where there is nobody to ask', async () => {
  const { end, complained } = await run(['init', '--domain', 'agents.test'], { cwd: folder() });
  expect(end).toBe(2);
  expect(complained).toContain('would have to ask for --transport, --data-dir, and there is no terminal');
});

it('logs in over STARTTLS as the transport would, and says with what', async () => {
  const { port, heard } = await peer({
    offers: ['STARTTLS', 'AUTH PLAIN', 'PIPELINING', '8BITMIME', 'SIZE 35882577'],
    tls: { key: 'peer.key', cert: 'peer.crt' },
    auth: '235 2.7.0 welcome',
  });
  const url = `smtp://bot:pw@127.0.0.1:${port}?ca=${fileURLToPath(new URL('../fixtures/tls/peer.crt', import.meta.url))}`;
  const { end, printed } = await run(['doctor'], { cwd: folder(), env: { SHOAL_TRANSPORT: url }, columns: 200 });
  expect(printed).toContain('login: accepted with PLAIN');
  expect(printed).toMatch(/tls: TLSv1\.[23], certificate for/);
  expect(printed).toContain('PIPELINING, 8BITMIME and SIZE are there');
  expect(heard.map((line) => line.slice(0, 4))).toEqual(['EHLO', 'STAR', 'EHLO', 'AUTH', 'QUIT']);
  expect(end).toBe(0);
});

it('sends no mail while it looks at a server, and says what each missing thing means', async () => {
  const { port, heard } = await peer({ offers: ['SIZE 1048576'] });
  const { end, printed } = await run(['doctor'], { cwd: folder(), env: { SHOAL_TRANSPORT: `smtp://127.0.0.1:${port}` }, columns: 200 });
  expect(end).toBe(0);
  expect(heard.map((line) => line.slice(0, 4))).toEqual(['EHLO', 'QUIT']);
  for (const said of ['no PIPELINING: every mail costs', 'no 8BITMIME', 'takes mails up to 1 MiB only', 'mail goes out unencrypted'])
    expect(printed).toContain(said);
});

it.each([40, 80])('stays within %i columns', async (columns) => {
  const { printed } = await run(['doctor'], { cwd: folder(), columns });
  const tooLong = printed.split('\n').filter((line) => line.length > columns && line.trim().includes(' ') && !line.includes('/'));
  expect(tooLong).toEqual([]);
});

it('looks at every sender of the configuration, and says which one it means', async () => {
  const cwd = folder();
  const { port } = await peer({ offers: ['PIPELINING', '8BITMIME', 'SIZE'] });
  const senders = { bulk: { transport: 'smtp://127.0.0.1:1' } };
  writeFileSync(join(cwd, 'shoal.config.json'), JSON.stringify({ transport: `smtp://127.0.0.1:${port}`, senders }));
  const { end, printed } = await run(['doctor'], { cwd, columns: 200 });
  expect(printed).toContain(`sender default: 127.0.0.1:${port}`);
  expect(printed).toContain('error    transport: sender bulk: nothing listens at 127.0.0.1:1');
  expect(end).toBe(1);
});

it('looks at a database in use without changing it, and names who has it open', async () => {
  const cwd = folder();
  const server = watchedTerminal({ cwd, env: { SHOAL_HTTP: '127.0.0.1:0', SHOAL_SIGNUP: 'off' } });
  vi.stubEnv('HOME', cwd);
  const ended = runProgram(['serve'], server);
  await server.saw('ready');
  const { end, printed } = await run(['doctor'], { cwd });
  server.stop();
  expect(await ended).toBe(0);
  expect(printed).toContain('durability: synchronous=FULL, WAL');
  expect(end).toBe(0);
});

it('tells of a secret that others can read', async () => {
  const cwd = folder();
  expect((await run(['init', '--yes'], { cwd })).end).toBe(0);
  writeFileSync(join(cwd, '.shoal/token'), 'x', { mode: 0o644 });
  expect((await run(['doctor'], { cwd })).printed).toMatch(/has mode 644: other users\s+can read it/);
});
