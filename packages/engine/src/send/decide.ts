import type { FailureClass, Outcome } from '../model/outcome.ts';
import type { Phase, RecipientReply, Reply, Report } from '../model/reply.ts';
import type { ChildJob, Lease, Settlement } from '../ports/ledger.ts';
import type { Refusal, TurnedDown, Verdict } from './classify.ts';
import { deadLetter } from './dead-letter.ts';
import type { Seen } from './deliver.ts';
import { decideDoubt } from './doubt.ts';
import { childId } from './ids.ts';
import { type RetrySettings, retryAfter, waitMs } from './retry.ts';

export interface DecideSettings extends RetrySettings {
  /** Wait before a job in doubt under `resend` is sent once more. */
  readonly resendMs: number;
}

/** From what an attempt means to what is recorded of it. Pure but for `random`, which is uniform in [0, 1). */
export function decide(verdict: Verdict, lease: Lease, seen: Seen, settings: DecideSettings, random: () => number): Settlement {
  const about = { jobId: lease.jobId, token: lease.token, ...factsOf(seen.report) };
  switch (verdict.kind) {
    case 'taken':
      return { ...about, ...taken(verdict.turnedDown, lease, settings, random) };
    case 'turned-down':
      return { ...about, ...turnedDown(verdict.recipients, lease, settings, random) };
    case 'later':
    case 'never':
    case 'wait':
      return { ...about, ...refused(verdict, whatWasSaid(seen.report), lease, settings, random) };
    case 'doubt':
      return { ...about, ...inDoubt(verdict.cause, lease, settings) };
    case 'stopped':
      return { ...about, ...stopped(verdict.by, seen, settings, random) };
    default:
      return verdict satisfies never;
  }
}

/** Back to the queue, uncounted: a lease given back before anything was tried. */
export function giveBack(lease: Lease, why: 'shutdown' | 'lost'): Settlement {
  const note =
    why === 'shutdown' ? 'The worker is stopping; another one takes it.' : 'It waited too long in its worker; it goes back to the queue.';
  return { jobId: lease.jobId, token: lease.token, outcome: { kind: 'release', why, delayMs: 0 }, note };
}

type Decided = Pick<Settlement, 'outcome' | 'note' | 'keeps' | 'children'>;

/** The accepted recipients are done, and only the others go on: a whole envelope is never run again (RFC 5321 section 4.2.5). */
function taken(refusedOnes: readonly TurnedDown[], lease: Lease, settings: DecideSettings, random: () => number): Decided {
  if (refusedOnes.length === 0) return { outcome: { kind: 'sent' }, note: 'The next hop took it.' };
  const children = grouped(refusedOnes).map((group) => childOf(group, lease, settings, random));
  const keeps = notCarriedBy(children, lease);
  return {
    outcome: { kind: 'sent' },
    note: `The next hop took it for ${keeps.length} of ${lease.envelope.to.length} recipients.`,
    keeps,
    children,
  };
}

/** Nobody was accepted. The job goes on with the recipients that have most hope; the other groups part from it. */
function turnedDown(recipients: readonly TurnedDown[], lease: Lease, settings: DecideSettings, random: () => number): Decided {
  const [first, ...others] = grouped(recipients);
  if (first === undefined) throw new RangeError('turned down, but no recipient is named');
  const own = refused(first.refusal, quote(first.recipients[0].reply), lease, settings, random);
  if (others.length === 0) return own;
  const children = others.map((group) => childOf(group, lease, settings, random));
  return { ...own, keeps: notCarriedBy(children, lease), children };
}

interface Group {
  readonly name: string;
  readonly refusal: RecipientRefusal;
  readonly recipients: readonly [RecipientReply, ...RecipientReply[]];
}
type RecipientRefusal = Exclude<Refusal, { kind: 'wait' }>;

