import { ShoalError } from '../model/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Disk, DiskSeen } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';

/**
 * Stops the intake before the disk is full. A full disk takes no commit and no settle, so below the floor no mail is
 * accepted and none is leased, and what is left belongs to what is under way; when that meets the end of the disk too, the
 * ballast is given up for it. With room again everything goes on by itself.
 */
export interface DiskFloor {
  /** Resolves when new mail may be stored. @throws ShoalError `disk_full` */
  admit(): Promise<void>;
  /** Nothing new is accepted or leased. */
  readonly isShort: boolean;
  /** At the last look; absent before the first. */
  readonly freeBytes: number | undefined;
  /** One sentence for the operator while it is short. */
  readonly problem: string | undefined;
  /** A write found the disk full, whatever was free at the last look. */
  metFull(): void;
  /** Looks again and again, and keeps the ballast, until `signal` fires. */
  watch(signal: AbortSignal): Promise<void>;
}

export interface DiskFloorParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  /** 0: only a write that finds the disk full stops the intake. */
  readonly floorBytes: number;
}

/** A look costs one system call or two; nobody fills a floor of the usual size within this. */
const LOOK_MS = 1_000;
/** The intake begins again this much above the floor, so that it does not flutter around it. */
const RESUME_FACTOR = 1.125;
const BALLAST_FRACTION = 0.5;
/** Below this part of the floor the ballast goes, before a write has to fail. */
const DROP_FRACTION = 0.25;
/** With more than this free nobody needs a ballast: it is made on the way down. */
const PLENTY_FACTOR = 8;
/** After a write found the disk full, what is free by the system's word (it knows no quota) counts only this much later. */
const FULL_REST_MS = 3_000;

export function createDiskFloor({ disk, clock, log, floorBytes }: DiskFloorParts): DiskFloor {
  const ballastBytesMax = Math.floor(floorBytes * BALLAST_FRACTION);
  let isShort = false;
  let freeBytes = Number.POSITIVE_INFINITY;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let restsUntil = Number.NEGATIVE_INFINITY;
  let looking: Promise<DiskSeen | undefined> | undefined;

  function become(short: boolean): void {
    if (short === isShort) return;
    isShort = short;
    if (short) log.error(`${problemNow()}; what is under way is still recorded`);
    else log.info('the disk of the database has room again: mail is accepted and sent', { freeBytes });
  }

  function problemNow(): string {
    const left = `the disk of the database is full or nearly so (${inMib(freeBytes)} MiB free, the floor is ${inMib(floorBytes)} MiB)`;
    return `${left}: nothing new is accepted or sent until there is room`;
  }

  /** Callers of one moment share a look. */
  function look(): Promise<DiskSeen | undefined> {
    looking ??= lookNow().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  async function lookNow(): Promise<DiskSeen | undefined> {
    let seen: DiskSeen;
    try {
      seen = await disk.look();
    } catch (cause) {
      log.warn('the free space of the disk could not be read', { cause });
      return undefined;
    } finally {
      lookedAt = clock.now();
    }
    freeBytes = seen.freeBytes;
    if (seen.ballastBytes > 0 && freeBytes < floorBytes * DROP_FRACTION) dropBallast();
    const spareBytes = spareOf(seen);
    if (spareBytes < floorBytes) become(true);
    else if (spareBytes >= floorBytes * RESUME_FACTOR && clock.now() >= restsUntil) become(false);
    return seen;
  }

  /** What is free with the ballast whole: so neither dropping nor making it moves us over the floor. */
  function spareOf(seen: DiskSeen): number {
    return seen.freeBytes - Math.max(0, ballastBytesMax - seen.ballastBytes);
  }

  function dropBallast(): void {
    try {
      disk.dropBallast();
    } catch (cause) {
      log.warn('the ballast could not be dropped', { cause });
    }
  }

  async function keepBallast(seen: DiskSeen): Promise<void> {
    const isWhole = seen.ballastBytes >= ballastBytesMax;
    if (isShort || isWhole || seen.freeBytes > floorBytes * PLENTY_FACTOR) return;
    try {
      await disk.keepBallast(ballastBytesMax);
    } catch (cause) {
      log.warn('the ballast could not be made', { cause });
    }
  }

  return {
    get isShort() {
      return isShort;
    },
    get freeBytes() {
      return Number.isFinite(freeBytes) ? freeBytes : undefined;
    },
    get problem() {
      return isShort ? problemNow() : undefined;
    },
    async admit() {
      if (clock.now() - lookedAt >= LOOK_MS) await look();
      if (isShort) throw new ShoalError('disk_full', problemNow());
    },
    metFull() {
      restsUntil = clock.now() + FULL_REST_MS;
      dropBallast();
      become(true);
    },
    async watch(signal) {
      while (!signal.aborted) {
        const seen = await look();
        if (seen !== undefined) await keepBallast(seen);
        await clock.sleep(LOOK_MS, signal);
      }
    },
  };
}

/** The floor itself says `0`, an unknown amount nothing. */
function inMib(bytes: number): string {
  return Number.isFinite(bytes) ? String(Math.floor(bytes / 1_048_576)) : 'an unknown number of';
}
