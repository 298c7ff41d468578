import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { chooseSqliteDriver } from '../../src/adapters/_shared/sqlite-driver.ts';
import { runProgram } from '../../src/cli/program.ts';
import { type Peer, smtpPeer } from './cli-smtp-peer.ts';
import { watchedTerminal } from './cli-terminal.ts';

/** What people get wrong in their first hour. Each mistake is answered with one line of what, and below it what to do. */

const folder = (): string => mkdtempSync(join(tmpdir(), 'shoal-mistake-'));

interface Said {
  readonly end: number;
  readonly printed: string;
  readonly complained: string;
}

async function run(args: readonly string[], how: Parameters<typeof watchedTerminal>[0] = {}): Promise<Said> {
  const terminal = watchedTerminal({ cwd: folder(), ...how, env: { NO_COLOR: '1', SHOAL_LOG: 'silent', ...how.env } });
  const end = await runProgram(args, terminal);
  return { end, printed: terminal.printed(), complained: terminal.complained() };
}

/** Exit code, `error: ...` in one line, what to do below it, and no stack. */
function expectClear({ end, complained }: Said, wanted: { readonly end: number; readonly what: RegExp; readonly todo: RegExp }): void {
  const [what = '', ...todo] = complained.trimEnd().split('\n');
  expect(what).toMatch(/^error: /);
  expect(what).toMatch(wanted.what);
  expect(todo.join('\n')).toMatch(wanted.todo);
  expect(complained).not.toMatch(/^\s+at .+:\d+/m);
  expect(complained).not.toContain('This was not foreseen');
  expect(end).toBe(wanted.end);
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('on the command line', () => {
  it.each([
    ['a misspelt command', ['sned'], /unknown command 'sned'/, /Did you mean send\?/],
    ['a misspelt option', ['serve', '--concurency', '5'], /unknown option '--concurency'/, /Did you mean --concurrency\?/],
    ['a missing option', ['send', '--to', 'a@example.com'], /required option '--subject <text>'/, /^/],
  ])('%s', async (_, args, what, todo) => {
    expectClear(await run(args), { end: 2, what, todo });
  });
});

describe('in the configuration', () => {
  it.each([
    ['a bad ledger URL', { SHOAL_LEDGER: './shoal.db' }, /SHOAL_LEDGER has no scheme; this version has sqlite:PATH/],
    ['an unknown scheme', { SHOAL_LEDGER: 'mysql://localhost' }, /scheme mysql:, which is unknown/],
    ['a misspelt variable', { SHOAL_TRANSPROT: 'smtp://h' }, /SHOAL_TRANSPROT is not an option; did you mean SHOAL_TRANSPORT\?/],
    ['a port that is none', { SHOAL_HTTP: '127.0.0.1:99999' }, /SHOAL_HTTP must be host:port/],
  ])('%s', async (_, env, what) => {
    expectClear(await run(['serve'], { env }), { end: 2, what, todo: /docs\/reference\/config\.md/ });
  });

  it.each([
    ['a syntax error', 'shoal.config.json', '{ "domain": ', /shoal\.config\.json is not JSON/],
    ['a syntax error in a module', 'shoal.config.js', 'export default { domain: ;', /shoal\.config\.js cannot be loaded: ./],
    [
      'an unknown key',
      'shoal.config.json',
      '{ "domian": "a.test" }',
      /domian in shoal\.config\.json is not an option; did you mean domain\?/,
    ],
    ['two files at once', 'shoal.config.json', '{}', /more than one configuration file/],
  ])('%s', async (name, file, text, what) => {
    const cwd = folder();
    writeFileSync(join(cwd, file), text);
    if (name === 'two files at once') writeFileSync(join(cwd, 'shoal.config.js'), 'export default {};');
    expectClear(await run(['serve'], { cwd }), { end: 2, what, todo: /docs\/reference\/config\.md/ });
  });
});

describe('on this machine', () => {
  it('the port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const said = await run(['serve', '--http', `127.0.0.1:${port}`]);
    other.close();
    expectClear(said, { end: 2, what: new RegExp(`${port}`), todo: /./ });
  });

  it('the data folder is a file', async () => {
    const cwd = folder();
    writeFileSync(join(cwd, 'data'), '');
    expectClear(await run(['serve', '--data-dir', './data'], { cwd }), { end: 2, what: /data is a file/, todo: /--data-dir/ });
  });

  it.runIf(process.platform === 'linux')(
    'the data folder is below /proc, and it says so at once',
    async () => {
      const said = await run(['serve', '--data-dir', '/proc/shoal/data']);
      expectClear(said, {
        end: 2,
        what: /data folder \/proc\/shoal\/data cannot be made \(ENOENT\)/,
        todo: /--data-dir or SHOAL_DATA_DIR/,
      });
    },
    2_000,
  );

  /** Root may write anywhere, so it becomes nobody for as long as this takes. */
  async function asNobody(act: () => Promise<Said>): Promise<Said> {
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65_534);
    try {
      return await act();
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  }

  it('the data folder is below one that belongs to root', async () => {
    const dir = folder();
    chmodSync(dir, 0o555);
    const said = await asNobody(() => run(['serve', '--data-dir', join(dir, 'data')]));
    expectClear(said, { end: 2, what: /data cannot be made \(EACCES\)/, todo: /--data-dir/ });
  });

  it('the data folder may not be written', async () => {
    const dir = folder();
    chmodSync(dir, 0o555);
    const said = await asNobody(() => run(['serve', '--data-dir', dir]));
    expectClear(said, { end: 2, what: /cannot make the database file .*permission denied/, todo: /./ });
  });

  it('the database is of a newer version', async () => {
    const cwd = folder();
    const path = join(cwd, 'shoal.db');
    const terminal = watchedTerminal({
      cwd,
      env: { SHOAL_LOG: 'silent', SHOAL_HTTP: '127.0.0.1:0', SHOAL_DATA_DIR: cwd, SHOAL_SIGNUP: 'off' },
    });
    const ended = runProgram(['serve'], terminal);
    await terminal.saw('ready');
    terminal.stop();
    await ended;
    const connection = chooseSqliteDriver().open(path);
    connection.exec('UPDATE schema_versions SET version = version + 1000');
    connection.close();
    expectClear(await run(['serve'], { cwd, env: { SHOAL_HTTP: '127.0.0.1:0', SHOAL_DATA_DIR: cwd } }), {
      end: 2,
      what: /newer/,
      todo: /./,
    });
  });

  it('Node is too old', async () => {
    const bin = readFileSync(fileURLToPath(new URL('../../bin/shoal.js', import.meta.url)), 'utf8');
    const dir = folder();
    writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
    writeFileSync(join(dir, 'old.js'), "Object.defineProperty(process.versions, 'node', { value: '18.20.4' });\n");
    writeFileSync(join(dir, 'shoal.js'), bin);
    const { code, stderr } = await child(['--import', `file://${join(dir, 'old.js')}`, join(dir, 'shoal.js'), 'serve']);
    expect(stderr).toBe('shoal needs Node 20.19 or newer, and this is 18.20.4. Get one from https://nodejs.org.\n');
    expect(code).toBe(2);
  });
});

