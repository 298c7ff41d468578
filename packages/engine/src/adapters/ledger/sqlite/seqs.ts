import type { JobId } from '../../../model/ids.ts';

/**
 * Where the jobs that this process leased lie: a row is found by its number in half the time it takes by its id. It is a
 * hint and no more: whoever uses it asks for the id as well, and where it finds nothing forgets it and asks for the id
 * alone. The row may be of a transaction that never was, or of a job whose id came again after its record was dropped.
 */
export interface Seqs {
  note(id: JobId, place: Place): void;
  of(id: JobId): Place | undefined;
  forget(id: JobId): void;
}
/** jobs.seq and lanes.seq, and the newest lease of this process: its token, and when it began. */
export interface Place {
  readonly seq: number;
  readonly lane: number;
  readonly token: number;
  readonly leasedAt: number;
}

/** Leases of a busy process many times over. */
const NOTED_MAX = 20_000;

export function createSeqs(): Seqs {
  let newer = new Map<JobId, Place>();
  let older = newer;
  return {
    note(id, place) {
      if (newer.size >= NOTED_MAX) {
        older = newer;
        newer = new Map();
      }
      newer.set(id, place);
    },
    of: (id) => newer.get(id) ?? older.get(id),
    forget(id) {
      newer.delete(id);
      older.delete(id);
    },
  };
}
