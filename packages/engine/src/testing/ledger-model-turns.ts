import { expect } from 'vitest';
import type { JobId } from '../model/ids.ts';
import type { ReadyLane } from './memory-ledger.ts';
import { nameOf } from './memory-turns.ts';

/** Whose turn it is among equals is a ledger's own affair; this much is not. */
export function expectOldestFirst(lanes: readonly ReadyLane[], dealt: readonly JobId[]): void {
  for (const lane of lanes) {
    const mine = dealt.filter((id) => lane.jobs.includes(id));
    expect(mine, `lane ${nameOf(lane)}: oldest first`).toEqual(lane.jobs.slice(0, mine.length));
  }
  expect(lanes.flatMap(({ jobs }) => jobs)).toEqual(expect.arrayContaining([...dealt]));
}

/** No sender, and no lane of a sender and priority, is more than one turn ahead of one that still waits. */
export function expectFair(lanes: readonly ReadyLane[], dealt: readonly JobId[]): void {
  const turnsOf = (mine: readonly ReadyLane[]): { turns: number; left: number } => {
    const jobs = mine.flatMap((lane) => lane.jobs);
    const turns = jobs.filter((id) => dealt.includes(id)).length;
    return { turns, left: jobs.length - turns };
  };
  const senders = [...new Set(lanes.map(({ sender }) => sender))].map((sender) => lanes.filter((lane) => lane.sender === sender));
  const hasOnePriority = (mine: readonly ReadyLane[]): boolean => new Set(mine.map(({ priority }) => priority)).size === 1;
  const rivals = [senders, ...senders.filter(hasOnePriority).map((mine) => mine.map((lane) => [lane]))];
  for (const group of rivals) {
    const counts = group.map(turnsOf);
    const most = Math.max(0, ...counts.map(({ turns }) => turns));
    for (const { turns, left } of counts)
      expect(left === 0 || turns >= most - 1, `one had ${turns} turns and still waits, another had ${most}`).toBe(true);
  }
}
