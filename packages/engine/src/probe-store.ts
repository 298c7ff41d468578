import { askForDurability } from './adapters/_shared/sqlite-file.ts';
import { chooseSqliteDriver, SAFE_SQLITE, SQLITE_CURES } from './adapters/_shared/sqlite-driver.ts';

export interface StoreProbe {
  readonly driver: string;
  readonly version: string;
  readonly why: string;
  /** Several processes may share a file. */
  readonly isFixed: boolean;
  readonly wanted: string;
  readonly cures: string;
  /** Of the file, where there is one that may be looked into. */
  readonly file?: {
    readonly journalMode: string;
    /** As a connection of the ledger has it (2 is FULL); null where that would have to change the file first. */
    readonly synchronous: number | null;
    readonly latestMs: number | null;
    readonly check: string;
  };
}

/**
 * What SQLite there is, and what a database says about itself. The file is looked into only by a library that may share it:
 * a server may be writing it at this moment.
 */
export function probeStore(path: string | undefined): StoreProbe {
  const driver = chooseSqliteDriver();
  const { name, version, why, isFixed } = driver;
  const facts = { driver: name, version, why, isFixed, wanted: SAFE_SQLITE, cures: SQLITE_CURES };
  if (path === undefined || !isFixed) return facts;
  const connection = driver.open(path);
  try {
    connection.exec('PRAGMA busy_timeout = 1000; PRAGMA query_only = ON');
    const read = (sql: string): unknown => Object.values((connection.prepare(sql).get() as object | undefined) ?? {})[0];
    const hasClock = read("SELECT count(*) FROM sqlite_schema WHERE name = 'file_clock'") === 1;
    const latest = hasClock ? read('SELECT latest_ms FROM file_clock') : undefined;
    const check = String(read('PRAGMA schema_version')) === '0' ? 'empty' : 'readable';
    const journalMode = String(read('PRAGMA journal_mode'));
    const synchronous = journalMode === 'wal' ? Number(askForDurability(connection).synchronous) : null;
    return { ...facts, file: { journalMode, synchronous, latestMs: latest == null ? null : Number(latest), check } };
  } finally {
    connection.close();
  }
}
