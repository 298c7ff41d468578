import { ShoalError } from '../model/errors.ts';

/**
 * Asks for a page. Plugs take a cursor that is none of theirs for a broken promise (a RangeError); here it is a caller's
 * mistake, since callers bring cursors back over the wire.
 *
 * @throws ShoalError `bad_request`
 */
export async function pageAt<Page>(cursor: string | undefined, ask: (place: { readonly cursor?: string }) => Promise<Page>): Promise<Page> {
  if (cursor === undefined) return ask({});
  try {
    return await ask({ cursor });
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ShoalError('bad_request', 'cursor does not belong to this list: pass the `cursor` of the previous page unchanged', {
      cause,
      details: { cursor: 'is not a cursor of this list' },
    });
  }
}
