import type { JobId } from '../../../model/ids.ts';
import type { State } from '../../../model/job.ts';
import { countsAsAttempt, type Outcome } from '../../../model/outcome.ts';
import type { ChildJob, Settled, Settlement } from '../../../ports/ledger.ts';
import type { Act } from './act.ts';
import { inserted } from './enqueue.ts';
import { applyEffects } from './gates.ts';
import { FIRST_TRY, laneFor, triesOf } from './lanes.ts';
import { knowRecipients } from './mailed.ts';
import { envelopeOf, failuresOf, type JobRow } from './rows.ts';
import { IS_KNOWN } from './sql/read.ts';
import { ADD_CHILD, ADD_CHILD_FACTS, ENVELOPE, JOB_TO_SETTLE, NARROW, SETTLE, SETTLE_SENT } from './sql/settle.ts';
import { letGo } from './wakes.ts';

type RowToSettle = Pick<
  JobRow,
  | 'seq'
  | 'id'
  | 'lane'
  | 'state'
  | 'runs_apart'
  | 'token'
  | 'settled_token'
  | 'worker'
  | 'leased_at'
  | 'attempts'
  | 'failures'
  | 'due_at'
  | 'first_failed_at'
  | 'busy_releases'
  | 'seated'
>;

const EVENT_OF = { sent: 'sent', retry: 'retrying', dead: 'dead', doubt: 'in_doubt', release: 'released' } as const;

export function settleNow(act: Act, settlement: Settlement): Settled {
  return settleSent(act, settlement) ?? settleAny(act, settlement);
}

/**
 * The short way for what nearly every mail comes to: sent, whole, under a lease of this process, on a ledger whose limits
 * have nothing to say. It does what `settleAny` does; undefined: that one has to look.
 */
function settleSent(act: Act, settlement: Settlement): Settled | undefined {
  const { jobId, token, outcome, note, effects, children, keeps } = settlement;
  if (outcome.kind !== 'sent' || children !== undefined || keeps !== undefined || act.any().limits) return undefined;
  const place = act.seqs.of(jobId);
  if (place?.token !== token) return undefined;
  const { seq, lane, leasedAt } = place;
  if (act.sql(SETTLE_SENT).run(act.now, seq, jobId, token, lane).changes === 0) return undefined;
  act.keepSent(seq, { note, seen: settlement });
  if (effects !== undefined) applyEffects(act, effects, act.senders.lane(lane).owner, leasedAt);
  letGo(act, { seq, lane, state: 'sending', seated: 0 });
  act.moved('sending', 'sent', lane);
  act.finished(seq);
  act.tell(seq, 'sent', 'sent');
  return { kind: 'settled', state: 'sent' };
}

function settleAny(act: Act, settlement: Settlement): Settled {
  const row = rowToSettle(act, settlement.jobId);
  if (row === undefined) return { kind: 'refused', because: 'unknown' };
  const refusal = refuse(row, settlement);
  if (refusal !== undefined) return refusal;

  const { outcome, note, token } = settlement;
  // An attempt that ended in doubt was counted then; what heals it is the same attempt.
  const counted = countsAsAttempt(outcome) && row.state !== 'in_doubt';
  act.keepAttempt({ ...leaseOf(row), end: outcome.kind, counted, note, isSecondEnd: row.state === 'in_doubt', seen: settlement });
  for (const child of settlement.children ?? []) addChild(act, row, child);
  if (settlement.effects !== undefined) applyEffects(act, settlement.effects, act.senders.lane(row.lane).owner, row.leased_at ?? act.now);
  if (row.state === 'leased' || row.state === 'sending') letGo(act, { ...row, state: row.state });
  if (settlement.keeps !== undefined) narrow(act, row.seq, settlement.keeps);
  if (outcome.kind === 'sent' || outcome.kind === 'doubt') knowRecipients(act, row);
  const state = record(act, row, { outcome, counted, settledToken: token });
  act.tell(row.seq, EVENT_OF[outcome.kind], state);
  return { kind: 'settled', state };
}

function rowToSettle(act: Act, id: JobId): RowToSettle | undefined {
  const row = act.sql<RowToSettle>(JOB_TO_SETTLE).get(act.seqOf(id), id);
  if (row !== undefined || act.seqs.of(id) === undefined) return row;
  act.seqs.forget(id);
  return rowToSettle(act, id);
}

/**
 * `undefined`: the settle holds. A lease that ran out but was not swept still belongs to its worker, since nobody else
 * can have begun. A job in doubt is healed by whatever its own worker learns later, but not by another "don't know".
 */
function refuse(row: RowToSettle, { token, outcome }: Settlement): Settled | undefined {
  const isMine = row.token === token;
  const isInDoubt = isMine && row.state === 'in_doubt';
  if (isInDoubt && outcome.kind !== 'doubt') return undefined;
  if (isInDoubt || row.settled_token === token) return { kind: 'repeated', state: row.state };
  if (!isMine) return { kind: 'refused', because: 'lost' };
  if (row.state === 'canceled') return { kind: 'refused', because: 'canceled' };
  if (row.state === 'sending') return undefined;
  if (row.state !== 'leased') return { kind: 'refused', because: 'lost' };
  // Beware: before the commit nothing can have been sent, so "sent" and "don't know" are a worker that skipped it.
  if (outcome.kind === 'sent' || outcome.kind === 'doubt') return { kind: 'refused', because: 'uncommitted' };
  return undefined;
}

