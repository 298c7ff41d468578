import type { JobId } from '../model/ids.ts';
import { isFinal, type Job, type State } from '../model/job.ts';
import { CRASHES_APART_MAX } from '../model/limits.ts';
import type { CommitRef, Committed, LeaseRef, Settled, Settlement } from '../ports/ledger.ts';

/** What one call did: all jobs before and after it, the clock, and the answers that matter. */
export interface Observation {
  readonly call:
    | 'enqueue'
    | 'lease'
    | 'extend'
    | 'commit'
    | 'settle'
    | 'sweep'
    | 'cancel'
    | 'resolve'
    | 'requeue'
    | 'purge'
    | 'limit'
    | 'hold'
    | 'lift'
    | 'wait'
    | 'restart';
  readonly now: number;
  readonly before: ReadonlyMap<JobId, Job>;
  readonly after: ReadonlyMap<JobId, Job>;
  readonly leases?: readonly LeaseRef[];
  readonly commits?: readonly (readonly [CommitRef, Committed])[];
  readonly settles?: readonly (readonly [Settlement, Settled])[];
}

/**
 * The invariants of docs/reference/reliability section 8, as far as a ledger's answers alone can show them. They know
 * nothing of how a ledger works, so they judge the memory ledger as well as those compared with it.
 */
export interface Invariants {
  /** Sentences about what is broken; none when all is well. */
  observe(seen: Observation): readonly string[];
}

/** Who may take a job from one state to another; a move that is not here is a broken ledger. */
const MOVES: Readonly<Record<State, Readonly<Partial<Record<State, readonly Observation['call'][]>>>>> = {
  scheduled: { ready: ['lease', 'sweep'], leased: ['lease'], canceled: ['cancel'], dead: ['lease', 'sweep'] },
  ready: { leased: ['lease'], canceled: ['cancel'], dead: ['lease', 'sweep'] },
  leased: {
    sending: ['commit'],
    scheduled: ['settle', 'sweep'],
    ready: ['settle', 'sweep'],
    dead: ['settle', 'sweep'],
    canceled: ['cancel'],
  },
  // Never to `ready` by a sweep: that would be a second dot.
  sending: { sent: ['settle'], scheduled: ['settle'], ready: ['settle'], dead: ['settle'], in_doubt: ['settle', 'sweep'] },
  in_doubt: {
    sent: ['settle', 'resolve'],
    scheduled: ['settle'],
    ready: ['settle', 'resolve', 'sweep'],
    dead: ['settle', 'resolve', 'sweep'], // by a sweep: sent once more, and out of time before anybody leased it
  },
  sent: {},
  dead: { ready: ['requeue'] },
  canceled: {},
};

export function createInvariants(): Invariants {
  /** Nonces that were granted, by job and token. */
  const grants = new Map<string, string>();
  /** Jobs with a dot that may be at a server, and no word since that it is not. */
  const dots = new Set<JobId>();

  return {
    observe(seen) {
      const broken: string[] = [];
      for (const [id, job] of seen.after) broken.push(...looksBroken(job), ...movedWrongly(id, seen));
      for (const id of seen.before.keys()) {
        broken.push(...vanished(id, seen));
        if (!seen.after.has(id)) forget(id); // the same id may come again, as another job
      }
      for (const { jobId, token } of seen.leases ?? []) {
        const job = seen.after.get(jobId);
        if (job?.state !== 'leased' || job.token !== token)
          broken.push(`${jobId} was leased, but is ${job?.state ?? 'gone'} with token ${job?.token}`);
      }
      for (const [ref, answer] of seen.commits ?? []) if (answer.kind === 'granted') broken.push(...grantedWrongly(ref, seen));
      for (const [settlement, answer] of seen.settles ?? []) {
        broken.push(...settledWrongly(settlement, answer, seen));
        const { kind } = settlement.outcome;
        if (answer.kind === 'settled' && (kind === 'retry' || kind === 'release' || kind === 'dead')) dots.delete(settlement.jobId);
      }
      for (const [id, job] of seen.after) {
        const before = seen.before.get(id);
        if (job.resends > (before?.resends ?? 0) || seen.call === 'requeue') dots.delete(id); // asked for: one more copy
        if (job.state === 'in_doubt' && !grants.has(`${id} ${job.token}`))
          broken.push(`${id} is in doubt, but its lease was never granted a commit`);
        if (job.state === 'sent' && before?.state === 'leased') broken.push(`${id} was sent without a commit`);
      }
      return broken;
    },
  };

  function forget(id: JobId): void {
    dots.delete(id);
    for (const name of grants.keys()) if (name.startsWith(`${id} `)) grants.delete(name);
  }

  function grantedWrongly(ref: CommitRef, { before, now }: Observation): string[] {
    const name = `${ref.jobId} ${ref.token}`;
    const known = grants.get(name);
    if (known === ref.nonce)
      return before.get(ref.jobId)?.state === 'sending' ? [] : [`${name}: the commit was granted again after the sending had ended`];
    const broken: string[] = [];
    if (known !== undefined) broken.push(`${name}: a second commit was granted`);
    if (dots.has(ref.jobId)) broken.push(`${name}: a dot was permitted while another one may be at the server`);
    const job = before.get(ref.jobId);
    if (job?.state !== 'leased') broken.push(`${name}: a commit was granted in state ${job?.state ?? 'gone'}`);
    if (job?.token !== ref.token) broken.push(`${name}: a commit was granted to an old token; the newest is ${job?.token}`);
    if ((job?.leasedUntil ?? 0) <= now) broken.push(`${name}: a commit was granted after the lease`);
    if ((job?.expiresAt ?? Number.POSITIVE_INFINITY) <= now) broken.push(`${name}: a commit was granted to expired mail`);
    grants.set(name, ref.nonce);
    dots.add(ref.jobId);
    return broken;
  }
}

