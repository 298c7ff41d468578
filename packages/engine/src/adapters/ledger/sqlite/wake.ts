import { stopwatchMs } from '../../_shared/machine-clock.ts';
import type { SqliteFile } from '../../_shared/sqlite-file.ts';
import { hasReady, nextDueAt } from './queries.ts';

/**
 * The doorbell. The file tells of every change; only one after which there may be something to lease, or something is due
 * sooner than was known, wakes a worker.
 */
export interface Bell {
  /** What a lease saw, taken inside its act: a change after it is news to whoever waits next. */
  note(seen: Seen): void;
  wake(maxMs: number, signal: AbortSignal): Promise<void>;
  end(): void;
}
export interface Seen {
  readonly revision: number;
  readonly nextDueAt: number;
}

export function ledgerBell(file: SqliteFile): Bell {
  const waiting = new Set<AbortController>();
  const look = { sql: file.prepare };
  let seen: Seen = { revision: file.revision(), nextDueAt: Number.POSITIVE_INFINITY };
  let isEnded = false;

  async function waitForWork(maxMs: number, signal: AbortSignal): Promise<void> {
    let { revision } = seen;
    const known = seen.nextDueAt;
    const endsAt = stopwatchMs() + maxMs;
    for (;;) {
      const leftMs = endsAt - stopwatchMs();
      if (leftMs <= 0 || signal.aborted) return;
      await file.changed(leftMs, signal, revision);
      if (signal.aborted || file.revision() === revision) return;
      revision = file.revision();
      if (hasReady(look)) return;
      const dueAt = nextDueAt(look);
      if (dueAt < known || dueAt <= file.now()) return;
    }
  }

  return {
    note(next) {
      seen = next;
    },
    async wake(maxMs, signal) {
      if (signal.aborted || isEnded) return;
      const ended = new AbortController();
      const abort = (): void => ended.abort();
      signal.addEventListener('abort', abort, { once: true });
      waiting.add(ended);
      try {
        await waitForWork(maxMs, ended.signal);
      } finally {
        waiting.delete(ended);
        signal.removeEventListener('abort', abort);
      }
    },
    end() {
      isEnded = true;
      for (const each of waiting) each.abort();
    },
  };
}
