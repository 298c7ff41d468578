/**
 * The known name a misspelt one was probably meant to be: the fewest single-letter edits, and at most a third of its
 * letters; undefined when nothing is that near.
 *
 * @example nearest('SHOAL_LEGER', ['SHOAL_LEDGER', 'SHOAL_LOG']) // 'SHOAL_LEDGER'
 */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: { readonly name: string; readonly edits: number } | undefined;
  for (const candidate of known) {
    const edits = levenshtein(name.toLowerCase(), candidate.toLowerCase());
    if (best === undefined || edits < best.edits) best = { name: candidate, edits };
  }
  return best !== undefined && best.edits <= Math.max(2, Math.floor(name.length / 3)) ? best.name : undefined;
}

/** Row by row; only the row before is needed. */
function levenshtein(from: string, to: string): number {
  let above = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (above[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    above = current;
  }
  return above[to.length] ?? 0;
}
