import type { JobKind } from '../../../model/job.ts';
import type { Act } from './act.ts';
import {
  END_LANE_TURN,
  END_SENDER_TURN,
  LANE_IS_EMPTY,
  LANES_WAITING,
  READY_IN_LANE,
  SENDER_MAY_BE_EMPTY,
  SENDERS_WAITING,
} from './sql/lease.ts';

/**
 * Deals ready jobs one by one, as cards: senders take turns, within a sender its lanes, within a lane the oldest goes
 * first. So a batch of fifty is as fair as fifty batches of one. Costs a few look-ups a batch, lane and sender dealt to,
 * whatever the backlog. May deal fewer than there are; then the caller leases these and comes again.
 */
export function deal(act: Act, want: { readonly kinds: readonly JobKind[]; readonly max: number }, turns: Turns): number[] {
  const kinds = JSON.stringify(want.kinds);
  const dealt: number[] = [];
  // Each round either fills the batch or empties every lane it opened, which then waits no longer: so it ends.
  while (dealt.length < want.max) {
    const senders = act.sql<{ sender: string }>(SENDERS_WAITING).all(kinds, want.max - dealt.length);
    if (senders.length === 0) break;
    const end = dealRound(act, openSenders(act, senders, kinds, want.max - dealt.length), want.max, dealt, turns);
    if (end === 'look-again') break; // what is dealt has to be leased first, or it would be dealt again
  }
  return dealt;
}

interface OpenSender {
  readonly sender: string;
  /** In the order of their turns. */
  readonly lanes: OpenLane[];
  turn?: number;
}
interface OpenLane {
  readonly seq: number;
  /** Looked up and not dealt yet. */
  jobs: readonly { readonly seq: number; readonly due_at: number }[];
  next: number;
  /** There is nothing behind `jobs`. */
  isRead: boolean;
  turn?: number;
}

function openSenders(act: Act, senders: readonly { readonly sender: string }[], kinds: string, max: number): OpenSender[] {
  const lanesOf = act.sql<{ seq: number }>(LANES_WAITING);
  return senders.map(({ sender }) => ({
    sender,
    lanes: lanesOf.all(sender, kinds, max).map(({ seq }) => ({ seq, jobs: [], next: 0, isRead: false })),
  }));
}

function dealRound(act: Act, senders: readonly OpenSender[], max: number, dealt: number[], turns: Turns): 'done' | 'look-again' {
  const queue = [...senders];
  // A mark without a job behind it (its mail expired, or was canceled) took the place of a sender that was not looked up.
  let hasStaleMark = false;
  let end: 'done' | 'look-again' = 'done';
  let laneCount = senders.reduce((sum, { lanes }) => sum + lanes.length, 0);
  while (dealt.length < max) {
    const sender = queue.shift();
    if (sender === undefined) break;
    if (hasStaleMark && sender.turn !== undefined) {
      queue.unshift(sender);
      end = 'look-again'; // who waits, before anybody has a second turn
      break;
    }
    const lane = sender.lanes.shift();
    if (lane !== undefined) {
      const job = nextJob(act, lane, Math.ceil((max - dealt.length) / Math.max(1, laneCount)));
      if (job === undefined) hasStaleMark = true;
      else {
        dealt.push(job);
        const turn = turns.next(act.now);
        lane.turn = turn;
        sender.turn = turn;
      }
      if (isEmpty(lane)) {
        laneCount -= 1;
        endLane(act, lane);
      } else sender.lanes.push(lane);
      // A lane that was marked and had nothing costs its sender no turn.
      if (job === undefined && sender.lanes.length > 0) {
        queue.unshift(sender);
        continue;
      }
    }
    if (sender.lanes.length > 0) queue.push(sender);
    else endSender(act, sender);
  }
  for (const sender of queue) {
    for (const lane of sender.lanes) endLane(act, lane);
    endSender(act, sender);
  }
  return end;
}

function nextJob(act: Act, lane: OpenLane, share: number): number | undefined {
  if (lane.next >= lane.jobs.length && !lane.isRead) {
    const last = lane.jobs.at(-1);
    lane.jobs = act.sql<OpenLane['jobs'][number]>(READY_IN_LANE).all(lane.seq, last?.due_at ?? 0, last?.seq ?? 0, share + 1);
    lane.next = 0;
    lane.isRead = lane.jobs.length <= share;
  }
  const job = lane.jobs[lane.next];
  lane.next += 1;
  return job?.seq;
}

function isEmpty(lane: OpenLane): boolean {
  return lane.isRead && lane.next >= lane.jobs.length;
}

function endLane(act: Act, lane: OpenLane): void {
  if (lane.turn !== undefined) act.sql(END_LANE_TURN).run(lane.turn, isEmpty(lane) ? 0 : 1, lane.seq);
  else if (isEmpty(lane)) act.sql(LANE_IS_EMPTY).run(lane.seq);
}

function endSender(act: Act, { sender, turn }: OpenSender): void {
  if (turn !== undefined) act.sql(END_SENDER_TURN).run(turn, sender);
  act.sql(SENDER_MAY_BE_EMPTY).run(sender);
}

/** Turns are numbered by the ledger's time, so that several processes agree who had the last one. */
export interface Turns {
  next(now: number): number;
}

const TURNS_PER_MS = 1_024; // a batch of a thousand fits into one; 2 ** 53 of these is the year 2248

export function ledgerTurns(): Turns {
  let last = 0;
  return {
    next(now) {
      last = Math.max(last + 1, now * TURNS_PER_MS);
      return last;
    },
  };
}
