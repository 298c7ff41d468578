import type { Act } from './act.ts';
import { ADD_TWIN_LANE, TWIN_LANE } from './sql/senders.ts';

/** The lane of a job that needs a retry token, or needs none: they stand apart, so that retries hold up no first attempt. */
export function laneFor(act: Act, lane: number, isRetried: boolean): number {
  const retried = isRetried ? 1 : 0;
  if (act.senders.lane(lane).retried === retried) return lane;
  const row = act.sql<{ seq: number }>(TWIN_LANE).get(retried, lane) ?? act.sql<{ seq: number }>(ADD_TWIN_LANE).get(retried, lane);
  if (row === undefined) throw new Error(`broken invariant: no lane ${lane}`);
  return row.seq;
}
