import { sql } from 'kysely';
import type { SenderId } from '../../../model/ids.ts';
import type { SenderSettings } from '../../../model/sender.ts';
import type { SenderRecord, SenderStore } from '../../../ports/sender-store.ts';
import type { SqliteFile } from '../../_shared/sqlite-file.ts';
import type { Queries } from './queries.ts';
import { inboxOf } from './rows.ts';
import type { SenderTable } from './tables.ts';

const SHOWN_MAX = 10;

export function sendersIn(file: SqliteFile, { db, all, first, run }: Queries): SenderStore {
  /** Other processes look whether the highest number moved; one row is enough for that. */
  const noteChangeNow = (): void => {
    file.prepare('DELETE FROM sender_changes').run();
    file.prepare('INSERT INTO sender_changes DEFAULT VALUES').run();
  };
  const changed = (rows: number): boolean => {
    if (rows === 1) noteChangeNow();
    return rows === 1;
  };
  const activeInboxesNow = (id: SenderId): number =>
    first(db.selectFrom('inboxes').select(sql<number>`count(*)`.as('count')).where('sender', '=', id).where('is_active', '=', 1))?.count ??
    0;

  return {
    async addSender(record) {
      const query = db.insertInto('sender_settings').values(rowOf(record));
      return file.write(() => changed(run(query.onConflict((conflict) => conflict.column('name').doNothing()))));
    },
    async getSender(id) {
      const row = await file.read(() => first(db.selectFrom('sender_settings').selectAll().where('name', '=', id)));
      return row === undefined ? undefined : recordOf(row);
    },
    async listSenders() {
      return (await file.read(() => all(db.selectFrom('sender_settings').selectAll().orderBy('name')))).map(recordOf);
    },
    async changeSender(record) {
      const { name, transport, settings, updated_at } = rowOf(record);
      return file.write(() =>
        changed(run(db.updateTable('sender_settings').set({ transport, settings, updated_at }).where('name', '=', name))),
      );
    },
    async removeSender(id, { moveTo }) {
      return file.write(() => {
        if (first(db.selectFrom('sender_settings').select('name').where('name', '=', id)) === undefined) return { kind: 'missing' };
        const count = activeInboxesNow(id);
        if (count > 0 && moveTo === undefined) {
          const some = db.selectFrom('inboxes').selectAll().where('sender', '=', id).where('is_active', '=', 1).orderBy('seq');
          return { kind: 'in_use', inboxes: all(some.limit(SHOWN_MAX)).map(inboxOf), count };
        }
        if (moveTo !== undefined) run(db.updateTable('inboxes').set({ sender: moveTo }).where('sender', '=', id));
        changed(run(db.deleteFrom('sender_settings').where('name', '=', id)));
        return { kind: 'removed', movedInboxes: count };
      });
    },
    async sendersRevision() {
      return file.read(() => Number(file.prepare('SELECT max(seq) AS seq FROM sender_changes').get()?.['seq'] ?? 0));
    },
    async setInboxSender(tenant, inbox, sender) {
      const query = db.updateTable('inboxes').set({ sender }).where('tenant', '=', tenant).where('id', '=', inbox);
      return file.write(() => run(query) === 1);
    },
  };
}

function rowOf(record: SenderRecord): SenderTable {
  return {
    name: record.id,
    transport: record.transport,
    settings: JSON.stringify(record.settings),
    created_at: record.createdAt,
    updated_at: record.updatedAt,
  };
}

function recordOf(row: SenderTable): SenderRecord {
  return {
    id: row.name,
    transport: row.transport,
    settings: JSON.parse(row.settings) as SenderSettings,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
