/**
 * The store on one SQLite file, the ledger's own by default. kysely compiles the queries; each runs in one synchronous step
 * on the file, since a transaction that spans an `await` would hold up the ledger. Not here: jobs and finished mails, which
 * the ledger keeps.
 */
import { sql } from 'kysely';
import type { InboxId, MessageId } from '../../../model/ids.ts';
import type { State } from '../../../model/job.ts';
import type { Message } from '../../../model/message.ts';
import type { OperationStore } from '../../../ports/operation-store.ts';
import type { SenderStore } from '../../../ports/sender-store.ts';
import type { Store } from '../../../ports/store.ts';
import type { SqliteFile } from '../../_shared/sqlite-file.ts';
import { migrate } from '../../_shared/sqlite-migrations.ts';
import { MIGRATIONS } from './migrations.ts';
import { messagesOn } from './message-list.ts';
import { cursorAt, readCursor } from './place.ts';
import { operationsIn } from './operations.ts';
import { queriesOn } from './queries.ts';
import { inboxOf, mailboxOf, messageOf, rowOfBounds, rowOfInbox, rowOfMessage, rowOfToken } from './rows.ts';
import { sendersIn } from './senders.ts';
import { tokensIn } from './tokens.ts';
import { readUsage } from './usage.ts';

export interface SqliteStore extends Store, SenderStore, OperationStore {
  /** Adds a message inside the caller's write transaction, so that it and its job are accepted together. Repeating it changes nothing. */
  addMessageNow(message: Message): void;
  /** Keeps how a message ended, inside the transaction in which the ledger drops a record of it. */
  keepEndNow(id: MessageId, state: State, isLast: boolean): void;
}

