import { randomBytes } from 'node:crypto';
import type { Clock } from './ports/clock.ts';
import type { Random } from './ports/random.ts';

/** The real clock and the real dice. `engine.ts` hands them in; everything else only knows the ports. */
export function machineClock(): Clock {
  return {
    now: () => performance.now(),
    wallNow: () => Date.now(),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve();
        const done = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        signal?.addEventListener('abort', done, { once: true });
      }),
    after: (ms, act) => {
      const timer = setTimeout(act, ms);
      return () => clearTimeout(timer);
    },
  };
}

export function machineRandom(): Random {
  return { uniform: () => Math.random(), bytes: (count) => randomBytes(count) };
}
