import { inboxScope, readScope, type Scope, senderScope } from '../../../model/scope.ts';
import type { Act } from './act.ts';
import { FOREVER } from './senders.ts';
import { leaveSlot } from './slots.ts';
import { SENDER_NAMED, WAKE_ALL_LANES, WAKE_HELD_LANES, WAKE_SENDER, WAKE_SENDER_THAT_WAITS } from './sql/senders.ts';

/**
 * What lets go again what waits. A time that is written down with a sender or lane may be too early, never too late: so
 * whatever may free something takes it away here, and the next lease looks again.
 */

export function wakeScope(act: Act, scope: Scope, since = 0): void {
  const { kind, name } = readScope(scope);
  if (kind === 'sender') {
    const row = act.sql<{ seq: number }>(SENDER_NAMED).get(name);
    if (row === undefined) return;
    act.sql(WAKE_ALL_LANES).run(row.seq);
    act.sql(WAKE_SENDER_THAT_WAITS).run(row.seq, 0);
    return;
  }
  wakeHeld(act, scope, since);
}

function wakeHeld(act: Act, scope: Scope, since: number): void {
  const owners = new Set(
    act
      .sql<{ owner: number }>(WAKE_HELD_LANES)
      .all(scope, since)
      .map(({ owner }) => owner),
  );
  for (const owner of owners) act.sql(WAKE_SENDER).run(owner);
}

/** The job of a lease that is over, and what it may have held. */
export interface LetGo {
  readonly seq: number;
  readonly lane: number;
  readonly state: 'leased' | 'sending';
  readonly seated: number;
}

/**
 * The one way a job stops being leased or sending, whatever it becomes: without a commit its seats and its pace are given
 * back, with one they count until their time is over.
 */
export function letGo(act: Act, { seq, lane, state, seated }: LetGo): void {
  const { owner, sender: name, name: inbox, kind } = act.senders.lane(lane);
  if (kind !== 'send') return;
  const sender = act.senders.sender(owner);
  const isCommitted = state === 'sending';
  if (seated === 0 && !act.any().limits) {
    if (sender.wakes === 'nobody') sender.wakes = 'after-an-end';
    return;
  }
  const ofSender = senderScope(name);
  const scopes = [ofSender, inboxScope(inbox)];
  const isLimited = act.any().limits;
  if (seated === 1) act.seats.leave(seq, isCommitted, scopes);
  if (isLimited && !isCommitted) for (const scope of scopes) givePaceBack(act, scope);
  const connections = isLimited ? act.seats.limited(ofSender)?.limits.connections : undefined;
  if (seated === 1) leaveSlot(act, seq, connections?.idleMs ?? 0);
  const mayFree = connections !== undefined || (isLimited && !isCommitted);
  if (mayFree) sender.wakes = 'all';
  else if (sender.wakes === 'nobody') sender.wakes = 'after-an-end';
  if (isLimited) for (const scope of scopes) wakeHeld(act, scope, isCommitted ? FOREVER : 0);
}

function givePaceBack(act: Act, scope: Scope): void {
  const limited = act.seats.limited(scope);
  if (limited?.limits.pace !== undefined && limited.tat > 0) limited.tat -= limited.limits.pace.everyMs;
}
