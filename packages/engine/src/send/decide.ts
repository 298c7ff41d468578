import type { DoubtCause } from '../model/outcome.ts';
import type { Report } from '../model/reply.ts';
import type { Lease, Settlement } from '../ports/ledger.ts';
import type { Refusal, Verdict } from './classify.ts';
import { deadLetter } from './dead-letter.ts';
import { effectsOf } from './decide/effects.ts';
import { duration, howItEnded, whatWasSaid } from './decide/notes.ts';
import { type Decided, takenFor, takenForNobody } from './decide/recipients.ts';
import { type Circumstances, type Refused, whatNext } from './decide/refusal.ts';
import type { Seen } from './deliver.ts';
import { decideDoubt } from './doubt.ts';
import { type RetrySettings, waitMs } from './retry.ts';

export interface DecideSettings extends RetrySettings {
  /** Wait before a job in doubt under `resend` is sent once more. */
  readonly resendMs: number;
}

/** From what an attempt means to what is recorded of it. Pure but for `random`, which is uniform in [0, 1). */
export function decide(verdict: Verdict, lease: Lease, seen: Seen, settings: DecideSettings, random: () => number): Settlement {
  const about = { jobId: lease.jobId, token: lease.token, ...factsOf(seen.report) };
  const at: Circumstances = { lease, settings, random, ...(seen.login !== undefined && { login: seen.login }) };
  switch (verdict.kind) {
    case 'taken':
      return { ...about, ...takenFor(verdict.turnedDown, at) };
    case 'turned-down':
      return { ...about, ...takenForNobody(verdict.recipients, at) };
    case 'refused':
      return { ...about, ...refusedWhole(verdict.refusal, seen.report, at) };
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

function refusedWhole(refusal: Refusal, report: Report, at: Circumstances): Decided {
  const refused: Refused = {
    refusal,
    said: whatWasSaid(report),
    shared: howItEnded(report),
    recipients: at.lease.envelope.to,
    ...(report.kind === 'refused' && { reply: report.reply }),
  };
  return { ...whatNext(refused, at), effects: effectsOf(refused, at) };
}

function inDoubt(cause: DoubtCause, lease: Lease, settings: DecideSettings): Decided {
  const outcome = decideDoubt(cause, lease, settings.resendMs);
  const next =
    outcome.resendMs === undefined ? 'Nothing is sent again until somebody decides.' : `Sent once more in ${duration(outcome.resendMs)}.`;
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
