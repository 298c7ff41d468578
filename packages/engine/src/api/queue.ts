/** How the queue stands: for a person at night, and for whatever decides how many workers there are. */
import { sentPerMinute } from '../model/gate.ts';
import type { SenderId } from '../model/ids.ts';
import type { State } from '../model/job.ts';
import { readScope, type Scope } from '../model/scope.ts';
import type { Allowance, Standing, WorkerSeen } from '../ports/ledger-scopes.ts';
import type { ApiPorts } from './ports.ts';
import { type Waiting, waitingFor } from './waits.ts';

export interface Queue {
  /** The ledger's clock, epoch ms; all other times are of the same clock. */
  readonly now: number;
  readonly depth: Readonly<Record<State, number>>;
  /** Age of the oldest mail that could go now, ms; what waits for a limit or a hold is not in it. */
  readonly oldestRunnableMs: number;
  readonly runnableSenders: number;
  /** Mails taken by next hops in the last minute, of the senders on this page. */
  readonly sentPerMinute: number;
  /** By name; those with a backlog, limits or holds. */
  readonly senders: readonly SenderLine[];
  readonly workers: readonly WorkerSeen[];
  /** More senders follow after this name. */
  readonly next?: string;
}

export interface SenderLine {
  readonly name: SenderId;
  readonly ready: number;
  readonly scheduled: number;
  readonly underWay: number;
  readonly sentPerMinute: number;
  /** What its ready mail waits for; absent: nothing. */
  readonly waiting?: Waiting;
  /** When the next of them may go; absent: now, or nobody can know. */
  readonly until?: number;
  /** When the last of them will have gone, as things stand. */
  readonly doneAt?: number;
  readonly allowances: readonly Allowance[];
}

/** Asks the ledger for a bounded number of things, however long the queue is. */
export async function readQueue(ports: Pick<ApiPorts, 'ledger'>, page: { readonly max: number; readonly after?: string }): Promise<Queue> {
  const { ledger } = ports;
  const query = { kind: 'sender', max: page.max + 1, ...(page.after !== undefined && { after: page.after }) } as const;
  const [stats, scopes, workers] = await Promise.all([ledger.stats(), ledger.scopes(query), ledger.workers()]);
  const shown = scopes.slice(0, page.max);
  const senders = (await ledger.standing(shown)).map((standing) => senderLine(standing, stats.now));
  const last = shown.at(-1);
  return {
    now: stats.now,
    depth: stats.byState,
    oldestRunnableMs: stats.oldestReadyMs,
    runnableSenders: stats.sendersWithBacklog,
    sentPerMinute: senders.reduce((sum, sender) => sum + sender.sentPerMinute, 0),
    senders,
    workers,
    ...(last !== undefined && scopes.length > page.max && { next: readScope(last).name }),
  };
}

function senderLine({ scope, sender, allowances, holds }: Standing, now: number): SenderLine {
  if (sender === undefined) throw new Error(`broken invariant: ${scope} is no sender`);
  const { ready, scheduled, underWay, gate, nextAt, because, doneAt } = sender;
  const reason = because ?? heldBy(scope, holds);
  return {
    name: readScope(scope).name as SenderId,
    ready,
    scheduled,
    underWay,
    sentPerMinute: sentPerMinute(gate, now),
    ...(reason !== undefined && { waiting: waitingFor(reason) }),
    ...(nextAt !== undefined && nextAt > now && { until: nextAt }),
    ...(doneAt !== undefined && { doneAt }),
    allowances,
  };
}

/** A sender without ready mail is shown as held all the same: the next mail would wait. */
function heldBy(scope: Scope, [hold]: Standing['holds']) {
  return hold && ({ kind: 'hold', scope, why: hold.why, note: hold.note } as const);
}
