import type { Connection } from './connection.ts';
import { isoTime } from './time.ts';

/**
 * A list that may be long, newest first. Iterated, it asks for a page when the one before is used up, and for none after you
 * stop; awaited, it is an array of at most the first 1,000.
 *
 * @example
 * for await (const { subject, status } of mail.emails()) {
 *   if (status === 'sent') break; // no further page is asked for
 *   console.log(subject, status);
 * }
 */
export interface List<Item> extends AsyncIterable<Item>, Promise<readonly Item[]> {}

interface Page<Item> {
  readonly data: readonly Item[];
  readonly cursor?: string | null;
}

const PAGE_ITEMS = 100;
/** More is for a program that iterates: an array of a million mails would be nobody's wish. */
const AWAITED_ITEMS_MAX = 1_000;

/** `query` runs at the first page, so that a mistake in a filter is an error of the list like any other. */
export function listOn<Item>(connection: Connection, path: string, query: () => URLSearchParams = () => new URLSearchParams()): List<Item> {
  async function* items(): AsyncGenerator<Item, void, undefined> {
    const asked = query();
    asked.set('limit', String(PAGE_ITEMS));
    for (;;) {
      const page = await connection.json<Page<Item>>({ method: 'GET', path: `${path}?${asked}` });
      yield* page.data;
      if (page.cursor == null) return;
      asked.set('cursor', page.cursor);
    }
  }
  async function awaited(): Promise<readonly Item[]> {
    const found: Item[] = [];
    for await (const item of items()) if (found.push(item) >= AWAITED_ITEMS_MAX) break;
    return found;
  }
  return {
    [Symbol.asyncIterator]: items,
    [Symbol.toStringTag]: 'List',
    // biome-ignore lint/suspicious/noThenProperty: a list can be awaited; nothing is asked for before that
    then: (whenFound, whenFailed) => awaited().then(whenFound, whenFailed),
    catch: (whenFailed) => awaited().catch(whenFailed),
    finally: (atEnd) => awaited().finally(atEnd),
  };
}

/** Times of a filter as ISO 8601, the rest as it is. */
export function written<Given extends { readonly since?: Date | number; readonly until?: Date | number }>(filter: Given): object {
  return { ...filter, since: isoTime('since', filter.since), until: isoTime('until', filter.until) };
}

/** As the server reads it: a value that is several is repeated. */
export function queryOf(filter: object): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter))
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) query.append(name, String(one));
  return query;
}