function leaseOf(row: RowToSettle): { job: number; token: number; worker: string | null; leased_at: number | null } {
  return { job: row.seq, token: row.token, worker: row.worker, leased_at: row.leased_at };
}

/** Writes the outcome into the job's row; answers its new state. */
function record(
  act: Act,
  row: RowToSettle,
  { outcome, counted, settledToken }: { readonly outcome: Outcome; readonly counted: boolean; readonly settledToken: number | null },
): State {
  const after = afterOutcome(row, outcome, act.now);
  const failures = outcome.kind === 'retry' ? oneMoreFailure(row, outcome.failure) : row.failures;
  const lane = outcome.kind === 'retry' ? laneFor(act, row.lane, triesOf(failuresOf({ failures }))) : row.lane;
  act
    .sql(SETTLE)
    .run(
      after.state,
      after.dueAt,
      after.resendAt,
      outcome.kind === 'dead' ? outcome.reason : null,
      outcome.kind === 'doubt' ? outcome.cause : null,
      settledToken,
      row.attempts + (counted ? 1 : 0),
      failures,
      outcome.kind === 'retry' ? (row.first_failed_at ?? act.now) : row.first_failed_at,
      after.finishedAt,
      lane,
      counted ? 0 : row.busy_releases + (outcome.kind === 'release' && outcome.why === 'busy' ? 1 : 0),
      row.seq,
    );
  act.moved(row.state, after.state, row.lane);
  if (after.state === 'ready' && row.runs_apart === 0) act.changedFirst(lane);
  if (after.finishedAt !== null) act.finished(row.seq);
  return after.state;
}

interface After {
  readonly state: State;
  readonly dueAt: number;
  readonly resendAt: number | null;
  readonly finishedAt: number | null;
}

function afterOutcome(row: RowToSettle, outcome: Outcome, now: number): After {
  const base = { dueAt: row.due_at, resendAt: null, finishedAt: null };
  switch (outcome.kind) {
    case 'sent':
    case 'dead':
      return { ...base, state: outcome.kind, finishedAt: now };
    case 'doubt':
      return { ...base, state: 'in_doubt', resendAt: outcome.resendMs === undefined ? null : now + Math.ceil(outcome.resendMs) };
    case 'release':
      if (outcome.delayMs <= 0) return { ...base, state: 'ready' }; // in the place it had: it was not its fault
      return { ...base, state: 'scheduled', dueAt: now + Math.ceil(outcome.delayMs) };
    case 'retry':
      return { ...base, state: outcome.delayMs > 0 ? 'scheduled' : 'ready', dueAt: now + Math.ceil(outcome.delayMs) };
    default:
      return outcome satisfies never;
  }
}

function oneMoreFailure(row: RowToSettle, failure: keyof ReturnType<typeof failuresOf>): string {
  const failures = failuresOf(row);
  return JSON.stringify({ ...failures, [failure]: (failures[failure] ?? 0) + 1 });
}

/** Greylisting asked for its retry; the other failures may be everybody's. */
function narrow(act: Act, seq: number, keeps: readonly string[]): void {
  const row = act.sql<{ envelope: string }>(ENVELOPE).get(seq);
  if (row === undefined) return;
  const envelope = envelopeOf(row);
  act.sql(NARROW).run(JSON.stringify({ ...envelope, to: envelope.to.filter((to) => keeps.includes(to)) }), seq);
}

/** A child begins with the failure that made it: its first attempt is its parent's last. */
function addChild(act: Act, parent: RowToSettle, child: ChildJob): void {
  if (act.sql(IS_KNOWN).get(child.id) !== undefined) return; // a settle whose answer was lost comes again
  const envelope = act.sql<{ envelope: string }>(ENVELOPE).get(parent.seq);
  if (envelope === undefined) return;
  const seq = inserted(
    act.sql<{ seq: number }>(ADD_CHILD).get(child.id, laneFor(act, parent.lane, FIRST_TRY), act.now, act.now, act.now, parent.seq),
  );
  act.sql(ADD_CHILD_FACTS).run(seq, JSON.stringify({ ...envelopeOf(envelope), to: child.to }), parent.id, parent.seq);
  const row = act.sql<RowToSettle>(JOB_TO_SETTLE).get(seq, child.id);
  if (row === undefined) return;
  act.moved(undefined, 'ready', row.lane);
  const counted = child.outcome.kind !== 'release';
  const state = record(act, row, { outcome: child.outcome, counted, settledToken: null });
  act.tell(seq, child.outcome.kind === 'dead' ? 'dead' : 'queued', state);
  const seen = { phase: 'rcpt' as const, recipients: child.recipients };
  act.keepAttempt({ ...leaseOf(parent), job: seq, token: row.token, end: child.outcome.kind, counted, note: child.note, seen });
}
