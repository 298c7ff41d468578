import type { WorkerId } from '../../../model/ids.ts';
import type { JobKind } from '../../../model/job.ts';
import { PRIORITY_TURNS } from '../../../model/limit.ts';
import { inboxScope } from '../../../model/scope.ts';
import type { Act } from './act.ts';
import { gateLookAt, limitsOf, senderWait, type Wait } from './admit.ts';
import { FOREVER, type LaneFacts, type Sender } from './senders.ts';
import {
  END_LANE,
  END_LANE_TURN,
  END_SENDER,
  END_SENDER_TURN,
  LANES_LONGEST,
  LANES_WAITING,
  READY_IN_LANE,
  SENDERS_WAITING,
  WAKE_DUE_LANES,
  WAKE_DUE_SENDERS,
} from './sql/deal.ts';
import { take } from './take.ts';
import type { Turns } from './turns.ts';

/**
 * Deals ready jobs one by one, as cards: senders take turns, within a sender its lanes, within a lane the oldest goes
 * first. So a batch of fifty is as fair as fifty batches of one. Costs a few look-ups a batch, lane and sender dealt to,
 * whatever the backlog. What has to wait is marked with its time, and costs nothing before it.
 */
export function deal(act: Act, want: Want, turns: Turns): Dealt {
  const hand: Hand = {
    act,
    want,
    turns,
    kinds: JSON.stringify(want.kinds),
    jobs: [],
    seated: [],
    askAgainAt: Number.POSITIVE_INFINITY,
    ended: 0,
  };
  for (const { seq } of act.sql<{ seq: number }>(WAKE_DUE_SENDERS).all(act.now)) {
    act.sql(WAKE_DUE_LANES).run(seq, act.now);
    act.sql(END_SENDER).run(seq, null); // one whose lanes wait longer than it did waits for them
  }
  const opened: OpenSender[] = [];
  // Everybody's first turn: who gives nothing (it waits, or its mail expired or was canceled) makes room for the next.
  for (const sender of sendersInTurn(hand)) {
    opened.push(sender);
    takeTurn(hand, sender);
  }
  // Further turns, when there was nobody left who had none.
  const queue = opened.filter(({ turn }) => turn !== undefined);
  while (isWanting(hand)) {
    const sender = queue.shift();
    if (sender === undefined) break;
    if (takeTurn(hand, sender)) queue.push(sender);
  }
  for (const sender of opened) endSender(hand, sender);
  if (hand.ended >= ENDED_MAX) hand.askAgainAt = act.now;
  return hand;
}

export interface Want {
  readonly kinds: readonly JobKind[];
  readonly max: number;
  readonly worker: WorkerId;
}
export interface Dealt {
  /** jobs.seq, in the order they were dealt. */
  readonly jobs: readonly number[];
  /** Those that hold seats or a slot. */
  readonly seated: readonly number[];
  /** When this worker should ask again though others may go at once. */
  readonly askAgainAt: number;
}
interface Hand extends Dealt {
  readonly act: Act;
  readonly want: Want;
  readonly turns: Turns;
  readonly kinds: string;
  readonly jobs: number[];
  readonly seated: number[];
  askAgainAt: number;
  ended: number;
}
interface OpenSender {
  readonly sender: Sender;
  /** How many share what is left of the batch with it. */
  readonly rivals: number;
  lanes: OpenLane[];
  /** There are no other lanes than these. */
  isRead: boolean;
  dealt: number;
  clock: number;
  turn?: number;
  wait?: Wait;
}
interface OpenLane {
  readonly facts: LaneFacts;
  readonly weight: number;
  /** Looked up and not dealt yet. */
  jobs: readonly { readonly seq: number; readonly due_at: number }[];
  next: number;
  /** There is nothing behind `jobs`. */
  isRead: boolean;
  turn: number;
  lastTurn: number;
  hadTurn: boolean;
}

const isWanting = ({ jobs, want, ended }: Hand): boolean => jobs.length < want.max && ended < ENDED_MAX;
/** Mails that turn out to be over, in one lease: a million of them must not hold the file for a minute. */
const ENDED_MAX = 1_000;

/** As many as are needed, by whose last turn is longest ago. */
function* sendersInTurn(hand: Hand): Generator<OpenSender> {
  const { act, kinds, want, jobs } = hand;
  let last = { turn: -1, seq: 0 };
  while (isWanting(hand)) {
    const wanted = want.max - jobs.length;
    const page = act
      .sql<{ seq: number; turn: number; dealt: number; clock: number }>(SENDERS_WAITING)
      .all(last.turn, last.seq, kinds, wanted);
    for (const row of page) {
      if (!isWanting(hand)) return;
      last = row;
      act.sql(WAKE_DUE_LANES).run(row.seq, act.now);
      yield { sender: act.senders.sender(row.seq), rivals: page.length, lanes: [], isRead: false, dealt: row.dealt, clock: row.clock };
    }
    if (page.length < wanted) return;
  }
}

