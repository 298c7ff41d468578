import { chmodSync, closeSync, openSync, statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ShoalError } from '../../model/errors.ts';
import { after, type ClockRecord, type Machine, RECORD_EVERY_MS, renewed, stopwatchMs, tellTime, thisMachine } from './machine-clock.ts';
import { makeFolder } from './make-folder.ts';
import { chooseSqliteDriver, isFixedSqlite, SAFE_SQLITE, SQLITE_CURES, type SqliteConnection, type SqliteDriver } from './sqlite-driver.ts';
import { asShoalError, isBroken, isBusy, unreachable } from './sqlite-errors.ts';
import { groupCommit } from './sqlite-group.ts';
import { type Migration, migrateNow } from './sqlite-migrations.ts';
import { preparer, type Row, type Statement } from './sqlite-statement.ts';
import { WAL_BYTES_KEPT, walKeeper } from './sqlite-wal.ts';
import { changeWatch } from './sqlite-watch.ts';

/**
 * What several plugs share: one SQLite file and the one connection this process has to it, for the ledger and the store
 * on that file. Here: opening it safely, group commit, the clock, waking. Not here: anybody's tables but the file's own.
 */
export interface SqliteFile {
  readonly path: string;
  /** `SQLite 3.53.0, WAL, synchronous=FULL`. */
  readonly description: string;
  /** No other process can use the file while this one has it. */
  readonly isAlone: boolean;
  /** What the operator should know, such as an unsafe SQLite; for the start-up lines. */
  readonly warnings: readonly string[];
  /** Prepared once and kept by its text. A boolean is bound as 0 or 1; undefined and objects are refused. */
  prepare<R extends object = Row>(sql: string): Statement<R>;
  /** Several statements without parameters, for schemas. */
  exec(sql: string): void;
  /**
   * Runs `act` inside the next write transaction; all acts asked for in one tick of the event loop share one. Resolves
   * once it is on disk. `act` is synchronous and may run again when another act of its group threw, so it changes
   * nothing but the database.
   *
   * @throws ShoalError `ledger_unreachable` (locked for too long, or failing), `disk_full`, `shutting_down`; what `act` threw
   */
  write<T>(act: () => T): Promise<T>;
  /** Runs `act`, which only reads, at once; again when another process was in the way. */
  read<T>(act: () => T): Promise<T>;
  /** The ledger's clock: machine-wide, never going back, the same for every process on the file; epoch ms. */
  now(): number;
  /** Counts the changes this process made or saw. */
  revision(): number;
  /** Resolves when another process or this one changed the file since `since` (a `revision()`; absent: now), after `maxMs`, or when `signal` fires. */
  changed(maxMs: number, signal: AbortSignal, since?: number): Promise<void>;
  /** From now on `listener` hears of every transaction that is on disk, before its acts are answered. */
  onWritten(listener: (transaction: SqliteWritten) => void): void;
  /** From now on `listener` hears of a disk that is full, and once of a file that cannot be trusted any more. */
  onTrouble(listener: (trouble: SqliteTrouble) => void): void;
  /** Ends the writes that were asked for, then closes. */
  close(): Promise<void>;
}

export interface SqliteWritten {
  /** Acts that shared it. */
  readonly acts: number;
  /** From its begin to the end of its sync. */
  readonly durationMs: number;
}

export type SqliteTrouble =
  /** A write found no room, and left nothing. */
  | { readonly kind: 'full' }
  /** A write, a sync or a look at the file failed in a way that is never repeated: the process has to end, and recovers from disk. */
  | { readonly kind: 'broken'; readonly error: ShoalError };

export interface SqliteFileOptions {
  /** With a SQLite that is not safe to share: `if-safe` (the default) holds the file alone, `required` refuses to start. */
  readonly sharing?: 'if-safe' | 'required';
  /** How long a write may wait for other processes. */
  readonly busyMsMax?: number;
  readonly driver?: SqliteDriver;
  /** The machine's clocks. */
  readonly machine?: Machine;
  /** A whole clock in epoch ms, in place of the file's own: for tests that move time. */
  readonly now?: () => number;
}

