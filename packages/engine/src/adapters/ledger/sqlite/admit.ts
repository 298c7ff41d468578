import { type Gate, gateOpensAt, OPEN_GATE, perMinute, retryOpensAt } from '../../../model/gate.ts';
import type { WorkerId } from '../../../model/ids.ts';
import type { LimitRule } from '../../../model/limit.ts';
import { inboxScope, type Scope, senderScope } from '../../../model/scope.ts';
import type { WaitReason } from '../../../ports/ledger-scopes.ts';
import type { Books } from './act.ts';
import { holdsOn, type Scoped, scopesOf } from './holds.ts';
import type { LimitedScope } from './seats.ts';
import type { Sender } from './senders.ts';
import { waitForSlot } from './slots.ts';

/** May a ready job go now? What holds up all mail of its sender is asked apart from what holds up this one. */
export interface Wait {
  /** Infinity: until another job ends, or a person lifts a hold. */
  readonly until: number;
  readonly because: WaitReason & { readonly scope: Scope };
  /** The worker that asked has to wait; others may have no need to. */
  readonly othersMayGo?: boolean;
}
interface TooLarge {
  readonly scope: Scope;
  readonly rule: LimitRule;
  readonly cost: number;
}
export interface JobToAdmit extends Scoped {
  readonly to: readonly string[];
  readonly isRetried: boolean;
}

const NEVER = Number.POSITIVE_INFINITY;
const MINUTE_MS = 60_000;

/** The longest of what no mail of this sender can pass. */
export function senderWait(books: Books, sender: Sender, worker: WorkerId | undefined): Wait | undefined {
  const { now } = books;
  if (hasNoRules(books)) return sender.gate === OPEN_GATE ? undefined : longest(now, [gateWait(sender, now)]);
  const scope = senderScope(sender.name);
  const limited = limitsOf(books, scope);
  return longest(now, [
    ...(books.any().holds ? holdWaits(books, [scope]) : []),
    gateWait(sender, now),
    ...(limited === undefined ? [] : [slotWait(books, sender, limited, worker), paceWait(limited), ...fullRules(books, limited)]),
  ]);
}

/** The longest of what holds up this mail, its sender's limits among it. */
export function jobWait(books: Books, sender: Sender, job: JobToAdmit): Wait | undefined {
  const { now } = books;
  const inbox = inboxScope(job.lane);
  const ofInbox = limitsOf(books, inbox);
  const ofSender = limitsOf(books, senderScope(sender.name));
  return longest(now, [
    job.isRetried ? retryWait(sender, now) : undefined,
    ...(books.any().holds ? holdWaits(books, scopesOf(job).slice(1)) : []),
    ...(ofInbox === undefined ? [] : [paceWait(ofInbox)]),
    ...[ofSender, ofInbox].flatMap((limited) => (limited === undefined ? [] : ruleWaits(books, limited, job))),
  ]);
}

/** The longest of all that holds it up, for whoever asks when it goes; of equal ones the hold, which a person can lift. */
export function anyWait(books: Books, sender: Sender, job: JobToAdmit, worker?: WorkerId): Wait | undefined {
  const { now } = books;
  const ofSender = limitsOf(books, senderScope(sender.name));
  const limits = [ofSender, limitsOf(books, inboxScope(job.lane))].filter((limited) => limited !== undefined);
  return longest(now, [
    ...(books.any().holds ? holdWaits(books, scopesOf(job)) : []),
    gateWait(sender, now),
    job.isRetried ? retryWait(sender, now) : undefined,
    ofSender && slotWait(books, sender, ofSender, worker),
    ...limits.flatMap((limited) => [paceWait(limited), ...ruleWaits(books, limited, job)]),
  ]);
}

/** It has more recipients than a rule allows in a whole window. */
export function tooLarge(books: Books, job: Pick<JobToAdmit, 'sender' | 'lane' | 'to'>): TooLarge | undefined {
  for (const scope of [senderScope(job.sender), inboxScope(job.lane)])
    for (const window of limitsOf(books, scope)?.rules ?? []) {
      const cost = books.seats.costAlone(window, job);
      if (cost > window.rule.max) return { scope, rule: window.rule, cost };
    }
  return undefined;
}

/** Most ledgers most of the time: then only gates have a say. */
export function hasNoRules(books: Books): boolean {
  const { limits, holds } = books.any();
  return !limits && !holds;
}

export function limitsOf(books: Books, scope: Scope): LimitedScope | undefined {
  return books.any().limits ? books.seats.limited(scope) : undefined;
}

function longest(now: number, waits: readonly (Wait | undefined)[]): Wait | undefined {
  let found: Wait | undefined;
  for (const wait of waits) if (wait !== undefined && wait.until > now && wait.until > (found?.until ?? now)) found = wait;
  return found;
}

function holdWaits(books: Books, scopes: readonly Scope[]): Wait[] {
  return holdsOn(books, scopes).map(({ scope, why, note, until }) => ({
    until: until ?? NEVER,
    because: { kind: 'hold', scope, why, note },
  }));
}

function gateWait({ name, gate, open }: Sender, now: number): Wait | undefined {
  const until = gateOpensAt(gate, open, now);
  if (until === 0) return undefined;
  return { until, because: { kind: 'gate', scope: senderScope(name), why: gate.why ?? 'throttled', note: gate.note ?? '' } };
}

/** When to look at a gate again: a rate that recovers can let a mail go sooner than it said. */
export function gateLookAt(gate: Gate, until: number, now: number): number {
  if (gate.slowed === undefined || gate.closedUntil > now || perMinute(gate, now) === undefined) return until;
  const sinceAt = Math.max(gate.slowed.sinceAt, gate.closedUntil);
  return Math.min(until, sinceAt + (Math.floor((now - sinceAt) / MINUTE_MS) + 1) * MINUTE_MS);
}

function retryWait({ name, gate }: Sender, now: number): Wait {
  const because = { kind: 'gate', scope: senderScope(name), why: 'failing', note: 'Too many of its mails are tried again.' } as const;
  return { until: retryOpensAt(gate, now), because };
}

function slotWait(books: Books, sender: Sender, { limits, scope }: LimitedScope, worker: WorkerId | undefined): Wait | undefined {
  if (limits.connections === undefined) return undefined;
  const wait = waitForSlot(books, sender.seq, limits.connections.max, worker);
  return wait && { ...wait, because: { kind: 'connections', scope } };
}

function paceWait({ limits: { pace }, tat, scope }: LimitedScope): Wait | undefined {
  return pace && { until: tat - (pace.burst - 1) * pace.everyMs, because: { kind: 'pace', scope } };
}

/** Of units that every mail has some of: a full rule stops the whole sender, whatever its lanes wait with. */
function fullRules(books: Books, { rules, scope }: LimitedScope): Wait[] {
  return rules
    .filter(({ rule, used }) => (rule.unit === 'messages' || rule.unit === 'recipients') && used >= rule.max)
    .map((window) => ({ until: books.seats.fitsAt(window, { to: [''] }), because: { kind: 'limit', scope, rule: window.rule } }));
}

function ruleWaits(books: Books, { rules, scope }: LimitedScope, job: Pick<JobToAdmit, 'to'>): Wait[] {
  return rules.map((window) => ({ until: books.seats.fitsAt(window, job), because: { kind: 'limit', scope, rule: window.rule } }));
}
