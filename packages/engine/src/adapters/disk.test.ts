import { existsSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openDisk } from './disk.ts';

const MIB = 1_048_576;

describe('the disk of a database', () => {
  let database: string;
  let ballast: string;
  beforeEach(() => {
    const folder = mkdtempSync(join(tmpdir(), 'shoal-disk-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    database = join(folder, 'shoal.db');
    ballast = `${database}.ballast`;
  });

  it('tells what is free, and that there is no ballast', async () => {
    const { freeBytes, ballastBytes } = await openDisk(database).look();
    expect(freeBytes).toBeGreaterThan(0);
    expect(ballastBytes).toBe(0);
  });

  it('keeps a ballast whose blocks are taken, readable by its owner alone, and gives it back', async () => {
    const disk = openDisk(database);
    await disk.keepBallast(2.5 * MIB);
    expect((await disk.look()).ballastBytes).toBeGreaterThanOrEqual(2.5 * MIB);
    expect(statSync(ballast)).toMatchObject({ size: 2.5 * MIB, mode: 0o100600 });
    disk.dropBallast();
    expect(existsSync(ballast)).toBe(false);
    expect((await disk.look()).ballastBytes).toBe(0);
    disk.dropBallast();
  });

  it('counts no holes, and fills those that a crash left', async () => {
    const disk = openDisk(database);
    writeFileSync(ballast, '');
    truncateSync(ballast, 2 * MIB); // a file of this size without a block of its own
    expect((await disk.look()).ballastBytes).toBeLessThan(MIB);
    await disk.keepBallast(2 * MIB);
    expect((await disk.look()).ballastBytes).toBeGreaterThanOrEqual(2 * MIB);
    expect(statSync(ballast).size).toBe(2 * MIB);
  });

  it('leaves no ballast that was dropped while it was made', async () => {
    const disk = openDisk(database);
    const making = disk.keepBallast(64 * MIB);
    await expect.poll(() => existsSync(ballast), { interval: 1 }).toBe(true);
    disk.dropBallast();
    await making;
    expect(existsSync(ballast)).toBe(false);
  });
});
