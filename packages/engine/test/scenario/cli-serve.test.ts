import { mkdtemp, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import type { OpenEngine } from '../../src/cli/serve.ts';
import { watchedTerminal } from './cli-terminal.ts';

/** What the commands do around an engine: what they print, keep and promise. The engine itself stands in for nothing here. */
let home: string;
let cwd: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'shoal-home-'));
  cwd = await mkdtemp(join(tmpdir(), 'shoal-cwd-'));
  vi.stubEnv('HOME', home);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const TOKEN = 'shoal_sk_c4n4ry';

interface Fake {
  readonly open: OpenEngine;
  readonly log: string[];
  readonly tokens: Set<string>;
}

function fakeEngine(behaviour: { readonly signup?: boolean; readonly drains?: boolean } = {}): Fake {
  const log: string[] = [];
  const tokens = new Set<string>();
  const open: OpenEngine = async (config, parts) => {
    const { http, worker, operations = false } = parts?.roles ?? { http: true, worker: true };
    log.push(`open http=${http} worker=${worker}${operations ? ' operations' : ''} concurrency=${config.concurrency}`);
    return {
      facts: ['ledger: SQLite; what was acknowledged survives a crash', 'transport: capture'],
      captures: true,
      broken: new Promise(() => {}),
      url: config.http === 'off' ? undefined : 'http://127.0.0.1:7070',
      async start() {
        log.push('start');
      },
      async fetch(request) {
        const isKnown = tokens.has(request.headers.get('Authorization')?.slice('Bearer '.length) ?? '');
        if (!request.url.endsWith('/v1/signup')) return new Response('{}', { status: isKnown ? 200 : 401 });
        if (behaviour.signup === false) return Response.json({ error: 'signup_closed', message: 'sign-up is closed' }, { status: 401 });
        const token = `${TOKEN}${tokens.size}`;
        tokens.add(token);
        return Response.json({ token }, { status: 201 });
      },
      async drain() {
        log.push('drain');
        if (behaviour.drains === false) await new Promise(() => {});
        return { released: 1, finished: 2, left: 0 };
      },
      async close() {
        log.push('close');
      },
      async runApart() {
        log.push('apart');
      },
    };
  };
  return { open, log, tokens };
}

async function served(fake: Fake, args: readonly string[] = ['serve']) {
  const terminal = watchedTerminal({ cwd });
  const end = runProgram(args, terminal, fake.open);
  await terminal.saw(args.includes('--json') ? '\n' : 'ready\n');
  terminal.stop();
  return { terminal, end: await end };
}

it('says where it is, where the token is, what a crash can lose and where mail goes, and then that it is ready', async () => {
  const { terminal, end } = await served(fakeEngine());
  expect(end).toBe(0);
  expect(terminal.printed().replace(cwd, 'CWD')).toBe(
    [
      'shoal  http://127.0.0.1:7070',
      'token: created in CWD/.shoal/token; clients on this machine find it by themselves',
      'ledger: SQLite; what was acknowledged survives a crash',
      'transport: capture',
      'No mail leaves this machine: it is captured. `shoal captured` shows it;',
      'SHOAL_TRANSPORT=smtp://HOST:PORT sends it.',
      'ready',
      '',
    ].join('\n'),
  );
});

it('keeps the first token in a file of mode 600, prints the path and never the token (security K3)', async () => {
  for (const args of [['serve'], ['serve', '--json']]) {
    const { terminal } = await served(fakeEngine(), args);
    expect(terminal.printed() + terminal.complained()).not.toContain('c4n4ry');
  }
  expect((await stat(join(cwd, '.shoal/token'))).mode & 0o777).toBe(0o600);
  expect((await stat(join(cwd, '.shoal'))).mode & 0o777).toBe(0o700);
  expect(await readFile(join(cwd, '.shoal/token'), 'utf8')).toContain(TOKEN);
});

it('keeps one token over restarts, also when another data folder served the same address in between', async () => {
  const fake = fakeEngine();
  await served(fake);
  const first = cwd;
  cwd = await mkdtemp(join(tmpdir(), 'shoal-cwd-'));
  await served(fakeEngine());
  const kept = async (): Promise<unknown> => JSON.parse(await readFile(join(home, '.shoal/tokens.json'), 'utf8'));
  cwd = first;
  await served(fake);
  expect(fake.tokens.size).toBe(1);
  expect(await kept()).toEqual({ 'http://127.0.0.1:7070': `${TOKEN}0` });
});

it('leaves a token that clients keep for this server, and takes it for its own', async () => {
  const fake = fakeEngine();
  await served(fake);
  cwd = await mkdtemp(join(tmpdir(), 'shoal-cwd-'));
  await served(fake); // the data folder's file is gone, the ledger is the same
  expect(fake.tokens.size).toBe(1);
});

it('starts without a token where sign-up is off, and says so', async () => {
  const { terminal } = await served(fakeEngine({ signup: false }));
  expect(terminal.printed()).toContain('token: none (sign-up is closed)');
});

it('drains when asked to stop, then exits with 0', async () => {
  const fake = fakeEngine();
  const { terminal, end } = await served(fake, ['serve', '--concurrency', '7']);
  expect(end).toBe(0);
  expect(fake.log).toEqual(['open http=true worker=true concurrency=7', 'start', 'drain', 'close']);
  expect(terminal.complained()).toContain('stopped: 2 finished, 1 given back');
});

it('ends at once when asked a second time', async () => {
  const fake = fakeEngine({ drains: false });
  const terminal = watchedTerminal({ cwd });
  const end = runProgram(['serve'], terminal, fake.open);
  await terminal.saw('ready\n');
  terminal.stop();
  terminal.stop();
  expect(await end).toBe(1);
});

it('works without HTTP, and says how it does only where it was told to', async () => {
  const fake = fakeEngine();
  const { terminal, end } = await served(fake, ['work', '--http', '127.0.0.1:7070']);
  expect(end).toBe(0);
  expect(terminal.printed()).toContain('health: http://127.0.0.1:7070/health, metrics: http://127.0.0.1:7070/metrics\n');
  expect(fake.log[0]).toBe('open http=false worker=true operations concurrency=50');
  const silent = fakeEngine();
  expect((await served(silent, ['work'])).terminal.printed()).not.toContain('health');
  expect(silent.log[0]).toBe('open http=false worker=true concurrency=50');
});

it('runs one job that was set apart, and prints nothing', async () => {
  const fake = fakeEngine();
  const terminal = watchedTerminal({ cwd });
  expect(await runProgram(['work', '--apart-once'], terminal, fake.open)).toBe(0);
  expect(fake.log).toEqual(['open http=false worker=true concurrency=50', 'apart', 'close']);
  expect(terminal.printed() + terminal.complained()).toBe('');
});

it('does not open anything with a wrong configuration, and exits with 2', async () => {
  const fake = fakeEngine();
  for (const args of [
    ['serve', '--http', 'off'],
    ['serve', '--ledger', 'redis://x'],
    ['work', '--concurrency', '0'],
  ]) {
    const terminal = watchedTerminal({ cwd });
    expect(await runProgram(args, terminal, fake.open)).toBe(2);
    expect(terminal.complained()).toMatch(/^error: .*\n {7}Fix the option/);
  }
  expect(fake.log).toEqual([]);
});

it('says an error as JSON on standard output with --json', async () => {
  const terminal = watchedTerminal({ cwd });
  expect(await runProgram(['serve', '--json', '--ledger', 'redis://x'], terminal, fakeEngine().open)).toBe(2);
  expect(JSON.parse(terminal.printed())).toMatchObject({ error: 'bad_config', hint: expect.any(String) });
});
