import type { JobId } from '../../../model/ids.ts';
import { isFinal } from '../../../model/job.ts';
import type { Canceled, Decision, Requeued, Resolved } from '../../../ports/ledger.ts';
import type { DeadOptions } from '../../../ports/ledger-dead.ts';
import type { Act } from './act.ts';
import { FIRST_TRY, laneFor } from './lanes.ts';
import type { JobRow } from './rows.ts';
import { CANCEL, DECIDE, REQUEUE } from './sql/decide.ts';
import { JOB_BY_ID } from './sql/read.ts';
import { resend } from './sweep.ts';
import { letGo } from './wakes.ts';

export function cancelNow(act: Act, id: JobId): Canceled {
  const row = act.sql<JobRow>(JOB_BY_ID).get(id);
  if (row === undefined) return { kind: 'refused', because: 'unknown' };
  if (isFinal(row.state)) return { kind: 'refused', because: 'final' };
  if (row.state === 'sending' || row.state === 'in_doubt') return { kind: 'refused', because: 'too_late' };
  if (row.state === 'leased') letGo(act, { ...row, state: row.state });
  act.sql(CANCEL).run(act.now, row.seq);
  act.moved(row.state, 'canceled', row.lane);
  if (row.state === 'ready') act.changedFirst(row.lane);
  act.tell(row.seq, 'canceled', 'canceled');
  act.finished(row.seq);
  return { kind: 'canceled' };
}

export function resolveNow(act: Act, { jobId, verdict, note }: Decision): Resolved {
  const row = act.sql<JobRow>(JOB_BY_ID).get(jobId);
  if (row === undefined) return { kind: 'refused', because: 'unknown' };
  if (row.state !== 'in_doubt') return { kind: 'refused', because: 'not_in_doubt' };
  act.keepAttempt({ ...row, job: row.seq, end: verdict === 'resend' ? 'doubt' : verdict, counted: false, isSecondEnd: true, note });
  if (verdict === 'resend') {
    resend(act, row, 'resolved');
    return { kind: 'resolved', state: 'ready' };
  }
  act.sql(DECIDE).run(verdict, verdict === 'dead' ? 'decided' : null, act.now, row.seq);
  act.moved('in_doubt', verdict, row.lane);
  act.tell(row.seq, 'resolved', verdict);
  act.finished(row.seq);
  return { kind: 'resolved', state: verdict };
}

/** A new life with the same bytes. The token goes on counting, so that a worker of the old life stays locked out. */
export function requeueNow(act: Act, id: JobId, { endedBefore = Number.POSITIVE_INFINITY }: DeadOptions = {}): Requeued {
  const row = act.sql<JobRow>(JOB_BY_ID).get(id);
  if (row === undefined) return { kind: 'refused', because: 'unknown' };
  if (row.state !== 'dead' || (row.finished_at ?? 0) >= endedBefore) return { kind: 'refused', because: 'not_dead' };
  const lane = laneFor(act, row.lane, FIRST_TRY);
  act.sql(REQUEUE).run(lane, act.now, act.now, row.seq);
  act.moved('dead', 'ready', lane);
  act.wakeLane(lane);
  act.tell(row.seq, 'requeued', 'ready');
  return { kind: 'requeued' };
}
