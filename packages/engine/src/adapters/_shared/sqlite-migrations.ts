import { ShoalError } from '../../model/errors.ts';
import type { SqliteFile } from './sqlite-file.ts';

/** One step of a schema: numbered from 1 without gaps, never changed once released. */
export interface Migration {
  readonly version: number;
  readonly sql: string;
}

/**
 * Brings the tables of one owner (`ledger`, `store`) up to its newest version, in one transaction that takes the write
 * lock first: of several processes that open a fresh file at once, one does the work and the others find it done.
 *
 * @throws ShoalError `bad_config` when the file is of a newer version than this program
 */
export async function migrate(file: SqliteFile, owner: string, migrations: readonly Migration[]): Promise<void> {
  await file.write(() => migrateNow(file, owner, migrations));
}

/** The same, for a caller who has a transaction open. */
export function migrateNow(file: Pick<SqliteFile, 'path' | 'exec' | 'prepare'>, owner: string, migrations: readonly Migration[]): void {
  const newest = migrations.length;
  if (migrations.some(({ version }, index) => version !== index + 1))
    throw new RangeError(`migrations of ${owner} are not numbered 1 to ${newest}`);
  file.exec('CREATE TABLE IF NOT EXISTS schema_versions (owner TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID, STRICT');
  const found = Number(file.prepare('SELECT version FROM schema_versions WHERE owner = ?').get(owner)?.['version'] ?? 0);
  if (found > newest) {
    const message = `${file.path} was written by a newer Shoal (${owner} schema ${found}, this one knows ${newest}): use that version, or another file`;
    throw new ShoalError('bad_config', message);
  }
  if (found === newest) return;
  for (const { sql } of migrations.slice(found)) file.exec(sql);
  file.prepare('INSERT OR REPLACE INTO schema_versions (owner, version) VALUES (?, ?)').run(owner, newest);
}
