import type { TenantId } from '../../../model/ids.ts';
import type { Usage } from '../../../ports/store.ts';
import type { SqliteFile } from '../../_shared/sqlite-file.ts';

/**
 * Counts without an index on time, which every mail would pay for: messages are numbered as they come, so the first one of a
 * day is found by halving, and the rest is a count in the index of the tenant. Where the wall clock jumped it may be off by
 * what came meanwhile.
 */
export function readUsage(
  file: Pick<SqliteFile, 'prepare'>,
  tenant: TenantId,
  since: { readonly day: number; readonly month: number },
): Usage {
  const count = (sql: string, ...values: readonly (string | number)[]): number => Number(file.prepare(sql).get(...values)?.['count'] ?? 0);
  const countFrom = (time: number): number =>
    count('SELECT count(*) AS count FROM messages WHERE tenant = ? AND seq >= ?', tenant, firstSeqSince(file, time));
  return {
    inboxes: count('SELECT count(*) AS count FROM inboxes WHERE tenant = ? AND is_active = 1', tenant),
    emailsToday: countFrom(since.day),
    emailsThisMonth: countFrom(since.month),
  };
}

/** The first number whose message came at or after this time; one past the last when there is none. */
function firstSeqSince(file: Pick<SqliteFile, 'prepare'>, time: number): number {
  // Two looks: asked for both at once, SQLite walks the whole table.
  const ends = file.prepare('SELECT (SELECT min(seq) FROM messages) AS low, (SELECT max(seq) FROM messages) AS high').get();
  const next = file.prepare('SELECT seq, created_at FROM messages WHERE seq >= ? ORDER BY seq LIMIT 1');
  let low = Number(ends?.['low'] ?? 1);
  let high = Number(ends?.['high'] ?? 0) + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const row = next.get(middle);
    if (row === undefined || Number(row['created_at']) >= time) high = middle;
    else low = Number(row['seq']) + 1;
  }
  return low;
}
