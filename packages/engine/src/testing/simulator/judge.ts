import type { EventKind, LedgerEvent } from '../../model/event.ts';
import type { JobId, MessageId } from '../../model/ids.ts';
import type { Attempt, Job } from '../../model/job.ts';
import type { LimitRule } from '../../model/limit.ts';
import { CRASHES_APART_MAX } from '../../model/limits.ts';
import type { JournalLine } from './mail-server.ts';
import { attemptKey, type Witness } from './network.ts';
import type { Attempted } from './simulate.ts';

/** What was asked for against what the server saw. */
export interface BalanceSheet {
  readonly attempted: number;
  readonly acknowledged: number;
  readonly delivered: number;
  /** Acknowledged, and neither delivered nor dead, canceled, in doubt or open. Must be 0. */
  readonly lost: number;
  /** Copies beyond the first under `hold`. Must be 0. */
  readonly duplicated: number;
  /** Copies beyond the first under `resend`: allowed, one for each resend, same bytes. */
  readonly copies: number;
  readonly inDoubt: number;
  readonly healthyDead: number;
}

export interface Evidence {
  readonly attempted: readonly Attempted[];
  readonly jobs: readonly Job[];
  readonly attempts: readonly Attempt[];
  readonly events: readonly LedgerEvent[];
  readonly journal: readonly JournalLine[];
  readonly dots: ReadonlyMap<JobId, number>;
  readonly witness: Witness;
  /** What the sender was limited to; absent: nothing. */
  readonly rule?: LimitRule;
  readonly isQuiet: boolean;
}

/** The invariants of docs/reference/reliability.md, each a function from the evidence to what it found wrong. */
export function judge(evidence: Evidence): { sheet: BalanceSheet; violations: string[] } {
  const sheet = balance(evidence);
  const violations = [
    ...(evidence.isQuiet ? [] : [`not quiet: ${open(evidence)}`]),
    ...(sheet.lost > 0 ? [`lost ${sheet.lost}`] : []),
    ...(sheet.duplicated > 0 ? [`duplicated ${sheet.duplicated} under hold`] : []),
    ...(sheet.healthyDead > 0 ? [`${sheet.healthyDead} healthy mails dead of poison`] : []),
    ...unknownDeliveries(evidence),
    ...tooManyCopies(evidence),
    ...falseSuccess(evidence),
    ...dotsWithoutCommit(evidence),
    ...doubtsWithoutCommit(evidence),
    ...crashesAfterCommit(evidence),
    ...poisonWithoutCrashes(evidence),
    ...livingPoison(evidence),
    ...secondMessages(evidence),
    ...changedBytes(evidence),
    ...badMoves(evidence),
    ...crowdedWindows(evidence),
  ];
  return { sheet, violations };
}

function balance({ attempted, jobs, journal }: Evidence): BalanceSheet {
  let lost = 0;
  let duplicated = 0;
  let copies = 0;
  for (const mail of attempted) {
    for (const address of mail.to) {
      const seen = copiesOf(journal, mail.acknowledged, address);
      if (mail.onDoubt === 'hold') duplicated += Math.max(0, seen - 1);
      else copies += Math.max(0, seen - 1);
      const isCovered = jobs.some(
        (job) => job.messageId === mail.acknowledged && job.state !== 'sent' && job.envelope.to.includes(address),
      );
      if (mail.acknowledged !== undefined && seen === 0 && !isCovered) lost += 1;
    }
  }
  const poisonous = new Set(attempted.filter((mail) => mail.isPoison).map((mail) => mail.acknowledged));
  return {
    attempted: attempted.length,
    acknowledged: attempted.filter((mail) => mail.acknowledged !== undefined).length,
    delivered: new Set(journal.map((line) => line.messageId)).size,
    lost,
    duplicated,
    copies,
    inDoubt: jobs.filter((job) => job.state === 'in_doubt').length,
    healthyDead: jobs.filter((job) => job.reason === 'poison' && !poisonous.has(job.messageId)).length,
  };
}

function copiesOf(journal: readonly JournalLine[], id: MessageId | undefined, address: string): number {
  return journal.filter((line) => line.messageId === id && line.recipients.includes(address)).length;
}

function open({ attempted, jobs }: Evidence): string {
  const unanswered = attempted.filter((mail) => mail.acknowledged === undefined).map((mail) => mail.key);
  const unfinished = jobs.filter((job) => job.finishedAt === undefined).map((job) => `${job.id} ${job.state} due ${job.dueAt}`);
  return [...unanswered, ...unfinished].join(', ');
}

function unknownDeliveries({ attempted, journal }: Evidence): string[] {
  const wanted = new Set(attempted.map((mail) => mail.acknowledged));
  return journal.filter((line) => !wanted.has(line.messageId)).map((line) => `delivered but never attempted: ${line.messageId}`);
}

