import { sql } from 'kysely';
import type { TokenId } from '../../../model/ids.ts';
import type { Store } from '../../../ports/store.ts';
import type { SqliteFile } from '../../_shared/sqlite-file.ts';
import type { Queries } from './queries.ts';
import { rowOfBounds, rowOfToken, tokenOf } from './rows.ts';

type Tokens = Pick<Store, 'addToken' | 'findToken' | 'getToken' | 'listTokens' | 'changeToken' | 'removeToken' | 'noteTokenUse'>;

/** Tokens are read from the file at every request and kept nowhere else, so that what is revoked is so in every process at once. */
export function tokensIn(file: SqliteFile, { db, all, first, run }: Queries): Tokens {
  return {
    async addToken(token) {
      await file.write(() => run(db.insertInto('tokens').values(rowOfToken(token))));
    },
    async findToken(hash) {
      const row = await file.read(() => first(db.selectFrom('tokens').selectAll().where('hash', '=', hash)));
      return row === undefined ? undefined : tokenOf(row);
    },
    async getToken(id, tenant) {
      const query = db.selectFrom('tokens').selectAll().where('id', '=', id);
      const row = await file.read(() => first(tenant === undefined ? query : query.where('tenant', '=', tenant)));
      return row === undefined ? undefined : tokenOf(row);
    },
    async listTokens({ tenant, max, cursor }) {
      let query = db
        .selectFrom('tokens')
        .selectAll()
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(max + 1);
      if (tenant !== undefined) query = query.where('tenant', '=', tenant);
      if (cursor !== undefined) {
        const { createdAt, id } = readPlace(cursor);
        query = query.where(sql<boolean>`(created_at, id) < (${createdAt}, ${id})`);
      }
      const rows = (await file.read(() => all(query))).map(tokenOf);
      const tokens = rows.slice(0, max);
      const last = tokens.at(-1);
      return { tokens, ...(rows.length > max && last !== undefined && { cursor: `${last.createdAt.toString(36)}-${last.id}` }) };
    },
    async changeToken(id, { isStopped, ...bounds }) {
      const stopped = isStopped === undefined ? {} : { is_stopped: isStopped ? (1 as const) : (0 as const) };
      await file.write(() =>
        run(
          db
            .updateTable('tokens')
            .set({ ...rowOfBounds(bounds), ...stopped })
            .where('id', '=', id),
        ),
      );
    },
    removeToken: (id) => file.write(() => run(db.deleteFrom('tokens').where('id', '=', id)) === 1),
    async noteTokenUse(id, at) {
      await file.write(() => run(db.updateTable('tokens').set({ last_used_at: at }).where('id', '=', id)));
    },
  };
}

/** Tokens made in one millisecond are told apart by their ids. */
function readPlace(cursor: string): { readonly createdAt: number; readonly id: TokenId } {
  const [, time = '', id = ''] = /^([0-9a-z]{1,9})-(tok_[0-9a-z]{16})$/.exec(cursor) ?? [];
  if (id === '') throw new RangeError(`not a cursor of this store: ${JSON.stringify(cursor.slice(0, 40))}`);
  return { createdAt: Number.parseInt(time, 36), id: id as TokenId };
}
