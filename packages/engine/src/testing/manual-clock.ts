import type { Clock } from '../ports/clock.ts';

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /**
   * Moves time on by `ms`. Timers that fall due go off in the order of their times (equal times: as they were set), each at
   * its own time, and what one sets off has run as far as it can before the next. Calls must not overlap.
   */
  advance(ms: number): Promise<void>;
  /** The calendar jumps, as when somebody sets the machine's date; `now()` and timers do not notice. */
  jumpCalendar(ms: number): void;
  /** Timers that have not gone off. */
  readonly pending: number;
}

interface Timer {
  readonly at: number;
  readonly act: () => void;
}

/** 2026-01-01T00:00:00Z: an ordinary day, so that a test reads like one. */
const START_AT = 1_767_225_600_000;

/** `now()` and `wallNow()` both begin at `startAt` (epoch ms), so that a ledger on this clock agrees with the calendar. */
export function createManualClock(startAt: number = START_AT): ManualClock {
  let now = startAt;
  let calendarAheadMs = 0;
  const timers = new Set<Timer>();

  const after = (ms: number, act: () => void): (() => void) => {
    const timer: Timer = { at: now + Math.max(0, ms), act };
    timers.add(timer);
    return () => {
      timers.delete(timer);
    };
  };

  return {
    now: () => now,
    wallNow: () => now + calendarAheadMs,
    after,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const end = (): void => {
          cancel();
          signal?.removeEventListener('abort', end);
          resolve();
        };
        const cancel = after(ms, end);
        signal?.addEventListener('abort', end);
      }),
    async advance(ms) {
      if (!(ms >= 0)) throw new RangeError(`time moves forward only: advance(${ms})`);
      const target = now + ms;
      await settle();
      for (let timer = earliest(timers, target); timer !== undefined; timer = earliest(timers, target)) {
        timers.delete(timer);
        now = timer.at;
        timer.act();
        await settle();
      }
      now = target;
    },
    jumpCalendar(ms) {
      calendarAheadMs += ms;
    },
    get pending() {
      return timers.size;
    },
  };
}

/** A set keeps the order of insertion, so the first of equal times is the one set first. */
function earliest(timers: ReadonlySet<Timer>, until: number): Timer | undefined {
  let first: Timer | undefined;
  for (const timer of timers) if (timer.at <= until && (first === undefined || timer.at < first.at)) first = timer;
  return first;
}

/** Lets every promise that can go on do so: a turn of the event loop comes only after all microtasks. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
