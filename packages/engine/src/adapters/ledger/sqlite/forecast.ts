import type { Envelope } from '../../../model/envelope.ts';
import { OPEN_GATE } from '../../../model/gate.ts';
import type { SenderId } from '../../../model/ids.ts';
import { inboxScope, type Scope, senderScope } from '../../../model/scope.ts';
import type { NewJob } from '../../../ports/ledger.ts';
import type { Forecast, WaitReason } from '../../../ports/ledger-scopes.ts';
import type { Books } from './act.ts';
import { anyWait, hasNoRules, limitsOf, type Wait } from './admit.ts';
import type { Window } from './seats.ts';
import type { LaneFacts } from './senders.ts';
import { SEATS_BY_TIME } from './sql/seats.ts';
import { SENDER_NAMED } from './sql/senders.ts';

/** When a new mail will go as things stand; it is no promise, so that a long queue is reckoned in whole windows. */
export function forecastOf(books: Books, lane: LaneFacts, job: NewJob): Forecast {
  const { now } = books;
  const dueAt = Math.max(now, Math.ceil(job.dueAt ?? now));
  const sender = books.senders.sender(lane.owner);
  if (!sender.hasScopes) return { at: dueAt, ahead: readyMails(books, lane.sender) };
  const ahead = job.priority === 'high' ? sender.high : sender.ready;
  if (hasNoRules(books) && sender.gate === OPEN_GATE) return { at: dueAt, ...(dueAt > now && { because: { kind: 'due' } }), ahead };
  const { envelope } = job;
  const { kind, tenant } = job;
  const admitted = { kind, tenant, sender: job.sender, lane: job.lane, from: envelope.from, to: envelope.to, isRetried: false };
  const waits: (Pick<Wait, 'until'> & { readonly because: WaitReason })[] = [{ until: dueAt, because: { kind: 'due' } }];
  const held = anyWait(books, sender, admitted);
  if (held !== undefined) waits.push(held);
  for (const scope of [senderScope(job.sender), inboxScope(job.lane)]) waits.push(...fitAfter(books, scope, envelope, ahead));
  const [last] = waits.sort((a, b) => b.until - a.until);
  if (last === undefined || last.until <= now) return { at: now, ahead };
  return { ...(last.until < Number.POSITIVE_INFINITY && { at: last.until }), because: last.because, ahead };
}

function readyMails(books: Books, sender: SenderId): number {
  const row = books.sql<{ seq: number }>(SENDER_NAMED).get(sender);
  return row === undefined ? 0 : books.senders.sender(row.seq).ready;
}

/** The rule of a scope that lets a mail with `ahead` others before it go last. */
export function fitAfter(
  books: Books,
  scope: Scope,
  envelope: Pick<Envelope, 'to'>,
  ahead: number,
): { readonly until: number; readonly because: WaitReason }[] {
  let latest = { until: books.now, window: undefined as Window | undefined };
  for (const window of limitsOf(books, scope)?.rules ?? []) {
    const until = afterOthers(books, window, envelope, ahead);
    if (until > latest.until) latest = { until, window };
  }
  const { until, window } = latest;
  return window === undefined ? [] : [{ until, because: { kind: 'limit', scope, rule: window.rule } }];
}

/** Beyond this many seats a forecast counts in whole windows. */
const SEATS_LOOKED_AT_MAX = 1_000;

/** Others take their units first: those that free themselves, window after window. Each of them counts as one mail like this. */
function afterOthers(books: Books, window: Window, envelope: Pick<Envelope, 'to'>, ahead: number): number {
  const { id, rule, used, endedAt } = window;
  const { now, sql, seats } = books;
  const windowMs = rule.windowMs + rule.marginMs;
  const each = Math.max(1, seats.cost(window, envelope));
  const perWindow = Math.max(1, Math.floor(rule.max / each));
  const wanted = ((ahead % perWindow) + 1) * each;
  const wholeMs = Math.floor(ahead / perWindow) * windowMs;
  let free = rule.max - used;
  if (free >= wanted) return now + wholeMs;
  const max = Math.min(SEATS_LOOKED_AT_MAX, wanted - free);
  for (const { at, cost } of sql<{ at: number; cost: number }>(SEATS_BY_TIME).all(id, endedAt, max)) {
    free += cost;
    if (free >= wanted) return at + windowMs + wholeMs;
  }
  return now + wholeMs + windowMs;
}