function child(args: readonly string[]): Promise<{ readonly code: number | null; readonly stderr: string }> {
  const process_: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  process_.stderr?.on('data', (chunk) => {
    stderr += String(chunk);
  });
  return new Promise((resolve) => process_.once('close', (code) => resolve({ code, stderr })));
}

describe('about the mail server, as doctor and init say it', () => {
  let peers: Peer[] = [];
  afterEach(() => {
    for (const peer of peers) peer.close();
    peers = [];
  });
  const ca = fileURLToPath(new URL('../fixtures/tls/peer.crt', import.meta.url));
  const offers = ['STARTTLS', 'AUTH PLAIN', 'PIPELINING', '8BITMIME', 'SIZE'];
  const peer = async (plan: Parameters<typeof smtpPeer>[0]): Promise<number> => {
    const opened = await smtpPeer(plan);
    peers.push(opened);
    return opened.port;
  };
  const examined = async (url: string): Promise<{ readonly end: number; readonly error: unknown }> => {
    const { end, printed } = await run(['doctor', '--json'], { env: { SHOAL_TRANSPORT: url } });
    const { findings } = JSON.parse(printed) as { readonly findings: readonly { readonly level: string; readonly area: string }[] };
    return { end, error: findings.find(({ level }) => level === 'error') };
  };

  it.each([
    ['a wrong password', async () => `smtp://bot:pw@127.0.0.1:${await peer({ offers, tls: { key: 'peer.key', cert: 'peer.crt' } })}?ca=${ca}`, 'login', /refused user and password: 535/, /app password/],
    ['a certificate of another', async () => `smtp://127.0.0.1:${await peer({ offers, tls: { key: 'stranger.key', cert: 'stranger.crt' } })}?ca=${ca}`, 'tls', /certificate/i, /ca=FILE/],
    ['no STARTTLS for a login', async () => `smtp://bot:pw@127.0.0.1:${await peer({ offers: ['AUTH PLAIN'] })}`, 'tls', /no STARTTLS/, /unencrypted/],
    ['nothing listens', async () => 'smtp://127.0.0.1:1', 'transport', /nothing listens at 127\.0\.0\.1:1/, /check host and port/],
    ['a host that does not resolve', async () => 'smtp://mail.invalid:2525', 'transport', /mail\.invalid does not resolve/, /check the name/],
  ])('%s', async (_, url, area, what, todo) => {
    const { end, error } = await examined(await url());
    expect(error).toMatchObject({ area, what: expect.stringMatching(what), todo: expect.stringMatching(todo) });
    expect(end).toBe(1);
  }, 15_000); // biome-ignore format: a row a mistake
});

