import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Machine, RECORD_EVERY_MS, renewed, tellTime, timeAsleep } from '../../src/adapters/_shared/machine-clock.ts';
import { openSqliteFile, type SqliteFile } from '../../src/adapters/_shared/sqlite-file.ts';

const HOUR = 3_600_000;
const NOW = 1_767_225_600_000;

/** A machine whose clocks a test moves. */
function machine(bootId = 'boot-1') {
  const at = { monotonicMs: 5_000, wallMs: NOW };
  const clocks: Machine = { bootId, monotonicMs: () => at.monotonicMs, wallMs: () => at.wallMs };
  return {
    clocks,
    pass: (ms: number): void => {
      at.monotonicMs += ms;
      at.wallMs += ms;
    },
    jumpCalendar: (ms: number): void => {
      at.wallMs += ms;
    },
    /** Another boot of it: monotonic time begins anew. */
    reboot: (changes: { readonly wallMs?: number; readonly bootId?: string } = {}): Machine => {
      const started = { monotonicMs: 10, wallMs: changes.wallMs ?? at.wallMs };
      return { bootId: changes.bootId ?? 'boot-2', monotonicMs: () => started.monotonicMs, wallMs: () => started.wallMs };
    },
  };
}

describe('the clock of a SQLite file', () => {
  let folder: string;
  const files: SqliteFile[] = [];
  const open = async (clocks: Machine): Promise<SqliteFile> => {
    const file = await openSqliteFile(join(folder, 'shoal.db'), { machine: clocks });
    files.push(file);
    return file;
  };
  const touch = (file: SqliteFile): Promise<unknown> =>
    file.write(() => {
      file.exec('CREATE TABLE IF NOT EXISTS touched (at INTEGER)');
      file.prepare('INSERT INTO touched (at) VALUES (?)').run(file.now());
    });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'shoal-clock-'));
  });
  afterEach(async () => {
    for (const file of files.splice(0)) await file.close();
    await rm(folder, { recursive: true });
  });

  it('begins at the calendar of the machine', async () => {
    expect((await open(machine().clocks)).now()).toBe(NOW);
  });

  it('is the same for two openings in one boot, whatever the calendar says to the second', async () => {
    const host = machine();
    const first = await open(host.clocks);
    host.pass(1_234);
    host.jumpCalendar(-HOUR);
    const second = await open(host.clocks);
    expect(second.now()).toBe(first.now());
    expect(first.now()).toBe(NOW + 1_234);
  });

  it.each([HOUR, -HOUR])('does not notice that the calendar jumps by %d ms', async (jumpMs) => {
    const host = machine();
    const file = await open(host.clocks);
    host.jumpCalendar(jumpMs);
    host.pass(50);
    expect(file.now()).toBe(NOW + 50);
  });

  it('follows the calendar anew after a boot', async () => {
    const host = machine();
    await touch(await open(host.clocks));
    host.pass(HOUR);
    expect((await open(host.reboot())).now()).toBe(NOW + HOUR);
  });

  it('does not go back over a boot, even when the calendar did', async () => {
    const host = machine();
    const before = await open(host.clocks);
    host.pass(10 * RECORD_EVERY_MS);
    await touch(before);
    const latest = before.now();
    const after = await open(host.reboot({ wallMs: NOW - HOUR }));
    expect(after.now()).toBeGreaterThan(latest);
  });

  it('does not go back over a boot by what was told since the last record', async () => {
    const host = machine();
    const before = await open(host.clocks);
    await touch(before);
    host.pass(RECORD_EVERY_MS - 1); // too soon for another record
    await touch(before);
    const latest = before.now();
    expect((await open(host.reboot({ wallMs: NOW - HOUR }))).now()).toBeGreaterThan(latest);
  });

  it('knows a boot without a name by a monotonic time below the one on record', async () => {
    const host = machine('');
    const before = await open(host.clocks);
    host.pass(HOUR);
    await touch(before);
    const after = await open(host.reboot({ bootId: '', wallMs: NOW + 2 * HOUR }));
    expect(after.now()).toBe(NOW + 2 * HOUR);
  });
});

describe('time', () => {
  it('stays whole and never goes back within a process', () => {
    let monotonicMs = 100.7;
    const now = tellTime({ bootId: 'a', offsetMs: 1_000, latestMs: 0 }, { bootId: 'a', monotonicMs: () => monotonicMs, wallMs: () => 0 });
    expect(now()).toBe(1_100);
    monotonicMs = 90;
    expect(now()).toBe(1_100);
  });

  it('is not renewed while the boot is the same', () => {
    const record = { bootId: 'a', offsetMs: 7, latestMs: 100 };
    expect(renewed(record, { bootId: 'a', monotonicMs: () => 200, wallMs: () => 9_999_999 })).toBe(record);
  });

  it('counts the time a machine sleeps, but not the coarseness of its uptime', () => {
    expect(timeAsleep(0, 9)).toBe(0);
    expect(timeAsleep(0, 60_000)).toBe(60_000);
    expect(timeAsleep(60_000, 59_995)).toBe(60_000);
    expect(timeAsleep(0, -86_400_000)).toBe(0); // the uptime of a container
  });
});
