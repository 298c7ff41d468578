import type { EventKind } from '../../../model/event.ts';
import type { MessageId } from '../../../model/ids.ts';
import type { AttemptEnd, State } from '../../../model/job.ts';
import type { Settlement } from '../../../ports/ledger.ts';
import type { SqliteFile, Statement } from '../../_shared/sqlite-file.ts';
import { COUNT, DROP_IDLE_PAYLOAD, DROP_MAIL, KEEP_ATTEMPT, TELL, WAKE_LANE, WAKE_SENDER } from './sql/act.ts';

/** One atomic act on the ledger's tables, inside a transaction: one time, and its traces kept together with its change. */
export interface Act {
  /** The ledger's time of the whole act. */
  readonly now: number;
  sql<R extends object>(text: string): Statement<R>;
  /** `count` jobs went from one state to another; absent: from nowhere, or off the record. */
  moved(from: State | undefined, to: State | undefined, count?: number): void;
  tell(job: number, kind: EventKind, state: State): void;
  keepAttempt(attempt: AttemptTrace): void;
  /** A job of this lane, not set apart, has become ready. */
  wakeLane(lane: number): void;
  /** A job has become final: its bytes go, when this ledger need not keep them and no other job wants them. */
  finished(job: number): void;
  /** The record of a job of this message is no longer there; `isLast`: nor is any other of its jobs. */
  dropped(message: { readonly id: MessageId; readonly seq: number; readonly isLast: boolean }, state: State): void;
}

/** The lease that ended, as the job's row has it, and how. */
export interface AttemptTrace {
  readonly job: number;
  readonly token: number;
  readonly worker: string | null;
  readonly leased_at: number | null;
  readonly end: AttemptEnd;
  readonly counted: boolean;
  readonly note: string;
  readonly seen?: Partial<Pick<Settlement, 'phase' | 'reply' | 'recipients' | 'facts'>>;
}

export interface LedgerTables {
  readonly file: SqliteFile;
  readonly keepsPayloads: boolean;
  readonly onDropped?: (messageId: MessageId, state: State) => void;
}

/** Runs `body` and saves the counts. The caller has the transaction open. */
export function inAct<T>({ file, keepsPayloads, onDropped }: LedgerTables, body: (act: Act) => T): T {
  const counts = new Map<State, number>();
  const add = (state: State | undefined, count: number): void => {
    if (state !== undefined) counts.set(state, (counts.get(state) ?? 0) + count);
  };
  const now = file.now();
  const act: Act = {
    now,
    sql: (text) => file.prepare(text),
    moved(from, to, count = 1) {
      add(from, -count);
      add(to, count);
    },
    tell(job, kind, state) {
      file.prepare(TELL).run(now, job, kind, state);
    },
    keepAttempt({ job, token, worker, leased_at, end, counted, note, seen }) {
      if (worker === null || leased_at === null) return; // never leased, so nothing was tried
      const statement = file.prepare(KEEP_ATTEMPT);
      statement.run(job, token, job, token, worker, leased_at, now, end, counted ? 1 : 0, note, seenText(seen));
    },
    wakeLane(lane) {
      const woken = file.prepare<{ sender: string }>(WAKE_LANE).get(lane);
      if (woken !== undefined) file.prepare(WAKE_SENDER).run(woken.sender);
    },
    finished(job) {
      if (!keepsPayloads) file.prepare(DROP_IDLE_PAYLOAD).run(job);
    },
    dropped(message, state) {
      onDropped?.(message.id, state);
      if (message.isLast && !keepsPayloads) file.prepare(DROP_MAIL).run(message.seq);
    },
  };
  const answer = body(act);
  for (const [state, count] of counts) if (count !== 0) file.prepare(COUNT).run(count, state);
  return answer;
}

function seenText(seen: AttemptTrace['seen']): string | null {
  if (seen === undefined) return null;
  const { phase, reply, recipients, facts } = seen;
  if (phase === undefined && reply === undefined && recipients === undefined && facts === undefined) return null;
  return JSON.stringify({ phase, reply, recipients, facts });
}
