import type { Selectable } from 'kysely';
import { PREVIEW_CHARACTERS } from '../../../model/limits.ts';
import type { Message } from '../../../model/message.ts';
import type { MessageQuery } from '../../../ports/store.ts';
import type { SqliteFile } from '../../_shared/sqlite-file.ts';
import type { SqlValue } from '../../_shared/sqlite-statement.ts';
import { cursorAt, readCursor } from './place.ts';
import { messageOf } from './rows.ts';
import type { MessageTable } from './tables.ts';

/** Rows that one page looks through. A filter that meets little gets short pages with a cursor, and holds up nobody. */
const LOOKED_THROUGH_MAX = 5_000;

/** Mail stands in the order it came in; the calendar of the machine may have been set back meanwhile, by less than this. */
const CALENDAR_SET_BACK_MS_MAX = 86_400_000;

interface Sql {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

export function messagesOn(
  file: Pick<SqliteFile, 'prepare'>,
  query: MessageQuery,
): { readonly messages: readonly Message[]; readonly cursor?: string } {
  const before = query.cursor === undefined ? Number.MAX_SAFE_INTEGER : readCursor(query.cursor);
  const end = endOfLook(file, query, before);
  const { text, values } = pageOfMessages(query, { before, end });
  const rows = file.prepare<Selectable<MessageTable>>(text).all(...values);
  const messages = rows.slice(0, query.max).map(messageOf);
  const last = rows[query.max - 1];
  if (rows.length > query.max && last !== undefined) return { messages, cursor: cursorAt(last.seq) };
  return { messages, ...(end !== undefined && isWorthOn(file, query, end) && { cursor: cursorAt(end) }) };
}

/** Where the look has to stop, unless the list ends before. */
function endOfLook(file: Pick<SqliteFile, 'prepare'>, query: MessageQuery, before: number): number | undefined {
  const { text, values } = placesOf(query, before);
  const sql = `SELECT seq FROM messages WHERE ${text} ORDER BY seq DESC LIMIT 1 OFFSET ${LOOKED_THROUGH_MAX - 1}`;
  return file.prepare<{ seq: number }>(sql).get(...values)?.seq;
}

/** Nothing older than `since` is looked for any further. */
function isWorthOn(file: Pick<SqliteFile, 'prepare'>, { since }: MessageQuery, end: number): boolean {
  if (since === undefined) return true;
  const oldest = file.prepare<{ created_at: number }>('SELECT created_at FROM messages WHERE seq = ?').get(end);
  return (oldest?.created_at ?? 0) >= since - CALENDAR_SET_BACK_MS_MAX;
}

const COLUMNS = `
  m.seq, m.id, m.tenant, m.inbox, m.message_id_header, m.sender_address, m.to_addresses, m.cc_addresses, m.bcc_addresses, m.reply_to,
  m.subject, m.on_doubt, m.size_bytes, m.created_at, m.ended, substr(m.text, 1, ${PREVIEW_CHARACTERS}) AS text, NULL AS html, m.headers, m.attachments`;

/** Newest first without sorting: the index that gives the places gives their order. */
function pageOfMessages(query: MessageQuery, { before, end = 0 }: { readonly before: number; readonly end: number | undefined }): Sql {
  const places = placesOf(query, before);
  const conditions = conditionsOf(query);
  const where = [places.text, 'seq >= ?', ...conditions.map(({ text }) => text)].join(' AND ');
  return {
    text: `SELECT ${COLUMNS} FROM messages m WHERE ${where} ORDER BY seq DESC LIMIT ?`,
    values: [...places.values, end, ...conditions.flatMap(({ values }) => values), query.max + 1],
  };
}

/** The rows of an account, or of one of its inboxes, by the index of either. */
function placesOf({ tenant, inboxes }: MessageQuery, before: number): Sql {
  const [inbox, ...others] = inboxes ?? [];
  if (inbox === undefined || others.length > 0) return { text: 'tenant = ? AND seq < ?', values: [tenant, before] };
  return { text: 'inbox = ? AND seq < ?', values: [inbox, before] };
}

const HAS_RECIPIENT = ['to', 'cc', 'bcc']
  .map((field) => `EXISTS (SELECT 1 FROM json_each(m.${field}_addresses) WHERE lower(value) = ?)`)
  .join(' OR ');

/** The plus keeps SQLite off an index that does not give the order. */
function conditionsOf({ tenant, inboxes, to, from, subject, since, until }: MessageQuery): readonly Sql[] {
  const address = to?.toLowerCase() ?? '';
  return [
    ...(inboxes === undefined
      ? []
      : [{ text: '+m.tenant = ? AND +m.inbox IN (SELECT value FROM json_each(?))', values: [tenant, JSON.stringify(inboxes)] }]),
    ...(to === undefined ? [] : [{ text: `(${HAS_RECIPIENT})`, values: [address, address, address] }]),
    ...(from === undefined ? [] : [{ text: 'lower(m.sender_address) = ?', values: [from.toLowerCase()] }]),
    ...(subject === undefined ? [] : [{ text: 'instr(lower(m.subject), lower(?)) > 0', values: [subject] }]),
    ...(since === undefined ? [] : [{ text: 'm.created_at >= ?', values: [since] }]),
    ...(until === undefined ? [] : [{ text: 'm.created_at < ?', values: [until] }]),
  ];
}
