import { createRequire } from 'node:module';
import { ShoalError } from '../../model/errors.ts';

/**
 * Which SQLite library is used, decided by what `select sqlite_version()` says before any file is opened. What Node was
 * compiled with proves nothing: distributions link it to a SQLite of their own.
 */
export interface SqliteDriver {
  readonly name: 'node:sqlite' | '@photostructure/sqlite';
  readonly version: string;
  readonly sourceId: string;
  /** Several connections may write one WAL file (sqlite.org/wal.html#walresetbug is fixed in it). */
  readonly isFixed: boolean;
  /** Why this one, for the start-up line. */
  readonly why: string;
  open(path: string): SqliteConnection;
}

/** What both libraries offer; node:sqlite has no types in Node 20's. */
export interface SqliteConnection {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  close(): void;
}
export interface SqliteStatement {
  all(...values: readonly unknown[]): unknown[];
  get(...values: readonly unknown[]): unknown;
  run(...values: readonly unknown[]): { readonly changes: number | bigint };
}

/** A library at hand, before it is judged. */
export interface SqliteLibrary {
  readonly name: SqliteDriver['name'];
  readonly version: string;
  readonly sourceId: string;
  open(path: string): SqliteConnection;
}
/** `undefined`: not there, or it cannot be loaded. */
export type LoadLibrary = () => SqliteLibrary | undefined;

export const SAFE_SQLITE = '3.51.3 or newer (or 3.44.6+ in 3.44, 3.50.7+ in 3.50; not 3.52.0)';
export const SQLITE_CURES = 'use a newer Node (22.22.3, 24.15.0 or later), or install @photostructure/sqlite, or another ledger URL';

/**
 * The first fixed library; without one, the first at all, which then may hold a file only alone.
 *
 * @throws ShoalError `sqlite_unsafe` when no library can be loaded
 */
export function chooseSqliteDriver(
  libraries: readonly LoadLibrary[] = [() => load('node:sqlite'), () => load('@photostructure/sqlite')],
): SqliteDriver {
  const passedOver: SqliteLibrary[] = [];
  for (const loadLibrary of libraries) {
    const library = loadLibrary();
    if (library === undefined) continue;
    if (isFixedSqlite(library.version)) return { ...library, isFixed: true, why: whyFixed(library, passedOver) };
    passedOver.push(library);
  }
  const [affected] = passedOver;
  if (affected === undefined) throw new ShoalError('sqlite_unsafe', `no SQLite library can be loaded: ${SQLITE_CURES}`);
  const why = `${affected.name} carries SQLite ${affected.version}, which can lose transactions when a file is shared; no library with ${SAFE_SQLITE} was found`;
  return { ...affected, isFixed: false, why };
}

function whyFixed(library: SqliteLibrary, passedOver: readonly SqliteLibrary[]): string {
  const [first] = passedOver;
  if (first !== undefined) return `${library.name}, since ${first.name} carries SQLite ${first.version}, which is not safe to share`;
  return library.name === 'node:sqlite' ? 'node:sqlite' : `${library.name}, since this Node has no node:sqlite`;
}

/**
 * Is the WAL-reset bug fixed in this version? It came with 3.7.0 and went with 3.51.3; older lines have it mended in
 * 3.44.6 and 3.50.7 alone. 3.52.0 has the mend, but was withdrawn.
 */
export function isFixedSqlite(version: string): boolean {
  const match = /^3\.(\d+)\.(\d+)$/.exec(version);
  if (match === null) return false;
  const [minor, patch] = [Number(match[1]), Number(match[2])];
  if (minor === 44) return patch >= 6;
  if (minor === 50) return patch >= 7;
  if (minor === 51) return patch >= 3;
  return minor > 52 || (minor === 52 && patch > 0);
}

function load(name: SqliteDriver['name']): SqliteLibrary | undefined {
  try {
    const { DatabaseSync } = createRequire(import.meta.url)(name) as { readonly DatabaseSync: new (path: string) => SqliteConnection };
    const open = (path: string): SqliteConnection => new DatabaseSync(path);
    return { name, open, ...askVersion(open) };
  } catch {
    return undefined; // this Node has no node:sqlite, or the package was left out or has no build for this machine
  }
}

function askVersion(open: (path: string) => SqliteConnection): Pick<SqliteLibrary, 'version' | 'sourceId'> {
  const connection = open(':memory:');
  try {
    const row = connection.prepare('SELECT sqlite_version() AS version, sqlite_source_id() AS source').get() as Record<string, unknown>;
    return { version: String(row['version']), sourceId: String(row['source']) };
  } finally {
    connection.close();
  }
}
