/**
 * What outside programs see: real `node` and `python3` processes against a real `shoal serve` and a mail server. A script
 * stands in the test as its user would write it. Here belong clients as they are installed; not here: single requests of the
 * API (`scenario/`), kills (`crash/`).
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import { endGroup } from '../../../../bench/storm/child.mjs';
import { apiAt, freePort, makeWorld, startShoal } from '../../../../bench/storm/shoal.mjs';
import { openScriptedSmtpServer, type ScriptedSmtpServer } from '../../src/testing/index.ts';

const REPO = fileURLToPath(new URL('../../../../', import.meta.url));

export interface Ran {
  readonly code: number;
  readonly printed: string;
  readonly complained: string;
  /** What it printed last, read as JSON. */
  readonly said: () => Readonly<Record<string, unknown>>;
}

export interface ServedShoal {
  readonly url: string;
  readonly sink: ScriptedSmtpServer;
  /** A home folder that nobody has used yet. */
  newHome(): string;
  /** Runs an ES module in a process of its own, in a new home unless one is named. */
  run(script: string, options?: { readonly home?: string; readonly env?: Readonly<Record<string, string>> }): Promise<Ran>;
  runProgram(
    program: string,
    args: readonly string[],
    options?: { readonly home?: string; readonly env?: Readonly<Record<string, string>> },
  ): Promise<Ran>;
  /** The mails whose text holds this. */
  arrived(text: string): readonly string[];
  untilArrived(text: string): Promise<string>;
}

/** One server for all tests of a file; its process ends with them. */
export function serveShoal(): ServedShoal {
  const homes: string[] = [];
  let open: { readonly url: string; readonly sink: ScriptedSmtpServer; readonly close: () => Promise<void> } | undefined;
  const opened = (): NonNullable<typeof open> => {
    if (open === undefined) throw new Error('the server runs within tests only');
    return open;
  };
  beforeAll(async () => {
    open = await start();
  }, 60_000);
  afterAll(async () => {
    await open?.close();
    for (const home of homes) rmSync(home, { recursive: true, force: true });
  });
  const newHome = (): string => {
    const home = mkdtempSync(join(tmpdir(), 'shoal-client-'));
    homes.push(home);
    return home;
  };
  const arrived = (text: string): string[] =>
    opened()
      .sink.mails.map(({ bytes }) => bytes.toString())
      .filter((mail) => mail.includes(text));
  const runProgram: ServedShoal['runProgram'] = (program, args, { home = newHome(), env = {} } = {}) =>
    ran(program, args, { PATH: process.env['PATH'] ?? '', HOME: home, SHOAL_URL: opened().url, ...env });
  return {
    get url() {
      return opened().url;
    },
    get sink() {
      return opened().sink;
    },
    newHome,
    run: (script, options) => runProgram(process.execPath, ['--input-type=module', '--eval', script], options),
    runProgram,
    arrived,
    async untilArrived(text) {
      await opened().sink.until(`a mail with ${JSON.stringify(text)}`, () => arrived(text).length > 0);
      return arrived(text)[0] ?? '';
    },
  };
}

async function start() {
  const world = makeWorld('clients');
  const sink = await openScriptedSmtpServer();
  const port = await freePort();
  const child = startShoal('serve', { world, smtpPort: sink.port, httpPort: port });
  await apiAt(port).whenReady();
  return {
    url: `http://127.0.0.1:${port}`,
    sink,
    async close() {
      await endGroup(child);
      await sink.close();
      world.remove();
    },
  };
}

/** In the root of the repository, where the packages are found as they are installed. */
function ran(program: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(program, args, { cwd: REPO, env, timeout: 60_000 }, (error, printed, complained) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      const said = (): Ran['said'] extends () => infer Said ? Said : never => {
        const last = printed.trim().split('\n').at(-1) ?? '';
        if (!last.startsWith('{')) throw new Error(`it ended with ${code} and said: ${printed}${complained}`);
        return JSON.parse(last);
      };
      resolve({ code, printed, complained, said });
    });
  });
}
