import type { MessageId } from '../../../model/ids.ts';
import type { DoubtPolicy } from '../../../model/job.ts';
import { CRASHES_APART_MAX, CRASHES_BEFORE_APART, RESENDS_MAX } from '../../../model/limits.ts';
import type { SweepOptions, Swept } from '../../../ports/ledger.ts';
import type { Act } from './act.ts';
import { dropExpired, makeDueReady } from './due.ts';
import { knowRecipients } from './mailed.ts';
import type { JobRow } from './rows.ts';
import {
  CRASH,
  DROP_ATTEMPTS,
  DROP_CONTENT,
  DROP_EVENTS,
  DROP_FACTS,
  DROP_JOB,
  FREE_KEY,
  LAPSED,
  LOSE_WORKER,
  MAIL_IN_USE,
  OLD,
  ON_DOUBT,
  RESEND,
  RESEND_DUE,
} from './sql/sweep.ts';
import { letGo } from './wakes.ts';

/** Each step touches at most what is left of the budget, and answers how many it touched. */
export function sweepNow(act: Act, options: SweepOptions): Swept {
  let left = options.max;
  const spend = (touched: number): number => {
    left -= touched;
    return touched;
  };
  const expired = spend(dropExpired(act, left));
  const madeReady = spend(makeDueReady(act, left));
  const crashes = crashLapsed(act, left, options);
  spend(crashes.crashed + crashes.poisoned);
  const inDoubt = spend(doubtLapsed(act, left, options));
  const resending = spend(resendDue(act, left));
  const dropped = spend(dropOld(act, left, options));
  return { madeReady, ...crashes, inDoubt, resending, expired, dropped, hasMore: left <= 0 };
}

/** A lease ran out before the commit. The first time says nothing about the job; only crashes apart are surely its own. */
function crashLapsed(act: Act, max: number, { apartDelaysMs }: SweepOptions): { crashed: number; poisoned: number } {
  let poisoned = 0;
  const rows = lapsed(act, 'leased', max);
  for (const row of rows) {
    const note = 'The lease ran out before the commit: its worker died or stood still.';
    act.keepAttempt({ ...row, job: row.seq, end: 'crash', counted: false, note });
    letGo(act, { ...row, state: 'leased' });
    const crashes = row.crashes + 1;
    const crashesApart = row.crashes_apart + row.runs_apart;
    const runsApart = crashes >= CRASHES_BEFORE_APART;
    if (crashesApart >= CRASHES_APART_MAX) {
      poisoned += 1;
      act.sql(CRASH).run('dead', row.due_at, 'poison', act.now, crashes, crashesApart, 1, row.seq);
      act.moved('leased', 'dead', row.lane);
      act.tell(row.seq, 'dead', 'dead');
      continue;
    }
    const delayMs = runsApart ? (apartDelaysMs[Math.min(crashesApart, apartDelaysMs.length - 1)] ?? 0) : 0;
    const state = delayMs > 0 ? 'scheduled' : 'ready';
    const dueAt = delayMs > 0 ? act.now + Math.ceil(delayMs) : row.due_at; // at once, and in the place it had
    act.sql(CRASH).run(state, dueAt, null, null, crashes, crashesApart, runsApart ? 1 : 0, row.seq);
    act.moved('leased', state, row.lane);
    if (state === 'ready' && !runsApart) act.changedFirst(row.lane);
    act.tell(row.seq, 'crashed', state);
  }
  return { crashed: rows.length - poisoned, poisoned };
}

/** A lease ran out after the commit: the dot may be at the server, so it never goes back to the queue by itself. */
function doubtLapsed(act: Act, max: number, { resendMs }: SweepOptions): number {
  const rows = lapsed(act, 'sending', max);
  for (const row of rows) {
    const note = 'The worker was lost after the commit: the mail may have been sent.';
    act.keepAttempt({ ...row, job: row.seq, end: 'worker-lost', counted: true, note });
    letGo(act, { ...row, state: 'sending' });
    knowRecipients(act, row);
    const policy = act.sql<{ on_doubt: DoubtPolicy }>(ON_DOUBT).get(row.seq)?.on_doubt;
    const mayResend = policy === 'resend' && row.resends < RESENDS_MAX;
    act.sql(LOSE_WORKER).run(mayResend ? act.now + Math.ceil(resendMs) : null, row.seq);
    act.moved('sending', 'in_doubt', row.lane);
    act.tell(row.seq, 'in_doubt', 'in_doubt');
  }
  return rows.length;
}

function lapsed(act: Act, state: 'leased' | 'sending', max: number): JobRow[] {
  return max < 1 ? [] : act.sql<JobRow>(LAPSED).all(act.now, state, max);
}

function resendDue(act: Act, max: number): number {
  const rows = max < 1 ? [] : act.sql<JobRow>(RESEND_DUE).all(act.now, max);
  for (const row of rows) resend(act, row, 'resending');
  return rows.length;
}

/** A job in doubt goes back to the queue, with the same bytes. */
export function resend(act: Act, row: JobRow, event: 'resending' | 'resolved'): void {
  act.sql(RESEND).run(act.now, row.seq);
  act.moved('in_doubt', 'ready', row.lane);
  if (row.runs_apart === 0) act.wakeLane(row.lane);
  act.tell(row.seq, event, 'ready');
}

interface OldRow {
  readonly seq: number;
  readonly state: 'sent' | 'canceled';
  readonly mail: number;
  readonly message_id: MessageId;
  readonly key: Uint8Array | null;
  readonly content: Uint8Array | null;
  readonly created_at: number;
}

/** Dead ones stay until they are purged: somebody still has to look at them. */
function dropOld(act: Act, max: number, { retentionMs }: SweepOptions): number {
  const rows = max < 1 ? [] : act.sql<OldRow>(OLD).all(act.now - retentionMs, max);
  for (const { seq, state, mail, message_id, key, content, created_at } of rows) {
    act.sql(DROP_JOB).run(seq);
    act.sql(DROP_FACTS).run(seq);
    act.sql(DROP_ATTEMPTS).run(seq);
    act.sql(DROP_EVENTS).run(seq);
    if (content !== null) act.sql(DROP_CONTENT).run(content, created_at, seq);
    act.moved(state, undefined);
    const isLast = act.sql(MAIL_IN_USE).get(mail) === undefined;
    if (isLast && key !== null) act.sql(FREE_KEY).run(key, mail);
    act.dropped({ id: message_id, seq: mail, isLast }, state);
  }
  return rows.length;
}
