import type { Act } from './act.ts';
import type { Failures } from './rows.ts';
import { ADD_TWIN_LANE, TWIN_LANE } from './sql/senders.ts';

/** The queues of one lane: what is tried again neither holds up first attempts nor waits behind all of them. */
export const FIRST_TRY = 0;
/** Needs a token of the retry budget. */
export const TRIED_AGAIN = 1;
/** Greylisting asked for the retry, so it needs none. */
export const GREYLISTED = 2;

export function triesOf(failures: Failures): number {
  if ((failures.network ?? 0) + (failures.deferred ?? 0) > 0) return TRIED_AGAIN;
  return (failures.greylist ?? 0) > 0 ? GREYLISTED : FIRST_TRY;
}

/** The queue of the same lane for jobs that were tried like this. */
export function laneFor(act: Act, lane: number, retried: number): number {
  if (act.senders.lane(lane).retried === retried) return lane;
  const row = act.sql<{ seq: number }>(TWIN_LANE).get(retried, lane) ?? act.sql<{ seq: number }>(ADD_TWIN_LANE).get(retried, lane);
  if (row === undefined) throw new Error(`broken invariant: no lane ${lane}`);
  return row.seq;
}