function tooManyCopies({ attempted, jobs, journal }: Evidence): string[] {
  return attempted
    .filter((mail) => mail.onDoubt === 'resend')
    .flatMap((mail) => {
      const resends = jobs.filter((job) => job.messageId === mail.acknowledged).reduce((sum, job) => sum + job.resends, 0);
      return mail.to
        .filter((address) => copiesOf(journal, mail.acknowledged, address) > 1 + resends)
        .map((address) => `more copies than resends allow: ${mail.key} to ${address}`);
    });
}

function falseSuccess({ jobs, journal }: Evidence): string[] {
  return jobs
    .filter((job) => job.state === 'sent')
    .flatMap((job) =>
      job.envelope.to
        .filter((address) => copiesOf(journal, job.messageId, address) === 0)
        .map((address) => `said to be sent, never taken: ${job.id} to ${address}`),
    );
}

function dotsWithoutCommit({ dots, witness }: Evidence): string[] {
  return [...dots]
    .filter(([id, count]) => count > (witness.grantsOf.get(id) ?? 0))
    .map(([id, count]) => `${count} dots with ${witness.grantsOf.get(id) ?? 0} commits: ${id}`);
}

function doubtsWithoutCommit({ jobs, witness }: Evidence): string[] {
  return jobs
    .filter((job) => job.state === 'in_doubt')
    .filter((job) => {
      const ref = attemptKey({ jobId: job.id, token: job.token });
      return !witness.grants.has(ref) || witness.settled.has(ref);
    })
    .map((job) => `in doubt without a commit that was left unsettled: ${job.id}`);
}

function crashesAfterCommit({ attempts, witness }: Evidence): string[] {
  return attempts
    .filter((attempt) => attempt.end === 'crash' && witness.grants.has(attemptKey(attempt)))
    .map((attempt) => `sending went back to ready: ${attemptKey(attempt)}`);
}

function poisonWithoutCrashes({ jobs }: Evidence): string[] {
  return jobs
    .filter((job) => job.reason === 'poison' && job.crashesApart < CRASHES_APART_MAX)
    .map((job) => `dead of poison after ${job.crashesApart} crashes apart: ${job.id}`);
}

function livingPoison({ attempted, jobs }: Evidence): string[] {
  return attempted
    .filter((mail) => mail.isPoison && mail.acknowledged !== undefined)
    .flatMap((mail) =>
      jobs
        .filter((job) => job.messageId === mail.acknowledged && job.state === 'sent')
        .map((job) => `a mail that kills its worker was sent: ${job.id}`),
    );
}

function secondMessages({ attempted, jobs }: Evidence): string[] {
  const messages = new Set(jobs.map((job) => job.messageId));
  const wanted = new Set(attempted.map((mail) => mail.acknowledged).filter((id) => id !== undefined));
  return [...messages].filter((id) => !wanted.has(id)).map((id) => `a key stands for two messages, or a job nobody asked for: ${id}`);
}

function changedBytes({ journal }: Evidence): string[] {
  const hashes = new Map<MessageId, string>();
  return journal.flatMap((line) => {
    const first = hashes.get(line.messageId) ?? line.hash;
    hashes.set(line.messageId, first);
    return first === line.hash ? [] : [`copies differ in their bytes: ${line.messageId}`];
  });
}

/** By brute force: no commit comes within a window of the one that is `max` before it. */
function crowdedWindows({ rule, witness }: Evidence): string[] {
  if (rule === undefined) return [];
  const { max, windowMs, marginMs } = rule;
  return witness.grantedAt
    .map((at, n) => ({ at, before: witness.grantedAt[n - max] ?? Number.NEGATIVE_INFINITY }))
    .filter(({ at, before }) => at - before < windowMs + marginMs)
    .map(({ at, before }) => `more than ${max} commits in ${windowMs} ms: at ${at}, ${at - before} ms after the one ${max} before it`);
}

/** What may come after each kind of event; what is not listed may come after anything but an end. */
const AFTER: Partial<Record<EventKind, readonly EventKind[]>> = {
  sent: [],
  canceled: [],
  dead: ['requeued'],
  // A late settle heals: also a worker's word that it never wrote the dot.
  in_doubt: ['sent', 'retrying', 'released', 'dead', 'resending', 'resolved'],
};

function badMoves({ events }: Evidence): string[] {
  const last = new Map<JobId, EventKind>();
  return events.flatMap((event) => {
    const before = last.get(event.jobId);
    last.set(event.jobId, event.kind);
    const allowed = before === undefined ? (['queued', 'dead', 'retrying'] as const) : AFTER[before];
    return allowed === undefined || (allowed as readonly EventKind[]).includes(event.kind)
      ? []
      : [`${event.kind} after ${before ?? 'nothing'}: ${event.jobId}`];
  });
}