describe('as a client', () => {
  const home = folder();
  const server = watchedTerminal({ cwd: home, env: { SHOAL_LOG: 'silent', SHOAL_HTTP: '127.0.0.1:0' } });
  let ended: Promise<number>;
  let url: string;
  beforeAll(async () => {
    vi.stubEnv('HOME', home);
    ended = runProgram(['serve', '--json'], server);
    await server.saw('"url"');
    url = (JSON.parse(server.printed()) as { readonly url: string }).url;
    vi.unstubAllEnvs();
  });
  afterAll(async () => {
    server.stop();
    await ended;
  });
  const send = (...more: string[]): readonly string[] => ['send', '--to', 'ann@example.com', '--subject', 'S', ...more];
  const asClient = (args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd = home): Promise<Said> => {
    vi.stubEnv('HOME', home);
    for (const [name, value] of Object.entries({ SHOAL_URL: url, ...env })) vi.stubEnv(name, value);
    return run(args, { cwd });
  };

  it('no server is running', async () => {
    expectClear(await asClient(send('--text', 'x'), { SHOAL_URL: 'http://127.0.0.1:1', SHOAL_TOKEN: 't' }), {
      end: 3,
      what: /127\.0\.0\.1:1/,
      todo: /serve/,
    });
  });

  it.each(['127.0.0.1:7070', 'localhost', 'ftp://127.0.0.1', 'http://127.0.0.1:7070/?x=1'])('SHOAL_URL is %s', async (written) => {
    expectClear(await asClient(['captured'], { SHOAL_URL: written }), {
      end: 2,
      what: /SHOAL_URL is not the URL of a server/,
      todo: /http:\/\/127\.0\.0\.1:7070/,
    });
  });

  it('SHOAL_URL has the path of the API', async () => {
    expectClear(await asClient(['captured'], { SHOAL_URL: `${url}/v1`, SHOAL_TOKEN: 't' }), { end: 1, what: /./, todo: /./ });
  });

  it('the token is of another server', async () => {
    expectClear(await asClient(['captured'], { SHOAL_TOKEN: 'shoal_of_another_server' }), { end: 1, what: /token/i, todo: /token/i });
  });

  it('there is no such sender', async () => {
    expectClear(await asClient(['inbox', 'create', 'x', '--sender', 'bluk']), { end: 1, what: /no sender of this name/, todo: /sender/ });
  });

  it.each([
    ['an address that is none', ['--to', 'ann', '--text', 'x'], 1, /ann|to/, /./],
    ['no body', [], 1, /text|html|body/, /text/],
    ['a file that is not there', ['--text', 'x', '--attach', 'none.pdf'], 2, /--attach none\.pdf: there is no such file/, /folder/],
    ['a file that is too big', ['--text', 'x', '--attach', 'huge.bin'], 2, /huge\.bin has 26 MiB/, /link/],
  ])('%s', async (_, more, end, what, todo) => {
    const cwd = folder();
    if (more.includes('huge.bin')) writeFileSync(join(cwd, 'huge.bin'), Buffer.alloc(26 * 1_048_576));
    expectClear(await asClient(send(...more), {}, cwd), { end, what, todo });
  });

  it('a second server runs on the same folder', async () => {
    // Two share a file safely; only the port can't be had twice. So the second one works, which is what was wanted.
    const second = watchedTerminal({ cwd: home, env: { SHOAL_LOG: 'silent', SHOAL_HTTP: '127.0.0.1:0' } });
    vi.stubEnv('HOME', home);
    const end = runProgram(['serve'], second);
    await second.saw('ready');
    second.stop();
    expect(await end).toBe(0);
  });
});