/** Deals one job of the sender; false: it has none that may go. */
function takeTurn(hand: Hand, open: OpenSender): boolean {
  const { act, want } = hand;
  while (open.wait === undefined) {
    const wait = open.sender.hasScopes ? senderWait(act, open.sender, want.worker) : undefined;
    if (wait !== undefined) open.wait = wait;
    const lane = wait === undefined ? pickLane(hand, open) : undefined;
    if (lane === undefined) return false;
    const job = nextJob(hand, open, lane);
    if (job === undefined) {
      endLane(act, open, lane, undefined);
      continue;
    }
    const taken = take(act, open.sender, lane.facts, job, want.worker);
    if (taken.kind === 'wait') {
      endLane(act, open, lane, taken.wait);
      continue;
    }
    lane.next += 1;
    if (taken.kind === 'ended') {
      hand.ended += 1;
      if (hand.ended >= ENDED_MAX) return false;
      continue;
    }
    hand.jobs.push(job);
    if (taken.seated) hand.seated.push(job);
    useTurn(hand, open, lane);
    return true;
  }
  return false;
}

/** A lane that was idle begins where its sender is: it neither gathers nor owes turns. */
function useTurn({ turns, act }: Hand, open: OpenSender, lane: OpenLane): void {
  const turn = turns.next(act.now);
  open.turn = turn;
  open.dealt += 1;
  open.clock = Math.max(lane.turn, open.clock);
  lane.turn = open.clock + 1 / lane.weight;
  lane.lastTurn = turn;
  lane.hadTurn = true;
}

/** By priority, then by weight; one turn in `PRIORITY_TURNS` is for whoever waits longest. */
function pickLane(hand: Hand, open: OpenSender): OpenLane | undefined {
  if (open.lanes.length === 0 && !open.isRead) readLanes(hand, open);
  const isForWhoeverWaits = open.dealt % PRIORITY_TURNS === PRIORITY_TURNS - 1;
  const order = (a: OpenLane, b: OpenLane): number =>
    isForWhoeverWaits ? a.lastTurn - b.lastTurn : a.facts.priority - b.facts.priority || a.turn - b.turn || a.lastTurn - b.lastTurn;
  let first: OpenLane | undefined;
  for (const lane of open.lanes) if (first === undefined || order(lane, first) < 0) first = lane;
  return first;
}

function readLanes({ act, kinds, want, jobs }: Hand, open: OpenSender): void {
  const max = want.max - jobs.length;
  const longestMax = Math.ceil(max / PRIORITY_TURNS);
  const { seq } = open.sender;
  type LaneRow = LaneFacts & { readonly turn: number; readonly last_turn: number };
  const byPriority = act.sql<LaneRow>(LANES_WAITING).all(seq, kinds, max);
  open.isRead = byPriority.length < max;
  const byWait = open.isRead ? [] : act.sql<LaneRow>(LANES_LONGEST).all(seq, kinds, longestMax);
  const rows = new Map([...byPriority, ...byWait].map((row) => [row.seq, row]));
  for (const row of rows.values()) {
    act.senders.noteLane(row);
    const weight = limitsOf(act, inboxScope(row.name))?.limits.weight ?? 1;
    open.lanes.push({ facts: row, weight, jobs: [], next: 0, isRead: false, turn: row.turn, lastTurn: row.last_turn, hadTurn: false });
  }
}

function nextJob(hand: Hand, open: OpenSender, lane: OpenLane): number | undefined {
  if (lane.next >= lane.jobs.length && !lane.isRead) {
    const last = lane.jobs.at(-1);
    const share = Math.ceil((hand.want.max - hand.jobs.length) / (open.rivals * open.lanes.length));
    lane.jobs = hand.act.sql<OpenLane['jobs'][number]>(READY_IN_LANE).all(lane.facts.seq, last?.due_at ?? 0, last?.seq ?? 0, share + 1);
    lane.next = 0;
    lane.isRead = lane.jobs.length <= share;
  }
  return lane.jobs[lane.next]?.seq;
}

/** It waits, or is empty; either way it is no more in the way. */
function endLane(act: Act, open: OpenSender, lane: OpenLane, wait: Wait | undefined): void {
  open.lanes = open.lanes.filter((other) => other !== lane);
  keepTurn(act, lane);
  if (wait === undefined) act.sql(END_LANE).run(0, 0, null, lane.facts.seq);
  else act.sql(END_LANE).run(2, Math.min(FOREVER, wait.until), wait.because.scope, lane.facts.seq);
}

function keepTurn(act: Act, { hadTurn, turn, lastTurn, facts }: OpenLane): void {
  if (hadTurn) act.sql(END_LANE_TURN).run(turn, lastTurn, facts.seq);
}

function endSender(hand: Hand, open: OpenSender): void {
  const { act } = hand;
  const { sender, wait, turn, dealt, clock } = open;
  for (const lane of open.lanes) {
    if (lane.isRead && lane.next >= lane.jobs.length) endLane(act, open, lane, undefined);
    else keepTurn(act, lane);
  }
  if (turn !== undefined) act.sql(END_SENDER_TURN).run(turn, dealt, clock, sender.seq);
  const until = wait === undefined || wait.othersMayGo ? null : lookAt(sender, wait, act.now);
  if (wait?.othersMayGo) hand.askAgainAt = Math.min(hand.askAgainAt, wait.until);
  act.sql(END_SENDER).run(sender.seq, until);
}

function lookAt({ gate }: Sender, { until, because }: Wait, now: number): number {
  return Math.min(FOREVER, because.kind === 'gate' ? gateLookAt(gate, until, now) : until);
}
