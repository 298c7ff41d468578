import type { Act } from './act.ts';
import { jobWait, senderWait, tooLarge, type Wait } from './admit.ts';
import type { Dealt, Want } from './deal.ts';
import { READY_APART_PAGE } from './sql/deal.ts';
import { jobToAdmit, take } from './take.ts';
import type { LaneFacts } from './senders.ts';

/**
 * Jobs set apart: few, and their order matters less than that they run. The oldest goes first, and one that has to wait holds
 * up its lane only.
 */
const LOOKS_MAX = 1_000;
const PAGE = 100;

export function dealApart(act: Act, want: Want): Dealt {
  const jobs: number[] = [];
  const seated: number[] = [];
  for (const { job, lane } of readyApart(act, want)) {
    if (jobs.length === want.max) break;
    if (lane.isHeldUp) continue;
    const sender = act.senders.sender(lane.facts.owner);
    const wait = sender.hasScopes ? senderWait(act, sender, want.worker) : undefined;
    const taken = wait === undefined ? take(act, sender, lane.facts, job, want.worker) : { kind: 'wait' as const };
    if (taken.kind === 'wait') lane.isHeldUp = true;
    if (taken.kind !== 'taken') continue;
    jobs.push(job);
    if (taken.seated) seated.push(job);
  }
  return { jobs, seated, askAgainAt: Number.POSITIVE_INFINITY };
}

/** How many of them could go now, and when the first of the others may: nothing of it is written down, since they are few. */
export interface ApartLook {
  readonly readyCount: number;
  readonly soonestAt: number;
}

export function apartNow(act: Act, want: Want): ApartLook {
  let readyCount = 0;
  let soonestAt = Number.POSITIVE_INFINITY;
  for (const { job, lane } of readyApart(act, want)) {
    const sender = act.senders.sender(lane.facts.owner);
    const found = sender.hasScopes ? jobToAdmit(act, lane.facts, job) : undefined;
    const waits: (Wait | undefined)[] =
      found === undefined || tooLarge(act, found) !== undefined ? [] : [senderWait(act, sender, want.worker), jobWait(act, sender, found)];
    const until = Math.max(0, ...waits.map((wait) => wait?.until ?? 0));
    if (until <= act.now) readyCount += 1;
    else soonestAt = Math.min(soonestAt, until);
  }
  return { readyCount, soonestAt };
}

function* readyApart(act: Act, { kinds }: Want): Generator<{ job: number; lane: { readonly facts: LaneFacts; isHeldUp: boolean } }> {
  const lanes = new Map<number, { readonly facts: LaneFacts; isHeldUp: boolean }>();
  let last = { due_at: 0, seq: 0 };
  for (let looks = 0; looks < LOOKS_MAX; looks += PAGE) {
    const page = act
      .sql<{ seq: number; due_at: number; lane: number }>(READY_APART_PAGE)
      .all(last.due_at, last.seq, JSON.stringify(kinds), PAGE);
    for (const row of page) {
      last = row;
      const lane = lanes.get(row.lane) ?? { facts: act.senders.lane(row.lane), isHeldUp: false };
      lanes.set(row.lane, lane);
      yield { job: row.seq, lane };
    }
    if (page.length < PAGE) return;
  }
}