/** Where each outcome may take a job. */
const ENDS = {
  sent: ['sent'],
  dead: ['dead'],
  doubt: ['in_doubt'],
  retry: ['scheduled', 'ready'],
  release: ['scheduled', 'ready'],
} as const;

function settledWrongly({ jobId, token, outcome }: Settlement, answer: Settled, { before, after }: Observation): string[] {
  if (answer.kind !== 'settled') return [];
  const broken: string[] = [];
  const states: readonly State[] = ENDS[outcome.kind];
  const state = after.get(jobId)?.state;
  if (before.get(jobId)?.token !== token)
    broken.push(`${jobId}: a settle of token ${token} held; the newest is ${before.get(jobId)?.token}`);
  if (state === undefined || !states.includes(state)) broken.push(`${jobId} was settled as ${outcome.kind}, and is ${state ?? 'gone'}`);
  return broken;
}

/** What no job may look like, whatever happened before. */
function looksBroken(job: Job): string[] {
  const isHeld = job.state === 'leased' || job.state === 'sending';
  const rules: readonly (readonly [boolean, string])[] = [
    [isHeld === (job.leasedUntil !== undefined), 'has the end of a lease exactly while it is leased'],
    [isHeld === (job.worker !== undefined), 'has a worker exactly while it is leased'],
    [isFinal(job.state) === (job.finishedAt !== undefined), 'has an end exactly when it is over'],
    [(job.state === 'dead') === (job.reason !== undefined), 'has a reason exactly when it is dead'],
    [(job.state === 'in_doubt') === (job.doubt !== undefined), 'has a doubt exactly when it is in doubt'],
    [job.reason !== 'poison' || job.crashesApart >= CRASHES_APART_MAX, 'is poison only after its own crashes apart'],
    [job.crashesApart <= job.crashes, 'crashed apart no more often than at all'],
    [Number.isFinite(job.dueAt), 'has a due time, so that somebody looks at it'],
    [job.envelope.to.length > 0, 'has a recipient'],
  ];
  return rules.filter(([holds]) => !holds).map(([, rule]) => `broken: ${job.id} (${job.state}) ${rule}`);
}

function movedWrongly(id: JobId, { call, before, after }: Observation): string[] {
  const from = before.get(id);
  const to = after.get(id);
  if (from === undefined || to === undefined) return [];
  const broken: string[] = [];
  const isLeased = call === 'lease' && to.token > from.token;
  const mayMove = from.state === to.state || (MOVES[from.state][to.state]?.includes(call) ?? false);
  if (!mayMove) broken.push(`${id} went from ${from.state} to ${to.state} by ${call}`);
  if (to.token !== from.token && !(isLeased && to.token === from.token + 1))
    broken.push(`${id} went from token ${from.token} to ${to.token} by ${call}`);
  if (call !== 'requeue' && (to.attempts < from.attempts || to.crashes < from.crashes)) broken.push(`${id} lost a count by ${call}`);
  if (to.crashesApart > from.crashesApart && !from.runsApart) broken.push(`${id} was blamed for a crash among others by ${call}`);
  if (to.createdAt !== from.createdAt || to.messageId !== from.messageId) broken.push(`${id} became another job by ${call}`);
  return broken;
}

/** Nothing acknowledged is lost: a sweep drops records of mail that was sent or canceled, a purge of dead mail, and nothing else any. */
function vanished(id: JobId, { call, before, after }: Observation): string[] {
  if (after.has(id)) return [];
  const state = before.get(id)?.state;
  const isSwept = call === 'sweep' && (state === 'sent' || state === 'canceled');
  const isPurged = call === 'purge' && state === 'dead';
  return isSwept || isPurged ? [] : [`${id} (${state}) vanished by ${call}`];
}
