import { type List, ShoalError } from '@shoal/sdk';

const COUNT = 50;

/** The first `--limit` things of a list, and whether there are more. */
export async function someOf<Item>(
  list: List<Item>,
  limit: string | undefined,
): Promise<{ readonly items: readonly Item[]; readonly hasMore: boolean }> {
  const max = countOf(limit);
  const items: Item[] = [];
  for await (const item of list) {
    if (items.length === max) return { items, hasMore: true };
    items.push(item);
  }
  return { items, hasMore: false };
}

export const moreText = (hasMore: boolean): string => (hasMore ? '\nThere are more; --limit shows them.' : '');

function countOf(written: string | undefined): number {
  if (written === undefined) return COUNT;
  if (/^[1-9]\d{0,6}$/.test(written)) return Number(written);
  throw new ShoalError({
    code: 'bad_option',
    message: `--limit takes a whole number above 0, got ${JSON.stringify(written)}`,
    hint: 'Write for example --limit 200.',
  });
}
