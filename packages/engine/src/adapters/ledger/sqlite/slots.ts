import type { WorkerId } from '../../../model/ids.ts';
import type { Look } from './act.ts';
import { ADD_SLOT, DROP_SLOTS, LEAVE_SLOT, SLOTS, USE_SLOT } from './sql/seats.ts';

/** Connections of a sender, for the whole fleet: one in use belongs to a job, an idle one to the worker that keeps it open. */
interface SlotRow {
  readonly id: number;
  readonly worker: WorkerId;
  readonly job: number | null;
  readonly until: number;
}
export interface SlotWait {
  /** Infinity: once a job ends. */
  readonly until: number;
  /** Some are idle, so that the worker that keeps one has no need to wait. */
  readonly othersMayGo: boolean;
}

/** Undefined: this worker may use one now. No worker: any. */
export function waitForSlot({ sql, now }: Look, owner: number, max: number, worker: WorkerId | undefined): SlotWait | undefined {
  const live = sql<SlotRow>(SLOTS)
    .all(owner)
    .filter(({ job, until }) => job !== null || until > now);
  const idle = live.filter(({ job }) => job === null);
  if (live.length < max || idle.some((slot) => slot.worker === worker)) return undefined;
  return { until: Math.min(Number.POSITIVE_INFINITY, ...idle.map(({ until }) => until)), othersMayGo: idle.length > 0 };
}

export function takeSlot({ sql, now }: Look, owner: number, worker: WorkerId, job: number): void {
  sql(DROP_SLOTS).run(owner, now);
  const idle = sql<SlotRow>(SLOTS)
    .all(owner)
    .find((slot) => slot.job === null && slot.worker === worker);
  if (idle === undefined) sql(ADD_SLOT).run(owner, worker, job, 0);
  else sql(USE_SLOT).run(job, idle.id);
}

export function leaveSlot({ sql, now }: Look, job: number, idleMs: number): void {
  sql(LEAVE_SLOT).run(now + idleMs, job);
}
