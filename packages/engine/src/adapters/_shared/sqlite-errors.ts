import { ShoalError } from '../../model/errors.ts';

/** What an error of SQLite means to us: try again, nothing works any more, or a mistake of ours that goes up as it is. */

/** Primary result codes (sqlite.org/rescode.html). */
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;
/** Extended: the shared memory of the WAL could not grow. It is a file too, and nothing was written wrongly, so it means a full disk. */
const IOERR_SHMSIZE = 10 | (19 << 8);

/** The primary code; both libraries put the extended one into `errcode`, and always the same `code`. */
function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode === IOERR_SHMSIZE ? FULL : error.errcode & 0xff;
}

/** There is no room on the disk. The transaction left nothing behind, and may be tried again when there is. */
export function isFull(error: unknown): boolean {
  return primaryCode(error) === FULL;
}

/** Another connection holds what we need; it will not for long. */
export function isBusy(error: unknown): boolean {
  const code = primaryCode(error);
  return code === BUSY || code === LOCKED;
}

/** What the disk said cannot be trusted any more: a failed sync may have thrown the data away, so it is never repeated. */
export function isBroken(error: unknown): boolean {
  const code = primaryCode(error);
  return code === IOERR || code === CORRUPT || code === NOTADB;
}

/** Troubles of the file become `ledger_unreachable`, and `disk_full` what it has no room for; everything else (a broken rule of the schema, a bug) stays as it is. */
export function asShoalError(error: unknown, path: string): unknown {
  const code = primaryCode(error);
  if (code === undefined) return error;
  if (code === BUSY || code === LOCKED) return unreachable(`${path} is locked by another process`, error);
  if (code === FULL) return new ShoalError('disk_full', 'the disk of the database is full; nothing was stored', { cause: error });
  if (code === IOERR || code === CORRUPT || code === NOTADB || code === READONLY || code === CANTOPEN)
    return unreachable(`${path} cannot be used: ${error instanceof Error ? error.message : String(error)}`, error);
  return error;
}

export function unreachable(message: string, cause?: unknown): ShoalError {
  return new ShoalError('ledger_unreachable', message, { cause });
}
