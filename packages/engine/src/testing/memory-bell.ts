import type { Clock } from '../ports/clock.ts';

/** The doorbell of the memory ledger. */
export interface Bell {
  ring(): void;
  silence(): void;
  wait(maxMs: number, signal: AbortSignal): Promise<void>;
  end(): void;
}

/** A ring that nobody waited for is kept for the next who waits: work may come between a worker's look and its wait. */
export function createBell(clock: Pick<Clock, 'after'>): Bell {
  const waiters = new Set<() => void>();
  let hasRung = false;
  const wakeAll = (): void => {
    for (const wake of [...waiters]) wake();
  };
  return {
    ring() {
      hasRung = waiters.size === 0;
      wakeAll();
    },
    silence() {
      hasRung = false;
    },
    wait: (maxMs, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        if (hasRung) {
          hasRung = false;
          return resolve();
        }
        const wake = (): void => {
          waiters.delete(wake);
          cancel();
          signal.removeEventListener('abort', wake);
          resolve();
        };
        const cancel = clock.after(maxMs, wake);
        signal.addEventListener('abort', wake);
        waiters.add(wake);
      }),
    end: wakeAll,
  };
}
