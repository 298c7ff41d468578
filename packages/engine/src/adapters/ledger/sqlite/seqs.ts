import type { JobId } from '../../../model/ids.ts';

/**
 * Where the jobs that this process leased lie: a row is found by its number in half the time it takes by its id. It is a
 * hint and no more: whoever uses it asks for the id as well, so that one from a transaction that never was does no harm.
 */
export interface Seqs {
  note(id: JobId, place: Place): void;
  of(id: JobId): Place | undefined;
}
/** jobs.seq and lanes.seq, and when the lease began. */
export interface Place {
  readonly seq: number;
  readonly lane: number;
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
  };
}
