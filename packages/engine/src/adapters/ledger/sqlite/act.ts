import type { EventKind } from '../../../model/event.ts';
import type { JobId, MessageId } from '../../../model/ids.ts';
import type { AttemptEnd, State } from '../../../model/job.ts';
import type { Reply } from '../../../model/reply.ts';
import type { Settlement } from '../../../ports/ledger.ts';
import type { SqliteFile } from '../../_shared/sqlite-file.ts';
import type { Statement } from '../../_shared/sqlite-statement.ts';
import { openSeatBook, type SeatBook } from './seats.ts';
import type { Seqs } from './seqs.ts';
import { openSenderBook, type SenderBook } from './senders.ts';
import { COUNT, DROP_IDLE_PAYLOAD, DROP_MAIL, KEEP_ATTEMPT, KEEP_ATTEMPT_AGAIN, KEEP_SENT, TELL } from './sql/act.ts';
import { SEQ_OF_JOB } from './sql/read.ts';
import { ANY_RULE, ANY_RULES } from './sql/seats.ts';
import { WAKE_LANE, WAKE_LANE_AGAIN, WAKE_SENDER } from './sql/senders.ts';

/** What is needed to look at the tables. */
export interface Look {
  readonly now: number;
  readonly sql: <R extends object>(text: string) => Statement<R>;
}
/** What there is at all; a ledger without limits and holds asks for nothing more. */
export interface AnyRules {
  readonly limits: boolean;
  readonly holds: boolean;
  /** Holds of tenants or identities, which each job has to be asked about. */
  readonly jobHolds: boolean;
  /** Holds that refuse commits. */
  readonly pauses: boolean;
}

/** What reads and writers look things up in; `sql` finds what it has. */
export interface Books extends Look {
  any(): AnyRules;
  readonly senders: SenderBook;
  readonly seats: SeatBook;
}

/** One atomic act on the ledger's tables, inside a transaction: one time, and its traces kept together with its change. */
export interface Act extends Books {
  /** Number of a job's row, as far as `seqs` is right; 0 when there is none. */
  seqOf(id: JobId): number;
  readonly seqs: Seqs;
  /** Somebody looked: there are no limits and no holds. */
  noteNoRules(): void;
  /** Limits or holds have changed. */
  forgetRules(): void;
  /** Writes what the books know, so that statements see it. */
  save(): void;
  /** A job went from one state to another; absent: from nowhere, or off the record. `lane` where one of them is not final. */
  moved(from: State | undefined, to: State | undefined, lane?: number): void;
  tell(job: number, kind: EventKind, state: State): void;
  keepAttempt(attempt: AttemptTrace): void;
  /** The same, for one that was sent, under the lease that the job's row tells of. */
  keepSent(job: number, attempt: Pick<AttemptTrace, 'note' | 'seen'>): void;
  /** A job of this lane, not set apart, has become ready: behind those that were. */
  wakeLane(lane: number): void;
  /** The first job of this lane may be another one now. */
  changedFirst(lane: number): void;
  /** A job of this lane is no longer under way: others may have waited for that. */
  ended(lane: number): void;
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
  /** The lease ended before, in doubt; this is what came of it. */
  readonly isSecondEnd?: boolean;
  readonly seen?: Partial<Pick<Settlement, 'phase' | 'reply' | 'recipients' | 'facts'>>;
}

export interface LedgerTables {
  readonly file: SqliteFile;
  readonly seqs: Seqs;
  readonly keepsPayloads: boolean;
  readonly onDropped?: (messageId: MessageId, state: State, isLast: boolean) => void;
}

/** Books for an answer that changes nothing. */
export function readersBooks(look: Look): Books {
  let any: AnyRules | undefined;
  return {
    ...look,
    any: () => (any ??= readAny(look)),
    senders: openSenderBook(look),
    seats: openSeatBook(look, true),
  };
}

const NOTHING: AnyRules = { limits: false, holds: false, jobHolds: false, pauses: false };

