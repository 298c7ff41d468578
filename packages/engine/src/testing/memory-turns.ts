import type { LaneId, SenderId } from '../model/ids.ts';
import { PRIORITIES, PRIORITY_TURNS, type Priority } from '../model/limit.ts';

/** Ready jobs of one inbox and one priority; those that are tried again stand apart. */
export interface Lane {
  readonly sender: SenderId;
  readonly lane: LaneId;
  readonly priority: Priority;
  readonly tries: 'first' | 'again' | 'greylisted';
}

export interface Turns {
  /** Whose turn it is among lanes with work. */
  next<L extends Lane>(lanes: readonly L[]): L | undefined;
  /** The turn was used: something of this lane was leased. */
  taken(lane: Lane): void;
}

/**
 * Senders take turns: the one whose last turn is longest ago goes first. Within a sender a higher priority goes before a
 * lower one, but for every `PRIORITY_TURNS`-th turn, which goes to the lane that has waited longest. Lanes of one priority
 * share by weight: each turn moves a lane on by 1 / weight, and the one that is least far goes first; a lane that was idle
 * begins where its sender is, so it neither gathers nor owes turns.
 */
export function createTurns(weightOf: (lane: LaneId) => number): Turns {
  const senders = new Map<SenderId, { lastTurn: number; dealt: number; at: number }>();
  const lanes = new Map<string, { lastTurn: number; at: number }>();
  let turn = 0;
  const senderOf = (id: SenderId) => senders.get(id) ?? { lastTurn: 0, dealt: 0, at: 0 };
  const laneOf = (lane: Lane) => lanes.get(nameOf(lane)) ?? { lastTurn: 0, at: 0 };
  const first = <T>(items: readonly T[], by: (item: T) => number): T | undefined => items.toSorted((a, b) => by(a) - by(b))[0];

  return {
    next(waiting) {
      const sender = first([...new Set(waiting.map((lane) => lane.sender))], (id) => senderOf(id).lastTurn);
      if (sender === undefined) return undefined;
      const mine = waiting.filter((lane) => lane.sender === sender);
      const isForWhoeverWaits = senderOf(sender).dealt % PRIORITY_TURNS === PRIORITY_TURNS - 1;
      if (isForWhoeverWaits) return first(mine, (lane) => laneOf(lane).lastTurn);
      const highest = PRIORITIES.find((priority) => mine.some((lane) => lane.priority === priority));
      return first(
        mine.filter((lane) => lane.priority === highest),
        (lane) => laneOf(lane).at,
      );
    },
    taken(lane) {
      turn += 1;
      const sender = senderOf(lane.sender);
      const beginsAt = Math.max(laneOf(lane).at, sender.at);
      senders.set(lane.sender, { lastTurn: turn, dealt: sender.dealt + 1, at: beginsAt });
      lanes.set(nameOf(lane), { lastTurn: turn, at: beginsAt + 1 / weightOf(lane.lane) });
    },
  };
}

export function nameOf({ sender, lane, priority, tries }: Lane): string {
  return `${sender} ${lane} ${priority} ${tries}`;
}
