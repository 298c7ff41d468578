import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { walKeeper } from './sqlite-wal.ts';

const MIB = 1_048_576;

function keeperOf(walBytes: number | undefined, fails?: Error) {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-wal-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'shoal.db-wal');
  if (walBytes !== undefined) {
    writeFileSync(path, '');
    truncateSync(path, walBytes);
  }
  const said: string[] = [];
  const broken: unknown[] = [];
  const look = walKeeper({
    path,
    exec(sql) {
      said.push(sql);
      if (fails !== undefined) throw fails;
    },
    onBroken: (error) => broken.push(error),
  });
  return { look, said, broken };
}

const failure = (errcode: number): Error => Object.assign(new Error(`code ${errcode}`), { errcode });

it('cuts a WAL that is longer than any batch makes it, and looks once a second at most', () => {
  const { look, said } = keeperOf(64 * MIB + 1);
  look();
  look();
  expect(said).toEqual(['PRAGMA wal_checkpoint(TRUNCATE)']);
});

it.each([undefined, 0, 64 * MIB])('leaves a WAL of %s bytes to SQLite', (walBytes) => {
  const { look, said } = keeperOf(walBytes);
  look();
  expect(said).toEqual([]);
});

it.each([
  ['a full disk', 13, 0],
  ['another process in the way', 5, 0],
  ['a failed sync', 10 | (4 << 8), 1],
])('takes %s for what it is', (_, errcode, times) => {
  const { look, broken } = keeperOf(65 * MIB, failure(errcode));
  look();
  expect(broken).toHaveLength(times);
});
