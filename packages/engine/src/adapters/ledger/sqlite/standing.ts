import { OPEN_GATE } from '../../../model/gate.ts';
import { readScope, type Scope } from '../../../model/scope.ts';
import type { Ledger } from '../../../ports/ledger.ts';
import type { SenderStanding, Standing } from '../../../ports/ledger-scopes.ts';
import type { Books, Look } from './act.ts';
import { anyWait, limitsOf, type Wait } from './admit.ts';
import { allowancesOf } from './budgets.ts';
import { fitAfter } from './forecast.ts';
import { holdsOn } from './holds.ts';
import type { LaneFacts, Sender } from './senders.ts';
import { LANES_WITH_WORK, LAST_READY } from './sql/deal.ts';
import { SCOPES_OF } from './sql/holds.ts';
import { SENDER_NAMED } from './sql/senders.ts';
import { jobToAdmit } from './take.ts';

export function standingOf(books: Books, scope: Scope): Standing {
  const limits = limitsOf(books, scope)?.limits;
  const { kind, name } = readScope(scope);
  return {
    scope,
    ...(limits !== undefined && { limits }),
    allowances: allowancesOf(books, scope),
    holds: holdsOn(books, [scope]),
    ...(kind === 'sender' && { sender: senderStanding(books, scope, name) }),
  };
}

function senderStanding(books: Books, scope: Scope, name: string): SenderStanding {
  const row = books.sql<{ seq: number }>(SENDER_NAMED).get(name);
  if (row === undefined) return { ready: 0, scheduled: 0, underWay: 0, gate: OPEN_GATE };
  const sender = books.senders.sender(row.seq);
  const { ready, scheduled, open, gate } = sender;
  const base = { ready, scheduled, underWay: open, gate };
  return ready === 0 ? base : { ...base, ...soonest(books, sender), ...lastFit(books, sender, scope) };
}

/** Lanes that are asked what they wait for. A sender with more is told of those whose time comes first. */
const LANES_ASKED_MAX = 50;

/** Of its lanes' first jobs, the one that may go soonest. */
function soonest(books: Books, sender: Sender): Pick<SenderStanding, 'nextAt' | 'because'> {
  let first: { readonly until: number; readonly wait?: Wait } | undefined;
  for (const { job, ...lane } of books.sql<LaneFacts & { job: number }>(LANES_WITH_WORK).all(sender.seq, LANES_ASKED_MAX)) {
    const found = jobToAdmit(books, lane, job);
    const wait = found && anyWait(books, sender, found);
    const until = wait?.until ?? books.now;
    if (first === undefined || until < first.until) first = { until, ...(wait !== undefined && { wait }) };
  }
  if (first === undefined) return {};
  const { until, wait } = first;
  return { ...(until < Number.POSITIVE_INFINITY && { nextAt: until }), ...(wait !== undefined && { because: wait.because }) };
}

function lastFit(books: Books, sender: Sender, scope: Scope): Pick<SenderStanding, 'doneAt'> {
  const [last] = books.sql<LaneFacts & { job: number }>(LAST_READY).all(sender.seq, LANES_ASKED_MAX);
  const found = last && jobToAdmit(books, last, last.job);
  const [fit] = found === undefined ? [] : fitAfter(books, scope, found, sender.ready - 1);
  return fit === undefined ? {} : { doneAt: fit.until };
}

export function scopesKnown({ sql }: Look, { kind, after = '', max }: Parameters<Ledger['scopes']>[0]): Scope[] {
  const rows = sql<{ scope: Scope }>(SCOPES_OF[kind]).all(`${kind}:${after}`, `${kind};`, after, max);
  return rows.map(({ scope }) => scope);
}
