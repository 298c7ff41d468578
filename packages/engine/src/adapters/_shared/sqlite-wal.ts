import { statSync } from 'node:fs';
import { stopwatchMs } from './machine-clock.ts';
import { isBroken } from './sqlite-errors.ts';

/** What SQLite leaves of a WAL it begins anew: twice the pages of a checkpoint (`sqlite-file.ts`), so that usually nothing is cut. */
export const WAL_BYTES_KEPT = 32 * 1_048_576;
/**
 * A WAL of this size is longer than any honest batch makes it: SQLite's own checkpoints copy it back, but begin it anew only
 * in a moment without readers, and many busy processes may leave none (sqlite.org/wal.html#avoiding_excessively_large_wal_files).
 */
const WAL_BYTES_MAX = 64 * 1_048_576;
const LOOK_MS = 1_000;

export interface WalKeeperParts {
  readonly path: string;
  exec(sql: string): void;
  onBroken(error: unknown): void;
}

/** To be called after commits, with no transaction open: looks now and then, and cuts a WAL that grew too long. */
export function walKeeper({ path, exec, onBroken }: WalKeeperParts): () => void {
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  return () => {
    if (stopwatchMs() - lookedAtMs < LOOK_MS) return;
    lookedAtMs = stopwatchMs();
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) <= WAL_BYTES_MAX) return;
    try {
      exec('PRAGMA wal_checkpoint(TRUNCATE)'); // says "busy" while others read; then it is tried again at the next look
    } catch (error) {
      if (isBroken(error)) onBroken(error); // anything else, such as a full disk, leaves the WAL as good as it was
    }
  };
}
