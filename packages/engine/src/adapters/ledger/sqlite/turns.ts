/** Turns are numbered by the ledger's time, so that several processes agree who had the last one. */
export interface Turns {
  next(now: number): number;
}

const TURNS_PER_MS = 1_024; // a batch of a thousand fits into one; 2 ** 53 of these is the year 2248

export function ledgerTurns(): Turns {
  let last = 0;
  return {
    next(now) {
      last = Math.max(last + 1, now * TURNS_PER_MS);
      return last;
    },
  };
}