/** Our own: longer than any honest transaction, shorter than a caller's patience. */
const BUSY_MS_MAX = 10_000;
/** This long SQLite itself waits for a lock, and blocks the event loop; then we wait without blocking. */
const BUSY_BLOCKING_MS = 25;
/** 16 MiB of pages in memory, so that the inner pages of a million jobs' indexes stay there. */
const CACHE_KIB = 16_384;
/** Pages in the WAL before a checkpoint: 16 MiB, so that a page written many times is copied back once. */
const CHECKPOINT_PAGES = 4_096;

const FILE_MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE file_clock (
        one INTEGER PRIMARY KEY CHECK (one = 1), boot_id TEXT NOT NULL, offset_ms REAL NOT NULL, latest_ms INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE file_libraries (
        version TEXT NOT NULL, source_id TEXT NOT NULL, first_used_at INTEGER NOT NULL,
        shared INTEGER NOT NULL, -- it wrote while others could
        checked_at INTEGER,      -- integrity_check after an affected version wrote shared
        PRIMARY KEY (version, source_id)
      ) STRICT, WITHOUT ROWID;`,
  },
];

/**
 * Opens the file, and makes it and its folder when there is none (mode 600).
 *
 * @throws ShoalError `sqlite_unsafe` when this SQLite may not share the file and must; `bad_config` when the file is of a
 * newer Shoal; `ledger_unreachable` when it cannot be opened or stays locked
 */
export async function openSqliteFile(path: string, options: SqliteFileOptions = {}): Promise<SqliteFile> {
  const driver = options.driver ?? chooseSqliteDriver();
  const isAlone = !driver.isFixed;
  if (isAlone && options.sharing === 'required') throw refuseToShare(driver, path);
  const file = resolve(path);
  const warnings = [...(isAlone ? [`${driver.why}; ${file} is held by this process alone: ${SQLITE_CURES}`] : []), ...makeFile(file)];

  const connection = openConnection(driver, file);
  try {
    const busyMsMax = options.busyMsMax ?? BUSY_MS_MAX;
    const retrying = <T>(act: () => T): Promise<T> => untilFree(act, busyMsMax, file);
    if (isAlone) holdAlone(connection, driver, file);
    await retrying(() => setDurable(connection));
    const prepare = preparer(connection);
    const exec = (sql: string): void => connection.exec(sql);
    const prepared = { path: file, exec, prepare };
    const begun = await retrying(() => inOneTransaction(exec, () => begin(prepared, driver, options)));
    warnings.push(...begun.warnings);
    return running({ connection, prepare, exec, file, driver, isAlone, warnings, busyMsMax, now: begun.now });
  } catch (error) {
    connection.close();
    throw asShoalError(error, file);
  }
}

// ---- Opening, step by step

/** Returns warnings. Beware: a file that exists is not opened here, since closing it again would drop SQLite's locks on it. */
function makeFile(path: string): string[] {
  try {
    makeFolder(dirname(path));
    try {
      closeSync(openSync(path, 'wx', 0o600));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      chmodSync(path, 0o600);
    }
    return networkWarnings(dirname(path));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ShoalError('bad_config', `cannot make the database file ${path}: ${reason}`, { cause: error });
  }
}

/** `f_type` of statfs(2). WAL shares memory between processes, which these cannot give (sqlite.org/wal.html). */
const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0xff534d42, 'CIFS'],
]);

function networkWarnings(folder: string): string[] {
  const name = NETWORK_FILE_SYSTEMS.get(statfsSync(folder).type);
  return name === undefined ? [] : [`${folder} is on ${name}: SQLite's WAL works on a local disk only, and can lose data on a network one`];
}

function openConnection(driver: SqliteDriver, path: string): SqliteConnection {
  try {
    return driver.open(path);
  } catch (error) {
    throw asShoalError(error, path);
  }
}

function refuseToShare(driver: SqliteDriver, path: string): ShoalError {
  const message = `${path} cannot be shared by several processes with SQLite ${driver.version} (${driver.name}): committed mail could vanish. Needed is ${SAFE_SQLITE}: ${SQLITE_CURES}`;
  return new ShoalError('sqlite_unsafe', message);
}

/** Order matters: before `journal_mode`, so that no shared-memory file is made and the first read takes the lock for good. */
function holdAlone(connection: SqliteConnection, driver: SqliteDriver, path: string): void {
  connection.exec('PRAGMA locking_mode = EXCLUSIVE');
  try {
    connection.exec('PRAGMA journal_mode = WAL; BEGIN EXCLUSIVE; COMMIT');
  } catch (error) {
    throw isBusy(error) ? refuseToShare(driver, path) : error;
  }
}