/** By what comes next, the hopeful groups first. The names go into the ids of children, so they must not change. */
function grouped(recipients: readonly TurnedDown[]): readonly Group[] {
  const groups = new Map<string, { refusal: RecipientRefusal; recipients: [RecipientReply, ...RecipientReply[]] }>();
  for (const { address, reply, refusal } of recipients) {
    // No rule makes a single recipient wait for our account; if one did, the recipient would still have to be tried again.
    const own: RecipientRefusal = refusal.kind === 'wait' ? { kind: 'later', failure: 'deferred', rule: refusal.rule } : refusal;
    const name = own.kind === 'later' ? `later-${own.failure}` : own.kind;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, { refusal: own, recipients: [{ address, reply }] });
    else group.recipients.push({ address, reply });
  }
  return [...groups].map(([name, group]) => ({ name, ...group })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function childOf(group: Group, lease: Lease, settings: DecideSettings, random: () => number): ChildJob {
  const said = quote(group.recipients[0].reply);
  const common = { id: childId(lease, group.name), to: group.recipients.map(({ address }) => address), recipients: group.recipients };
  if (group.refusal.kind === 'never') return { ...common, ...deadLetter('permanent', said) };
  const decided = tryLater(group.refusal.failure, said, lease, settings, random);
  return { ...common, ...decided };
}

/** What no child carries stays with its job, so that no recipient can fall between the two. */
function notCarriedBy(children: readonly ChildJob[], lease: Lease): readonly string[] {
  const carried = new Set(children.flatMap(({ to }) => to));
  return lease.envelope.to.filter((address) => !carried.has(address));
}

function refused(
  refusal: Refusal,
  said: string,
  lease: Lease,
  settings: DecideSettings,
  random: () => number,
): Pick<Settlement, 'outcome' | 'note'> {
  switch (refusal.kind) {
    case 'later':
      return tryLater(refusal.failure, said, lease, settings, random);
    case 'never':
      return deadLetter('permanent', said);
    case 'wait': {
      const cause = refusal.rule === 'stale-connection' || refusal.rule === 'idle-closed' ? 'reconnect' : refusal.cause;
      const delayMs = waitMs(cause, settings.retryScale, random);
      return {
        outcome: { kind: 'release', why: 'busy', delayMs },
        note: `${said} Not the mail's fault (${refusal.rule}), so it is not counted.`,
      };
    }
    default:
      return refusal satisfies never;
  }
}

function tryLater(failure: FailureClass, said: string, lease: Lease, settings: DecideSettings, random: () => number) {
  const { failures, failingMs, expiresInMs } = lease;
  const answer = retryAfter({ failure, failures, failingMs, ...(expiresInMs !== undefined && { expiresInMs }) }, settings, random);
  if (answer.kind === 'dead') return deadLetter(answer.reason, said);
  const outcome = { kind: 'retry', failure, delayMs: answer.delayMs } as const satisfies Outcome;
  return { outcome, note: `${said} Tried again in ${seconds(answer.delayMs)}.` };
}

function inDoubt(cause: Extract<Verdict, { kind: 'doubt' }>['cause'], lease: Lease, settings: DecideSettings): Decided {
  const outcome = decideDoubt(cause, lease, settings.resendMs);
  const next =
    outcome.resendMs === undefined ? 'Nothing is sent again until somebody decides.' : `Sent once more in ${seconds(outcome.resendMs)}.`;
  return { outcome, note: `The final dot was written and no usable reply came (${cause}), so the mail may have been taken. ${next}` };
}

function stopped(by: 'commit' | 'signal', seen: Seen, settings: DecideSettings, random: () => number): Decided {
  if (by === 'signal') {
    return seen.isStopping
      ? { outcome: { kind: 'release', why: 'shutdown', delayMs: 0 }, note: 'The worker is stopping; nothing was sent.' }
      : { outcome: { kind: 'release', why: 'lost', delayMs: 0 }, note: 'The lease was lost on the way; nothing was sent.' };
  }
  const because = seen.commit?.kind === 'refused' ? seen.commit.because : 'unanswered';
  if (because === 'expired') return deadLetter('expired', 'The commit was refused.');
  if (because === 'unanswered') {
    const delayMs = waitMs('ledger', settings.retryScale, random); // or the same job would spin between the ledger and the peer
    return { outcome: { kind: 'release', why: 'lost', delayMs }, note: 'The ledger did not answer the commit; nothing was sent.' };
  }
  return { outcome: { kind: 'release', why: 'lost', delayMs: 0 }, note: `The commit was refused (${because}); nothing was sent.` };
}

function factsOf(report: Report): Pick<Settlement, 'phase' | 'reply' | 'recipients' | 'facts'> {
  const { facts } = report;
  switch (report.kind) {
    case 'accepted':
      return { facts, phase: 'dot', reply: report.reply, recipients: [...report.accepted, ...report.refused] };
    case 'refused':
      return { facts, phase: report.phase, reply: report.reply, ...(report.refused.length > 0 && { recipients: report.refused }) };
    case 'failed':
    case 'aborted':
      return { facts, phase: report.phase };
    case 'unknown':
      return { facts, phase: 'dot' };
    case 'withheld':
      return { facts, phase: 'body' };
    default:
      return report satisfies never;
  }
}

function whatWasSaid(report: Report): string {
  if (report.kind === 'refused') return `${AT[report.phase]}: ${quote(report.reply)}`;
  if (report.kind === 'failed') return `${AT[report.phase]}: ${report.cause}, ${report.detail.replace(/[.\s]+$/, '')}.`;
  return '';
}

const AT: Readonly<Record<Phase, string>> = {
  connect: 'Connecting',
  greeting: 'Waiting for the greeting',
  ehlo: 'At EHLO',
  starttls: 'At STARTTLS',
  auth: 'Logging in',
  mail: 'At MAIL FROM',
  rcpt: 'At RCPT TO',
  data: 'At DATA',
  body: 'Inside the message',
  dot: 'After the message',
};

function quote(reply: Reply): string {
  return `The server said "${reply.code} ${reply.text}".`;
}

function seconds(ms: number): string {
  return ms < 120_000 ? `${Math.ceil(ms / 1_000)} s` : `${Math.round(ms / 60_000)} min`;
}
