import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';

/**
 * The clock of a ledger that lives on one machine: the machine's own monotonic time plus an offset kept with the ledger
 * and renewed at each boot. All processes on the file agree, and a jump of the calendar changes nothing. This file alone
 * takes time and timers directly; it is what a port would be filled with.
 */
export interface Machine {
  /** Milliseconds since this boot or any other fixed moment of it, the same for every process, time asleep included. */
  monotonicMs(): number;
  /** Epoch ms of the calendar; looked at once a boot. */
  wallMs(): number;
  /** Names this boot. '' when the system does not say: then only a monotonic time below the one on record tells a new boot. */
  readonly bootId: string;
}

/** What the file remembers. */
export interface ClockRecord {
  readonly bootId: string;
  /** Ledger time is monotonic time plus this. */
  readonly offsetMs: number;
  /** The newest time on record, at most `RECORD_EVERY_MS` behind the newest one given out with a write. */
  readonly latestMs: number;
}

export const RECORD_EVERY_MS = 1_000;
/** Processes of one boot may differ by this much, after the machine slept; a clock further behind the record is of another boot. */
const DISAGREEMENT_MS_MAX = 5_000;

/**
 * The record for this boot: the one there is, or after a boot (or on a new file) one that begins at the calendar's time,
 * and in no case before the newest time on record.
 *
 * @example
 * renewed(undefined, { bootId: 'a', monotonicMs: () => 50, wallMs: () => 1_000 }) // offset 950
 */
export function renewed(record: ClockRecord | undefined, machine: Machine): ClockRecord {
  if (record !== undefined && isOfThisBoot(record, machine)) return record;
  const newest = record === undefined ? 0 : record.latestMs + RECORD_EVERY_MS + 1;
  const startMs = Math.max(Math.ceil(machine.wallMs()), newest);
  return { bootId: machine.bootId, offsetMs: startMs - machine.monotonicMs(), latestMs: startMs };
}

function isOfThisBoot(record: ClockRecord, machine: Machine): boolean {
  return record.bootId === machine.bootId && machine.monotonicMs() + record.offsetMs >= record.latestMs - DISAGREEMENT_MS_MAX;
}

/** Epoch ms by the record; whole, and never going back within this process either. */
export function tellTime(record: ClockRecord, machine: Machine): () => number {
  let latest = record.latestMs;
  return () => {
    latest = Math.max(latest, Math.floor(machine.monotonicMs() + record.offsetMs));
    return latest;
  };
}

// ---- The real machine

/** How often the time asleep is looked up, and what two readings may differ by without any sleep (/proc/uptime counts in 10 ms). */
const SLEEP_LOOKUP_MS = 1_000;
const SLEEP_MS_MIN = 500;

export function thisMachine(): Machine {
  let asleepMs = 0;
  let lookedUpAt = Number.NEGATIVE_INFINITY;
  return {
    bootId: bootId(),
    wallMs: () => Date.now(),
    monotonicMs() {
      const awakeMs = stopwatchMs();
      if (awakeMs - lookedUpAt >= SLEEP_LOOKUP_MS) {
        lookedUpAt = awakeMs;
        asleepMs = timeAsleep(asleepMs, os.uptime() * 1_000 - awakeMs);
      }
      return awakeMs + asleepMs;
    },
  };
}

/**
 * `process.hrtime` stands still while the machine sleeps (CLOCK_MONOTONIC), `os.uptime` does not but is coarse. Their
 * difference only grows, by sleep; less than `SLEEP_MS_MIN` is rounding. Below zero the uptime is a container's, not the
 * machine's, and says nothing.
 */
export function timeAsleep(knownMs: number, differenceMs: number): number {
  return differenceMs - knownMs >= SLEEP_MS_MIN ? differenceMs : knownMs;
}

/** CLOCK_MONOTONIC: for durations, and on Linux the same in every process. */
export function stopwatchMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1_000_000;
}

function bootId(): string {
  try {
    if (process.platform === 'linux') return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    if (process.platform === 'darwin') return execFileSync('sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8' }).trim();
  } catch {
    // A sandbox may hide it.
  }
  return '';
}

// ---- Waiting for the disk and for other processes, which no manual clock can move

/** After the acts of this tick. */
export function afterThisTick(act: () => void): void {
  setImmediate(act);
}

/** Calls `act` after `ms`, unless the returned function was called before. */
export function after(ms: number, act: () => void): () => void {
  const timer = setTimeout(act, ms);
  return () => clearTimeout(timer);
}