/** The file stays its opener's: `close` leaves it open. */
export async function openSqliteStore(file: SqliteFile): Promise<SqliteStore> {
  await migrate(file, 'store', MIGRATIONS);
  const queries = queriesOn(file);
  const { db, all, first, run } = queries;

  const store: SqliteStore = {
    ...sendersIn(file, queries),
    ...operationsIn(file),
    capabilities: { description: `sqlite ${file.path} (${file.description})` },

    async addTenant(tenant, token) {
      await file.write(() => {
        run(db.insertInto('tenants').values({ id: tenant.id, created_at: tenant.createdAt }));
        run(db.insertInto('tokens').values(rowOfToken(token)));
      });
    },
    async hasTenant(id) {
      return (await file.read(() => first(db.selectFrom('tenants').select('id').where('id', '=', id)))) !== undefined;
    },
    ...tokensIn(file, queries),

    async addInbox(inbox) {
      // The unique index on (domain, mailbox) decides the race for a name.
      const query = db.insertInto('inboxes').values(rowOfInbox(inbox));
      return file.write(() => run(query.onConflict((conflict) => conflict.columns(['domain', 'mailbox']).doNothing())) === 1);
    },
    async getInbox(tenant, id) {
      const row = await file.read(() => first(db.selectFrom('inboxes').selectAll().where('tenant', '=', tenant).where('id', '=', id)));
      return row === undefined ? undefined : inboxOf(row);
    },
    async findInbox(tenant, address) {
      const found = mailboxOf(address);
      if (found === undefined) return undefined;
      const named = db.selectFrom('inboxes').selectAll().where('domain', '=', found.domain).where('mailbox', '=', found.mailbox);
      const row = await file.read(() => first(named.where('tenant', '=', tenant)));
      return row === undefined ? undefined : inboxOf(row);
    },
    async findAnyInbox(reference) {
      const found = mailboxOf(reference);
      if (reference.includes('\0')) return undefined; // the driver would read no further
      const query = db.selectFrom('inboxes').selectAll();
      const named =
        found === undefined
          ? query.where(sql<string>`id`, '=', reference)
          : query.where('domain', '=', found.domain).where('mailbox', '=', found.mailbox);
      const row = await file.read(() => first(named));
      return row === undefined ? undefined : inboxOf(row);
    },
    async changeInbox(id, change) {
      await file.write(() => run(db.updateTable('inboxes').set(rowOfBounds(change)).where('id', '=', id)));
    },
    async hasReceivedFrom() {
      return false;
    },
    async listInboxes({ tenant, max, cursor, onlyActive, inboxes }) {
      let query = db.selectFrom('inboxes').selectAll().where('tenant', '=', tenant).orderBy('seq');
      if (inboxes !== undefined) query = query.where('id', 'in', sql<InboxId>`(select value from json_each(${JSON.stringify(inboxes)}))`);
      if (onlyActive) query = query.where('is_active', '=', 1);
      if (cursor !== undefined) query = query.where('seq', '>', readCursor(cursor));
      if (max !== undefined) query = query.limit(max + 1);
      const { rows, next } = pageOf(await file.read(() => all(query)), max);
      return { inboxes: rows.map(inboxOf), ...next };
    },
    async deactivateInbox(tenant, id) {
      const query = db.updateTable('inboxes').set({ is_active: 0 }).where('tenant', '=', tenant).where('id', '=', id);
      return file.write(() => run(query) === 1);
    },

    addMessageNow(message) {
      run(
        db
          .insertInto('messages')
          .values(rowOfMessage(message))
          .onConflict((conflict) => conflict.column('id').doNothing()),
      );
    },
    keepEndNow(id, state, isLast) {
      if (state !== 'sent' && state !== 'canceled' && state !== 'dead')
        throw new Error(`broken invariant: the record of ${id} was dropped while ${state}`);
      // The worst of its jobs, whichever record goes first.
      const query = db.updateTable('messages').set({ ended: state }).where('id', '=', id);
      if (state === 'dead') run(query);
      else
        run(
          query.where((either) =>
            either.or([either('ended', 'is', null), either.and([either('ended', '=', 'sent'), sql<boolean>`${state} = 'canceled'`])]),
          ),
        );
      // What is purged is gone from here too, unless a part of it was sent.
      if (state === 'dead' && isLast) run(db.updateTable('messages').set({ text: null, html: null }).where('id', '=', id));
    },
    async getMessage(tenant, id) {
      const row = await file.read(() => first(db.selectFrom('messages').selectAll().where('id', '=', id).where('tenant', '=', tenant)));
      return row === undefined ? undefined : messageOf(row);
    },
    async getMessages(tenant, ids) {
      // One parameter for all ids, so that the statement has one text and is prepared once.
      const wanted = sql<MessageId>`(select value from json_each(${JSON.stringify(ids)}))`;
      // The plus keeps SQLite off the index of the tenant, and so off all of its mail.
      const query = db.selectFrom('messages').selectAll().where('id', 'in', wanted).where(sql<string>`+tenant`, '=', tenant);
      const rows = await file.read(() => all(query));
      const byId = new Map(rows.map((row) => [row.id, messageOf(row)]));
      return ids.map((id) => byId.get(id));
    },
    listMessages: (query) => file.read(() => messagesOn(file, query)),

    usage: (tenant, since) => file.read(() => readUsage(file, tenant, since)),

    async secret(name, make) {
      const find = db.selectFrom('secrets').selectAll().where('name', '=', name);
      const kept = await file.read(() => first(find));
      if (kept !== undefined) return kept.value;
      const made = make();
      return file.write(() => {
        run(
          db
            .insertInto('secrets')
            .values({ name, value: made })
            .onConflict((conflict) => conflict.column('name').doNothing()),
        );
        return first(find)?.value ?? made; // another process may have been first
      });
    },
    async close() {},
  };
  return store;
}

/** One row more than asked for was read: it says whether there is a next page, and is not shown. */
function pageOf<Row extends { readonly seq: number }>(
  read: readonly Row[],
  max: number | undefined,
): { readonly rows: readonly Row[]; readonly next: { readonly cursor?: string } } {
  const rows = max === undefined ? read : read.slice(0, max);
  const last = rows.at(-1);
  return { rows, next: rows.length < read.length && last !== undefined ? { cursor: cursorAt(last.seq) } : {} };
}
