import { type Gate, OPEN_GATE, retryOpensAt } from '../../../model/gate.ts';
import type { JobKind, State } from '../../../model/job.ts';
import type { LaneId, SenderId } from '../../../model/ids.ts';
import type { Look } from './act.ts';
import { END_SENDER } from './sql/deal.ts';
import { LANE_FACTS, SAVE_SENDER, SENDER, WAKE_RETRIED_BY, WAKE_SENDER_BY, WAKE_SENDER_THAT_WAITS } from './sql/senders.ts';

/**
 * The rows of the senders one act is about, read once and written once at its end: how many of their jobs are in which
 * state, and their gates. Both decide who may go, so they are never behind what the act did so far.
 */
export interface Sender {
  readonly seq: number;
  readonly name: SenderId;
  /** It is the sender's mail; nothing limits its other jobs. */
  readonly hasScopes: boolean;
  scheduled: number;
  ready: number;
  /** Ready, and of high priority. */
  high: number;
  /** Leased or being sent. */
  open: number;
  /** The file has one; without, it is open. */
  readonly hasGate: boolean;
  gate: Gate;
  /** Who may go now that could not: those that wait for another one's end, or all that wait. */
  wakes: 'nobody' | 'after-an-end' | 'all';
}

/** What never changes about a lane. */
export interface LaneFacts {
  readonly seq: number;
  readonly owner: number;
  readonly sender: SenderId;
  readonly name: LaneId;
  readonly kind: JobKind;
  readonly priority: number;
  readonly retried: number;
}

export interface SenderBook {
  sender(seq: number): Sender;
  lane(seq: number): LaneFacts;
  /** Spares a look-up to whoever has them anyway. */
  noteLane(facts: LaneFacts): void;
  noteSender(seq: number, row: SenderRow): void;
  moved(lane: number, from: State | undefined, to: State | undefined): void;
  save(): void;
}

export interface SenderRow {
  readonly sender: SenderId;
  readonly has_scopes: number;
  readonly scheduled_count: number;
  readonly ready_count: number;
  readonly high_count: number;
  readonly open_count: number;
  readonly gate: string | null;
}

/** A time that never comes: it waits until a job of its own ends, or for a person. */
export const FOREVER = 2 ** 52;

export function openSenderBook(look: Look): SenderBook {
  const senders = new Map<number, { readonly sender: Sender; before: Sender }>();
  const lanes = new Map<number, LaneFacts>();

  function senderAt(seq: number): Sender {
    const known = senders.get(seq);
    if (known !== undefined) return known.sender;
    const row = look.sql<SenderRow>(SENDER).get(seq);
    if (row === undefined) throw new Error(`broken invariant: no sender ${seq}`);
    return keep(seq, row);
  }

  function keep(seq: number, row: SenderRow): Sender {
    const sender = senderOf(seq, row);
    senders.set(seq, { sender, before: { ...sender } });
    return sender;
  }

  function laneAt(seq: number): LaneFacts {
    const known = lanes.get(seq) ?? look.sql<LaneFacts>(LANE_FACTS).get(seq);
    if (known === undefined) throw new Error(`broken invariant: no lane ${seq}`);
    lanes.set(seq, known);
    return known;
  }

  function add(sender: Sender, state: State | undefined, isHigh: boolean, by: 1 | -1): void {
    if (state === 'scheduled') sender.scheduled += by;
    else if (state === 'leased' || state === 'sending') sender.open += by;
    else if (state === 'ready') {
      sender.ready += by;
      if (isHigh) sender.high += by;
    }
  }

  return {
    sender: senderAt,
    lane: laneAt,
    noteLane(facts) {
      lanes.set(facts.seq, facts);
    },
    noteSender(seq, row) {
      if (!senders.has(seq)) keep(seq, row); // what this act did is newer than the file
    },
    moved(lane, from, to) {
      const { owner, priority } = laneAt(lane);
      const sender = senderAt(owner);
      add(sender, from, priority === 0, -1);
      add(sender, to, priority === 0, 1);
    },
    save() {
      for (const kept of senders.values()) {
        const { sender, before } = kept;
        if (isSame(sender, before)) continue;
        const gate = sender.gate === OPEN_GATE ? null : JSON.stringify(sender.gate);
        const { seq, scheduled, ready, high, open } = sender;
        look.sql(SAVE_SENDER).run(scheduled, ready, high, open, gate, seq);
        if (sender.wakes !== 'nobody') {
          const { changes } = look.sql(WAKE_SENDER_THAT_WAITS).run(seq, sender.wakes === 'all' ? 0 : FOREVER);
          if (changes > 0) look.sql(END_SENDER).run(seq, null); // its lanes may have times of their own
        }
        if (sender.gate !== before.gate) letRetriesGoSooner(look, before, sender);
        sender.wakes = 'nobody';
        kept.before = { ...sender };
      }
    },
  };
}

function senderOf(seq: number, row: SenderRow): Sender {
  return {
    seq,
    name: row.sender,
    hasScopes: row.has_scopes === 1,
    scheduled: row.scheduled_count,
    ready: row.ready_count,
    high: row.high_count,
    open: row.open_count,
    hasGate: row.gate !== null,
    gate: row.gate === null ? OPEN_GATE : (JSON.parse(row.gate) as Gate),
    wakes: 'nobody',
  };
}

function isSame(one: Sender, other: Sender): boolean {
  return (
    one.gate === other.gate &&
    one.wakes === 'nobody' &&
    one.scheduled === other.scheduled &&
    one.ready === other.ready &&
    one.high === other.high &&
    one.open === other.open
  );
}

/** Each mail that is taken earns a part of a retry token. */
function letRetriesGoSooner({ now, sql }: Look, before: Sender, after: Sender): void {
  const opensAt = retryOpensAt(after.gate, now);
  if (opensAt >= retryOpensAt(before.gate, now)) return;
  const { changes } = sql(WAKE_RETRIED_BY).run(opensAt, after.seq, opensAt);
  if (changes > 0) sql(WAKE_SENDER_BY).run(opensAt, after.seq);
}
