import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteFile } from '../../src/adapters/_shared/sqlite-file.ts';
import { openSqliteLedger } from '../../src/adapters/ledger/sqlite/index.ts';
import { jobIdIn, laneId, messageId, senderId, tenantId } from '../../src/model/ids.ts';
import type { NewJob } from '../../src/ports/ledger.ts';

const CHILD = fileURLToPath(new URL('sqlite-child.mjs', import.meta.url));
const BUILT = fileURLToPath(new URL('../../dist/adapters/ledger/sqlite/index.js', import.meta.url));

describe('several processes on one SQLite file', { timeout: 120_000 }, () => {
  let folder: string;
  let path: string;
  const children = new Set<ChildProcess>();

  beforeAll(() => {
    if (!existsSync(BUILT)) throw new Error('these tests run the build: `npm run build` first');
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'shoal-processes-'));
    path = join(folder, 'shoal.db');
  });
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    children.clear();
    await rm(folder, { recursive: true });
  });

  function start(...words: readonly string[]): { child: ChildProcess; lines: string[]; ended: Promise<number | null> } {
    const child = spawn(process.execPath, [CHILD, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    children.add(child);
    let [out, error] = ['', ''];
    const lines: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const whole = (out + text).split('\n');
      out = whole.pop() ?? '';
      lines.push(...whole);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      error += text;
    });
    const ended = new Promise<number | null>((resolve, reject) => {
      child.on('close', (code, signal) => (code === 0 || signal === 'SIGKILL' ? resolve(code) : reject(new Error(error))));
    });
    return { child, lines, ended };
  }

  function jobs(count: number): NewJob[] {
    return Array.from({ length: count }, (_, index) => {
      const hash = new Uint8Array(16);
      new DataView(hash.buffer).setUint32(0, index);
      const id = jobIdIn(0, hash);
      return {
        id,
        kind: 'send',
        tenant: tenantId(`acct_${'a'.repeat(26)}`),
        sender: senderId('default'),
        lane: laneId(`lane-${index % 7}`),
        messageId: messageId(`eml_${id.slice('job_'.length)}`),
        envelope: { from: 'a@shoal.localhost', to: [`p${index}@example.com`], smtpUtf8: false, eightBit: false },
        payload: new Uint8Array(200),
        onDoubt: 'hold',
        priority: 'normal',
        fingerprint: `${index}`,
        guardMs: 0,
      };
    });
  }

  it('send 5,000 jobs by two workers, each job once', async () => {
    const file = await openSqliteFile(path);
    const ledger = await openSqliteLedger(file, { keepsPayloads: true });
    const all = jobs(5_000);
    for (let at = 0; at < all.length; at += 1_000) await ledger.enqueue(all.slice(at, at + 1_000));
    await file.close();

    const workers = ['wrk_aaaaaaaaaaaa', 'wrk_bbbbbbbbbbbb'].map((worker) => start('work', path, worker));
    await Promise.all(workers.map(({ ended }) => ended));
    const sent = workers.flatMap(({ lines }) => lines);
    expect(new Set(sent).size).toBe(sent.length);
    expect(sent.sort()).toEqual(all.map(({ id }) => String(id)).sort());
    for (const { lines } of workers) expect(lines.length).toBeGreaterThan(0);
  });

  it('open a fresh file at the same moment, and one of them makes the tables', async () => {
    await Promise.all(Array.from({ length: 4 }, () => start('open', path).ended));
    const file = await openSqliteFile(path);
    expect(file.prepare("SELECT version FROM schema_versions WHERE owner = 'ledger'").all()).toHaveLength(1);
    await file.close();
  });

  it('lose nothing that was acknowledged when a writer is killed, and leave the file whole', async () => {
    const acknowledged: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const { child, lines, ended } = start('write', path);
      const enough = lines.length + 20 + round * 7;
      await new Promise<void>((resolve) => {
        child.stdout?.on('data', () => lines.length >= enough && resolve());
        child.on('close', () => resolve());
      });
      child.kill('SIGKILL');
      await ended;
      expect(lines.length).toBeGreaterThanOrEqual(enough);
      acknowledged.push(...lines.map(Number));
    }
    const file = await openSqliteFile(path);
    expect(file.prepare('PRAGMA integrity_check').all()).toEqual([expect.objectContaining({ integrity_check: 'ok' })]);
    const kept = new Set(
      file
        .prepare('SELECT n FROM numbers')
        .all()
        .map(({ n }) => Number(n)),
    );
    expect(acknowledged.filter((n) => !kept.has(n))).toEqual([]);
    await file.close();
  });
});
