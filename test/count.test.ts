import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const VITEST = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const COUNT = fileURLToPath(new URL('./count.ts', import.meta.url));

vi.setConfig({ testTimeout: 90_000 }); // each starts a whole vitest, which takes long where everything else runs too

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-count-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the closing line', () => {
  it('counts what passed, failed and was skipped, alone on the last line', async () => {
    const run = await runSuite({
      'a.test.ts': `it('a', () => {}); it('b', () => { throw new Error('no'); }); it.skip('c', () => {}); it.todo('d');`,
    });
    expect(run).toMatchObject({ lastLine: '1 passed, 1 failed, 2 skipped', code: 1 });
  });

  it('leaves the skipped out when there are none', async () => {
    const run = await runSuite({ 'a.test.ts': `it('a', () => {});` });
    expect(run).toMatchObject({ lastLine: '1 passed, 0 failed', code: 0 });
  });

  it('counts a file that did not load, a hook that failed and an unhandled error as failures', async () => {
    const run = await runSuite({
      'load.test.ts': `import './missing.ts'; it('never seen', () => {});`,
      'hook.test.ts': `describe('s', () => { afterAll(() => { throw new Error('hook'); }); it('a', () => {}); });`,
      'stray.test.ts': `it('b', () => { Promise.reject(new Error('stray')); });`,
    });
    expect(run).toMatchObject({ lastLine: '2 passed, 3 failed', code: 1 });
  });

  it('says 1 failed when the set-up of the run throws', async () => {
    const run = await runSuite(
      { 'a.test.ts': `it('a', () => {});`, 'setup.ts': `export const setup = () => { throw new Error('no server'); };` },
      { globalSetup: './setup.ts' },
    );
    expect(run).toMatchObject({ lastLine: '0 passed, 1 failed', code: 1 });
  });

  it('says 1 failed when there is no test', async () => {
    expect(await runSuite({})).toMatchObject({ lastLine: '0 passed, 1 failed', code: 1 });
  });
});

describe('the table of backends', () => {
  const SUITES = `
    describe('ledger: memory', () => { it('a', () => {}); });
    describe('ledger: sqlite', () => { it('a', () => { throw new Error('no'); }); });
    describe('control storm: redis', () => { it('a', ({ skip }) => skip('no redis-server found; install it')); });`;

  it('shows what passed, failed and could not run, with the cure', async () => {
    const run = await runSuite({ 'a.test.ts': SUITES });
    expect(run.lines.slice(-3)).toEqual([
      'ledger: memory PASS, sqlite FAIL',
      'control storm: redis NOT RUN (no redis-server found; install it)',
      '1 passed, 1 failed, 1 skipped',
    ]);
  });

  it('counts what could not run as failed where all services are required', async () => {
    const passing = SUITES.replace(`{ throw new Error('no'); }`, '{}');
    const run = await runSuite({ 'a.test.ts': passing }, { env: { REQUIRE_SERVICES: '1' } });
    expect(run).toMatchObject({ lastLine: '2 passed, 1 failed, 1 skipped', code: 1 });
  });
});

interface Run {
  readonly lines: readonly string[];
  readonly lastLine: string | undefined;
  readonly code: number | null;
}

/** Runs a small suite in a process of its own: the line is written when that process exits. */
async function runSuite(
  files: Readonly<Record<string, string>>,
  options: { readonly globalSetup?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Run> {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  // Globals, since a folder outside the repository cannot import vitest.
  const test = { globals: true, reporters: ['default', COUNT], ...(options.globalSetup ? { globalSetup: options.globalSetup } : {}) };
  writeFileSync(join(folder, 'vitest.config.mjs'), `export default { test: ${JSON.stringify(test)} };`);
  const { REQUIRE_SERVICES: _, ...env } = process.env;
  const child = spawn(process.execPath, [VITEST, 'run', '--root', folder], { env: { ...env, ...options.env } });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += String(chunk);
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const lines = output.trimEnd().split('\n');
  return { lines, lastLine: lines.at(-1), code };
}
