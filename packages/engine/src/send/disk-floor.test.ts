import { describe, expect, it } from 'vitest';
import type { Disk } from '../ports/disk.ts';
import { createManualClock } from '../testing/manual-clock.ts';
import { createDiskFloor } from './disk-floor.ts';

const MIB = 1_048_576;
const FLOOR_MIB = 100;

/** A disk of numbers: others fill it, the ballast takes and gives. */
function openNumbers(freeMib: number) {
  const seen = { freeMib, ballastMib: 0, made: 0, dropped: 0, isUnreadable: false };
  const disk: Disk = {
    async look() {
      if (seen.isUnreadable) throw new Error('statfs failed');
      return { freeBytes: seen.freeMib * MIB, ballastBytes: seen.ballastMib * MIB };
    },
    async keepBallast(bytes) {
      seen.freeMib -= bytes / MIB - seen.ballastMib;
      seen.ballastMib = bytes / MIB;
      seen.made += 1;
    },
    dropBallast() {
      seen.freeMib += seen.ballastMib;
      seen.ballastMib = 0;
      seen.dropped += 1;
    },
  };
  return { disk, seen };
}

function watched(freeMib: number, floorMib = FLOOR_MIB) {
  const clock = createManualClock();
  const said: string[] = [];
  const say =
    (level: string) =>
    (message: string): void =>
      void said.push(`${level}: ${message}`);
  const log = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
  const { disk, seen } = openNumbers(freeMib);
  const floor = createDiskFloor({ disk, clock, log, floorBytes: floorMib * MIB });
  const over = new AbortController();
  void floor.watch(over.signal);
  const refusal = (): Promise<unknown> =>
    floor.admit().then(
      () => 'admitted',
      (error: { readonly code?: string }) => error.code,
    );
  return { clock, said, seen, floor, refusal, over };
}

describe('the disk floor', () => {
  it('refuses mail below the floor, and takes it again some way above it, without a restart', async () => {
    const { clock, seen, floor, refusal } = watched(10_000);
    await clock.advance(0);
    expect(await refusal()).toBe('admitted');

    seen.freeMib = FLOOR_MIB + 49; // the ballast that is not made yet is not free
    await clock.advance(1_000);
    expect(floor.isShort).toBe(true);
    expect(await refusal()).toBe('disk_full');
    expect(floor.problem).toContain('149 MiB free, the floor is 100 MiB');

    seen.freeMib = FLOOR_MIB + 60; // above the floor by less than an eighth
    await clock.advance(1_000);
    expect(await refusal()).toBe('disk_full');

    seen.freeMib = FLOOR_MIB + 63;
    await clock.advance(1_000);
    expect(await refusal()).toBe('admitted');
    expect(floor.problem).toBeUndefined();
  });

  it('asks the disk itself when its last look is a second old, and not for every mail', async () => {
    const { clock, seen, refusal, over } = watched(10_000);
    await clock.advance(0);
    over.abort(); // nobody watches: only submits look
    seen.freeMib = 10;
    await clock.advance(999);
    expect(await refusal()).toBe('admitted');
    await clock.advance(1);
    expect(await refusal()).toBe('disk_full');
  });

  it('says once when it begins and once when it ends', async () => {
    const { clock, said, seen } = watched(10_000);
    await clock.advance(3_000);
    seen.freeMib = 10;
    await clock.advance(60_000);
    seen.freeMib = 10_000;
    await clock.advance(60_000);
    expect(said).toEqual([
      expect.stringMatching(/^error: the disk .*nothing new is accepted/),
      expect.stringMatching(/^info: .*room again/),
    ]);
  });

  it('makes a ballast of half the floor when room becomes scarce, and not before', async () => {
    const { clock, seen } = watched(8 * FLOOR_MIB + 1);
    await clock.advance(5_000);
    expect(seen.ballastMib).toBe(0);
    seen.freeMib = 8 * FLOOR_MIB;
    await clock.advance(1_000);
    expect(seen.ballastMib).toBe(FLOOR_MIB / 2);
    await clock.advance(5_000);
    expect(seen.made).toBe(1);
  });

  it('drops the ballast below a quarter of the floor, refuses all the while, and makes it again with room', async () => {
    const { clock, seen, refusal } = watched(500);
    await clock.advance(0);
    expect(seen.ballastMib).toBe(50);
    seen.freeMib = 26;
    await clock.advance(1_000);
    expect(seen.ballastMib).toBe(50);
    seen.freeMib = 24;
    await clock.advance(1_000);
    expect(seen).toMatchObject({ freeMib: 74, ballastMib: 0, dropped: 1 });
    await clock.advance(30_000);
    expect(await refusal()).toBe('disk_full');
    expect(seen).toMatchObject({ ballastMib: 0, made: 1 });

    seen.freeMib = 500;
    await clock.advance(2_000);
    expect(await refusal()).toBe('admitted');
    expect(seen).toMatchObject({ freeMib: 450, ballastMib: 50 });
  });

  it('drops the ballast at once when a write found the disk full, and refuses before the next look', async () => {
    const { clock, seen, floor, refusal } = watched(500);
    await clock.advance(0);
    floor.metFull();
    expect(seen.ballastMib).toBe(0);
    expect(await refusal()).toBe('disk_full');
  });

  it('does not trust a free space that a write just found wrong, and does for a while later', async () => {
    const { clock, floor, refusal } = watched(500);
    await clock.advance(0);
    floor.metFull(); // a quota, say
    await clock.advance(2_000);
    expect(await refusal()).toBe('disk_full');
    await clock.advance(2_000);
    expect(await refusal()).toBe('admitted');
  });

  it('refuses nothing with a floor of 0, until a write finds the disk full', async () => {
    const { clock, seen, floor, refusal } = watched(0, 0);
    await clock.advance(5_000);
    expect(await refusal()).toBe('admitted');
    expect(seen.made).toBe(0);
    floor.metFull();
    expect(await refusal()).toBe('disk_full');
  });

  it('stays as it is while the free space cannot be read, and says so', async () => {
    const { clock, said, seen, refusal } = watched(500);
    await clock.advance(0);
    seen.isUnreadable = true;
    await clock.advance(1_000);
    expect(await refusal()).toBe('admitted');
    expect(said).toContain('warn: the free space of the disk could not be read');
  });
});
