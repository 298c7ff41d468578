/** A place in a list that is ordered by `seq`, as a caller carries it. */

export function cursorAt(seq: number): string {
  return `s${seq.toString(36)}`;
}

export function readCursor(cursor: string): number {
  const seq = /^s[0-9a-z]{1,10}$/.test(cursor) ? Number.parseInt(cursor.slice(1), 36) : Number.NaN;
  if (Number.isSafeInteger(seq)) return seq;
  throw new RangeError(`not a cursor of this store: ${JSON.stringify(cursor.slice(0, 40))}`);
}
