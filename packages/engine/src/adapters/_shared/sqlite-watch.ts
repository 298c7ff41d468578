import { after } from './machine-clock.ts';

/**
 * Tells of changes to the file: of this process at once, of other processes by one poll for everybody who waits, and none
 * while nobody does.
 */
export interface ChangeWatch {
  /** Counts the changes seen; for `changed`, so that a change between a look at the tables and the wait is not missed. */
  revision(): number;
  /** This process changed the file. */
  bump(): void;
  changed(maxMs: number, signal: AbortSignal, since?: number): Promise<void>;
  /** Lets everybody who waits go. */
  close(): void;
}

const POLL_MS = 50;
/** After so many looks that saw nothing it looks less often: an idle worker should cost nothing, and the first mail after a rest can wait a moment. */
const QUIET_POLLS = 100;
const QUIET_POLL_MS = 150;

/** `dataVersion` reads `PRAGMA data_version`, which moves when another connection commits, and costs no query. */
export function changeWatch(dataVersion: () => number): ChangeWatch {
  const waiters = new Set<() => void>();
  let revision = 0;
  let seen = dataVersion();
  let stopPolling: (() => void) | undefined;
  let isClosed = false;
  let quietPolls = 0;

  function bump(): void {
    quietPolls = 0;
    revision += 1;
    for (const wake of [...waiters]) wake();
  }

  function look(): void {
    const version = dataVersion();
    if (version === seen) return;
    seen = version;
    bump();
  }

  function poll(): void {
    stopPolling = undefined;
    try {
      look();
    } catch {
      // Locked for a moment, or broken for good: the next look tells of the change, and the next query of the break. Thrown
      // out of a timer it would end the process.
    }
    quietPolls += 1;
    if (waiters.size > 0) stopPolling = after(pollMs(), poll);
  }

  const pollMs = (): number => (quietPolls < QUIET_POLLS ? POLL_MS : QUIET_POLL_MS);

  return {
    revision: () => revision,
    bump,
    changed(maxMs, signal, since = revision) {
      if (isClosed || signal.aborted || maxMs <= 0) return Promise.resolve();
      look();
      if (revision !== since) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = (): void => {
          waiters.delete(wake);
          cancel();
          signal.removeEventListener('abort', wake);
          if (waiters.size === 0) {
            stopPolling?.();
            stopPolling = undefined;
          }
          resolve();
        };
        const cancel = after(maxMs, wake);
        signal.addEventListener('abort', wake, { once: true });
        waiters.add(wake);
        stopPolling ??= after(pollMs(), poll);
      });
    },
    close() {
      isClosed = true;
      for (const wake of [...waiters]) wake();
    },
  };
}
