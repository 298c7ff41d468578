import type { State } from '../../../model/job.ts';
import type { DeadReason } from '../../../model/outcome.ts';
import type { Act } from './act.ts';
import { DUE, EXPIRE, EXPIRED, MAKE_READY } from './sql/expire.ts';

/** What time alone does to waiting jobs; done by every lease and every sweep, a bounded number at once. */

/** Answers how many. */
export function makeDueReady(act: Act, max: number): number {
  if (max < 1) return 0;
  const due = act.sql<{ seq: number }>(DUE).all(act.now, max);
  if (due.length === 0) return 0;
  const made = act.sql<{ lane: number; runs_apart: number }>(MAKE_READY).all(JSON.stringify(due.map(({ seq }) => seq)));
  const lanes = new Set(made.filter(({ runs_apart }) => runs_apart === 0).map(({ lane }) => lane));
  for (const lane of lanes) act.changedFirst(lane); // its place is by its due time, which may be before the first one's
  for (const { lane } of made) act.moved('scheduled', 'ready', lane);
  return due.length;
}

/** Answers how many. */
export function dropExpired(act: Act, max: number): number {
  if (max < 1) return 0;
  const expired = act.sql<{ seq: number; state: State; lane: number }>(EXPIRED).all(act.now, max);
  for (const { seq, state, lane } of expired) expire(act, seq, state, lane);
  return expired.length;
}

export function expire(act: Act, seq: number, from: State, lane: number): void {
  endWaiting(act, seq, from, lane, 'expired');
}

/** A ready job that could wait for ever. */
export function overLimit(act: Act, seq: number, lane: number): void {
  endWaiting(act, seq, 'ready', lane, 'over_limit');
}

function endWaiting(act: Act, seq: number, from: State, lane: number, reason: DeadReason): void {
  act.sql(EXPIRE).run(reason, act.now, seq);
  act.moved(from, 'dead', lane);
  act.tell(seq, 'dead', 'dead');
  if (from === 'ready') act.changedFirst(lane);
  if (from === 'leased') act.ended(lane); // dealt, and over before it was leased: its place is free again
}