function readAny({ sql }: Look): AnyRules {
  if (sql(ANY_RULE).get() === undefined) return NOTHING;
  const row = sql<{ limits: number; holds: number; job_holds: number; pauses: number }>(ANY_RULES).get();
  return { limits: row?.limits === 1, holds: row?.holds === 1, jobHolds: row?.job_holds === 1, pauses: row?.pauses === 1 };
}

/** Runs `body` and saves the books. The caller has the transaction open. */
export function inAct<T>({ file, seqs, keepsPayloads, onDropped }: LedgerTables, body: (act: Act) => T): T {
  const counts = new Map<State, number>();
  const add = (state: State | undefined, count: number): void => {
    if (state !== undefined) counts.set(state, (counts.get(state) ?? 0) + count);
  };
  const now = file.now();
  const look: Look = { now, sql: (text) => file.prepare(text) };
  const senders = openSenderBook(look);
  let seats: SeatBook | undefined; // most acts need none
  let any: AnyRules | undefined;
  const wakeSender = (lane: { owner: number } | undefined): void => {
    if (lane !== undefined) file.prepare(WAKE_SENDER).run(lane.owner);
  };
  const act: Act = {
    ...look,
    senders,
    seqs,
    seqOf: (id) => (seqs.of(id) ?? file.prepare<{ seq: number }>(SEQ_OF_JOB).get(id))?.seq ?? 0,
    get seats() {
      seats ??= openSeatBook(look, false);
      return seats;
    },
    any: () => (any ??= readAny(look)),
    noteNoRules() {
      any = NOTHING;
    },
    forgetRules() {
      seats?.save();
      seats?.renew();
      any = undefined;
    },
    save() {
      senders.save();
      seats?.save();
    },
    moved(from, to, lane) {
      add(from, -1);
      add(to, 1);
      if (lane !== undefined) senders.moved(lane, from, to);
    },
    tell(job, kind, state) {
      file.prepare(TELL).run(now, job, kind, state);
    },
    keepAttempt({ job, token, worker, leased_at, end, counted, note, isSecondEnd, seen }) {
      if (worker === null || leased_at === null) return; // never leased, so nothing was tried
      const statement = file.prepare(isSecondEnd === true ? KEEP_ATTEMPT_AGAIN : KEEP_ATTEMPT);
      statement.run(job, token, worker, leased_at, now, end, counted ? 1 : 0, note, seenText(seen));
    },
    keepSent(job, { note, seen }) {
      file.prepare(KEEP_SENT).run(now, note, seenText(seen), job);
    },
    wakeLane(lane) {
      wakeSender(file.prepare<{ owner: number }>(WAKE_LANE).get(lane));
    },
    changedFirst(lane) {
      wakeSender(file.prepare<{ owner: number }>(WAKE_LANE_AGAIN).get(lane));
    },
    ended(lane) {
      const sender = senders.sender(senders.lane(lane).owner);
      if (sender.wakes === 'nobody') sender.wakes = 'after-an-end';
      senders.save();
    },
    finished(job) {
      if (!keepsPayloads) file.prepare(DROP_IDLE_PAYLOAD).run(job);
    },
    dropped(message, state) {
      onDropped?.(message.id, state, message.isLast);
      if (message.isLast && !keepsPayloads) file.prepare(DROP_MAIL).run(message.seq);
    },
  };
  const answer = body(act);
  act.save();
  for (const [state, count] of counts) if (count !== 0) file.prepare(COUNT).run(count, state);
  return answer;
}

function seenText(seen: AttemptTrace['seen']): string | null {
  if (seen === undefined) return null;
  const { phase, reply, recipients, facts } = seen;
  if (phase === undefined && reply === undefined && recipients === undefined && facts === undefined) return null;
  if (recipients === undefined || recipients.length === 0 || !recipients.every((each) => isSame(each.reply, reply)))
    return JSON.stringify({ phase, reply, recipients, facts });
  // The usual case: what was said once is written once, and read back as if it had been said of each (`rows.ts`).
  return JSON.stringify({ phase, reply, to: recipients.map(({ address }) => address), facts });
}

function isSame(one: Reply, other: Reply | undefined): boolean {
  return one.code === other?.code && one.text === other.text && one.enhanced === other.enhanced;
}