function setDurable(connection: SqliteConnection): void {
  const { journal, synchronous } = askForDurability(connection);
  if (journal !== 'wal' || synchronous !== 2) {
    const message = `SQLite did not take its durable settings: journal_mode is ${journal} (wanted wal), synchronous is ${synchronous} (wanted 2, FULL)`;
    throw new ShoalError('sqlite_unsafe', message);
  }
}

/**
 * The settings every connection of ours has, and what the library made of them. A database in WAL is not written to. Order
 * matters: a switch to WAL can lower `synchronous` (libraries are built with their own default), so it is set after it.
 */
export function askForDurability(connection: SqliteConnection): { readonly journal: unknown; readonly synchronous: unknown } {
  connection.exec(`PRAGMA busy_timeout = ${BUSY_BLOCKING_MS}`);
  if (readPragma(connection, 'journal_mode') !== 'wal') connection.exec('PRAGMA journal_mode = WAL');
  connection.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY');
  connection.exec(`PRAGMA cache_size = -${CACHE_KIB}; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  connection.exec(`PRAGMA journal_size_limit = ${WAL_BYTES_KEPT}`);
  if (process.platform === 'darwin') connection.exec('PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON'); // a plain sync leaves the drive's cache
  return { journal: readPragma(connection, 'journal_mode'), synchronous: readPragma(connection, 'synchronous') };
}

function readPragma(connection: SqliteConnection, name: string): unknown {
  return (connection.prepare(`PRAGMA ${name}`).get() as Record<string, unknown> | undefined)?.[name];
}

type Prepared = Pick<SqliteFile, 'path' | 'exec' | 'prepare'>;

/** The file's own tables, its clock for this boot, and the record of who wrote it: all before anybody else's first word. */
function begin(file: Prepared, driver: SqliteDriver, options: SqliteFileOptions): { now: () => number; warnings: string[] } {
  migrateNow(file, 'file', FILE_MIGRATIONS);
  const given = options.now;
  const now = given === undefined ? startClock(file, options.machine ?? thisMachine()) : () => Math.floor(given());
  recordLibrary(file, driver, now());
  return { now, warnings: checkAfterAffected(file, now()) };
}

function startClock(file: Prepared, machine: Machine): () => number {
  const row = file.prepare('SELECT boot_id, offset_ms, latest_ms FROM file_clock').get();
  const known: ClockRecord | undefined = row && {
    bootId: String(row['boot_id']),
    offsetMs: Number(row['offset_ms']),
    latestMs: Number(row['latest_ms']),
  };
  const record = renewed(known, machine);
  if (record !== known) {
    file
      .prepare('INSERT OR REPLACE INTO file_clock (one, boot_id, offset_ms, latest_ms) VALUES (1, ?, ?, ?)')
      .run(record.bootId, record.offsetMs, record.latestMs);
  }
  return tellTime(record, machine);
}

function recordLibrary(file: Prepared, driver: SqliteDriver, now: number): void {
  file
    .prepare('INSERT OR IGNORE INTO file_libraries (version, source_id, first_used_at, shared) VALUES (?, ?, ?, ?)')
    .run(driver.version, driver.sourceId, now, driver.isFixed ? 1 : 0);
}

/** The newer version prevents the WAL-reset bug, it does not repair: so one look, once, where it could have struck. */
function checkAfterAffected(file: Prepared, now: number): string[] {
  const rows = file.prepare('SELECT version FROM file_libraries WHERE shared = 1 AND checked_at IS NULL').all();
  const affected = rows.map((row) => String(row['version'])).filter((version) => !isFixedSqlite(version));
  if (affected.length === 0) return [];
  const found = file.prepare('PRAGMA integrity_check(1)').get()?.['integrity_check'];
  for (const version of affected) file.prepare('UPDATE file_libraries SET checked_at = ? WHERE version = ?').run(now, version);
  const wrote = `${file.path} was shared under SQLite ${affected.join(', ')}, which can lose transactions`;
  return [
    found === 'ok' ? `${wrote}; its structure is sound, which does not prove that nothing was lost` : `${wrote}; damage found: ${found}`,
  ];
}

function inOneTransaction<T>(exec: (sql: string) => void, act: () => T): T {
  exec('BEGIN IMMEDIATE');
  try {
    const answer = act();
    exec('COMMIT');
    return answer;
  } catch (error) {
    try {
      exec('ROLLBACK');
    } catch {
      // SQLite had ended the transaction by itself.
    }
    throw error;
  }
}

async function untilFree<T>(act: () => T, busyMsMax: number, path: string): Promise<T> {
  const startedAtMs = stopwatchMs();
  for (;;) {
    try {
      return act();
    } catch (error) {
      if (!isBusy(error) || stopwatchMs() - startedAtMs >= busyMsMax) throw asShoalError(error, path);
    }
    await new Promise<void>((wake) => {
      after(BUSY_BLOCKING_MS, wake);
    });
  }
}

// ---- Running

interface Opened {
  readonly connection: SqliteConnection;
  readonly prepare: SqliteFile['prepare'];
  readonly exec: SqliteFile['exec'];
  readonly file: string;
  readonly driver: SqliteDriver;
  readonly isAlone: boolean;
  readonly warnings: readonly string[];
  readonly busyMsMax: number;
  readonly now: () => number;
}

function running(opened: Opened): SqliteFile {
  const { connection, prepare, exec, now, busyMsMax } = opened;
  const numberOf = (sql: string, column: string): (() => number) => {
    const statement = prepare(sql);
    return () => Number(statement.get()?.[column]);
  };
  const watch = changeWatch(numberOf('PRAGMA data_version', 'data_version'));
  const totalChanges = numberOf('SELECT total_changes() AS total', 'total');
  const recordTime = prepare('UPDATE file_clock SET latest_ms = max(latest_ms, ?)');
  let changesBefore = totalChanges();
  let recordedAt = 0;
  let hasChanged = false;
  let isClosed = false;

  let onWritten: (transaction: SqliteWritten) => void = () => {};
  let hear: (trouble: SqliteTrouble) => void = () => {};
  let isBrokenAlready = false;
  const onBroken = (error: unknown): void => {
    if (isBrokenAlready) return;
    isBrokenAlready = true;
    const reason = error instanceof Error ? error.message : String(error);
    hear({
      kind: 'broken',
      error: unreachable(`${opened.file} failed (${reason}) and cannot be trusted; restart to recover from disk`, error),
    });
  };
  const keepWalShort = walKeeper({ path: `${opened.file}-wal`, exec, onBroken });

  const group = groupCommit({
    path: opened.file,
    busyMsMax,
    exec: execCached(prepare),
    beforeCommit() {
      const changes = totalChanges();
      hasChanged = changes !== changesBefore;
      changesBefore = changes;
      if (!hasChanged || now() - recordedAt < RECORD_EVERY_MS) return;
      recordedAt = now();
      recordTime.run(recordedAt);
      changesBefore = totalChanges();
    },
    afterCommit(acts, durationMs) {
      onWritten({ acts, durationMs });
      if (hasChanged) watch.bump();
      keepWalShort();
    },
    onFull: () => hear({ kind: 'full' }),
    onBroken,
  });

  return {
    path: opened.file,
    description: `SQLite ${opened.driver.version}, WAL, synchronous=FULL${opened.isAlone ? ', held alone' : ''}`,
    isAlone: opened.isAlone,
    warnings: opened.warnings,
    prepare,
    exec,
    write: group.write,
    read: (act) => untilFree(() => noticing(act, onBroken), busyMsMax, opened.file),
    now,
    revision: watch.revision,
    changed: watch.changed,
    onWritten(listener) {
      onWritten = listener;
    },
    onTrouble(listener) {
      hear = listener;
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      await group.close();
      watch.close();
      connection.close();
    },
  };
}

/** A damaged file shows itself to readers first. */
function noticing<T>(act: () => T, onBroken: (error: unknown) => void): T {
  try {
    return act();
  } catch (error) {
    if (isBroken(error)) onBroken(error);
    throw error;
  }
}

/** BEGIN and COMMIT are said thousands of times a second: prepared, they need no parsing. */
function execCached(prepare: SqliteFile['prepare']): (sql: string) => void {
  return (sql) => {
    prepare(sql).run();
  };
}
