import type { EventKind, LedgerEvent } from '../model/event.ts';
import type { JobId, MessageId, SenderId, TenantId, WorkerId } from '../model/ids.ts';
import { type Attempt, isFinal, STATES, type State } from '../model/job.ts';
import { BATCH_MAX, PAGE_MAX } from '../model/limits.ts';
import { countsAsAttempt } from '../model/outcome.ts';
import { inboxScope, readScope, type Scope, type ScopeKind, senderScope } from '../model/scope.ts';
import type { Clock } from '../ports/clock.ts';
import type {
  Committed,
  CommitRef,
  Enqueued,
  KeyRecord,
  Lease,
  LeaseBatch,
  LeaseRequest,
  Ledger,
  LedgerStats,
  NewJob,
  Settled,
  Settlement,
  Swept,
  SweepOptions,
} from '../ports/ledger.ts';
import { type Forecast, type SenderStanding, type Standing, WORKER_SEEN_MS, type WorkerSeen } from '../ports/ledger-scopes.ts';
import * as life from './job-life.ts';
import type { JobRecord } from './job-life.ts';
import { createBell } from './memory-bell.ts';
import { groupsOf, isDead, meets } from './memory-dead.ts';
import { type Admission, createMemoryLimits, isPausing, scopesOf } from './memory-limits.ts';
import { createTurns, type Lane, nameOf } from './memory-turns.ts';

/** The ledger in memory, with doors that only a test needs. */
export interface MemoryLedger extends Ledger {
  /**
   * Leases exactly these ready jobs, one after another, whoever's turn it is: a model follows what another ledger dealt.
   * Throws when a limit, hold or gate stands against one of them.
   */
  leaseThese(ids: readonly JobId[], request: Pick<LeaseRequest, 'worker' | 'leaseMs'>): readonly Lease[];
  /** Ready jobs that `request` may take, in the order of their lanes, those that have to wait included. */
  lanesFor(request: Pick<LeaseRequest, 'kinds' | 'apart'>): readonly ReadyLane[];
  /** Whether a ready job could be leased now. */
  admit(id: JobId, worker: WorkerId): Admission;
}

export interface ReadyLane extends Lane {
  readonly jobs: readonly JobId[];
}

export interface MemoryLedgerOptions {
  readonly clock: Pick<Clock, 'now' | 'after'>;
  /** False: the bytes go when no job of their message can need them any more. Default true. */
  readonly keepsPayloads?: boolean;
}

/** A key's record. `messageId` and `fingerprint` are gone once its time is over; the generation stays, one higher. */
interface KeyEntry {
  readonly generation: number;
  readonly holds?: { readonly messageId: MessageId; readonly fingerprint: string };
}

/**
 * The executable specification of `ports/ledger.ts`: the moves of `job-life.ts` around plain maps, nothing durable, each
 * call one atomic act since it never waits in between. Written to be read; every look is a walk over all records.
 */
export function createMemoryLedger(options: MemoryLedgerOptions): MemoryLedger {
  const keepsPayloads = options.keepsPayloads ?? true;
  const records = new Map<JobId, JobRecord>();
  const timelines = new Map<JobId, Attempt[]>();
  const bytes = new Map<MessageId, Uint8Array>();
  const keys = new Map<string, KeyEntry>();
  let journal: LedgerEvent[] = [];
  const workersSeen = new Map<WorkerId, WorkerSeen>();
  const limits = createMemoryLimits(
    (sender) => [...records.values()].filter((record) => isUnderWay(record) && record.born.sender === sender).length,
  );
  const turns = createTurns((lane) => limits.limitsOf(inboxScope(lane))?.weight ?? 1);
  const bell = createBell(options.clock);
  let lastNow = Number.NEGATIVE_INFINITY;
  let lastSeq = 0;
  let lastEvent = 0;

  /** The ledger's clock never goes back, whatever its source does. */
  const clock = (): number => {
    lastNow = Math.max(lastNow, options.clock.now());
    return lastNow;
  };

  /** The one way a record changes. */
  function put(record: JobRecord, event?: EventKind): JobRecord {
    const { id, messageId, tenant } = record.born;
    records.set(id, record);
    if (event !== undefined) {
      lastEvent += 1;
      journal.push({ seq: lastEvent, at: clock(), jobId: id, messageId, tenant, kind: event, state: record.state });
    }
    // A new due time rings as well: a worker that waits has to reckon with it.
    if (record.state === 'ready' || record.state === 'scheduled') bell.ring();
    if (isFinal(record.state)) dropIdlePayload(messageId);
    return record;
  }

  function addAttempt(attempt: Attempt | undefined): void {
    if (attempt === undefined) return;
    const timeline = timelines.get(attempt.jobId) ?? [];
    timeline.push(attempt);
    timelines.set(attempt.jobId, timeline);
  }

  function jobsOf(messageId: MessageId): JobRecord[] {
    return [...records.values()].filter((record) => record.born.messageId === messageId);
  }

  function dropIdlePayload(messageId: MessageId): void {
    if (!keepsPayloads && !jobsOf(messageId).some(life.needsPayload)) bytes.delete(messageId);
  }

  // ---- enqueue

  function enqueueOne(job: NewJob): Enqueued {
    const now = clock();
    const key = job.key === undefined ? undefined : keyName(job.tenant, job.key.text);
    const entry = key === undefined ? undefined : keys.get(key);
    // Before the id: two requests with one key that both found it free make the same ids, whatever they ask for.
    if (entry?.holds !== undefined && entry.holds.fingerprint !== job.fingerprint) return { kind: 'conflict', ...entry.holds };
    const known = records.get(job.id);
    if (known !== undefined) return { kind: 'existing', job: life.jobOf(known), because: 'id' };

    if (entry?.holds !== undefined) {
      const first = jobsOf(entry.holds.messageId)[0];
      if (entry.holds.messageId !== job.messageId && first !== undefined) {
        return { kind: 'existing', job: life.jobOf(first), because: 'key' };
      }
      return insert(job, now); // one message may have several jobs; they share its key
    }
    if (job.key !== undefined && job.key.generation !== (entry?.generation ?? 0)) return { kind: 'stale' };

    const twin = findTwin(job, now); // before the key's record is made: a refused repeat must not occupy a key
    if (twin !== undefined) return { kind: 'existing', job: life.jobOf(twin), because: 'content' };
    const refusal = refuse(job, now);
    if (refusal !== undefined) return refusal;
    if (key !== undefined && job.key !== undefined) {
      keys.set(key, { generation: job.key.generation, holds: { messageId: job.messageId, fingerprint: job.fingerprint } });
    }
    return insert(job, now);
  }

  function insert(job: NewJob, now: number): Enqueued {
    if (!bytes.has(job.messageId)) bytes.set(job.messageId, job.payload.slice());
    lastSeq += 1;
    const born = life.created(job, lastSeq, now);
    const forecast = forecastOf(born, now); // before it is there, or it would stand in its own way
    const budgets = (job.budgets ?? []).flatMap((scope) => limits.allowances(scope, now));
    return { kind: 'created', job: life.jobOf(put(born, 'queued')), forecast, budgets };
  }

  /** What its scopes say to a new job; nothing is changed unless it may come in. */
  function refuse(job: NewJob, now: number): Enqueued | undefined {
    const born = life.created(job, 0, now);
    const [stopped] = limits.holdsOn([...scopesOf(born), ...(job.budgets ?? [])], now).filter(({ why }) => why === 'stop');
    if (stopped !== undefined) return { kind: 'stopped', hold: stopped };
    const admission = limits.admit(born, undefined, now);
    if (admission.kind === 'never') {
      const { scope, rule, cost } = admission;
      return { kind: 'over-limit', scope, rule, cost };
    }
    const overdrawn = limits.charge(job.budgets ?? [], job.envelope, job.id, now);
    return overdrawn && { kind: 'over-budget', ...overdrawn };
  }

  function forecastOf(record: JobRecord, now: number): Forecast {
    const { sender, priority } = record.born;
    const ahead = [...records.values()].filter(
      ({ state, born }) =>
        state === 'ready' && born.kind === 'send' && born.sender === sender && (priority !== 'high' || born.priority === 'high'),
    ).length;
    if (record.born.kind !== 'send') return { at: Math.max(now, record.dueAt), ahead };
    const waits: { at: number; because: Forecast['because'] }[] = [{ at: record.dueAt, because: { kind: 'due' } }];
    const admission = limits.admit(record, undefined, now);
    if (admission.kind === 'wait') waits.push({ at: admission.until, because: admission.because });
    for (const scope of [senderScope(sender), inboxScope(record.born.lane)]) {
      const { at, rule } = limits.fitsAt(scope, record.envelope, ahead, now);
      if (rule !== undefined) waits.push({ at, because: { kind: 'limit', scope, rule } });
    }
    const [longest] = waits.sort((a, b) => b.at - a.at);
    if (longest === undefined || longest.at <= now) return { at: now, ahead };
    const { at, because } = longest;
    return { ...(at < Number.POSITIVE_INFINITY && { at }), ...(because !== undefined && { because }), ahead };
  }

  /**
   * The duplicate guard: a caller's own key says that a repeat is meant; a key that a library made for one call does not.
   * A mail that was canceled or given up is no answer to somebody who asks for it again.
   */
  function findTwin(job: NewJob, now: number): JobRecord | undefined {
    if (job.key !== undefined && !job.key.text.startsWith('auto_')) return undefined;
    return [...records.values()].find(
      ({ born, state }) =>
        state !== 'canceled' &&
        state !== 'dead' &&
        born.fingerprint === job.fingerprint &&
        born.tenant === job.tenant &&
        born.lane === job.lane &&
        born.messageId !== job.messageId &&
        now - born.createdAt < job.guardMs,
    );
  }

  // ---- lease

  function lease(request: LeaseRequest): LeaseBatch {
    checkRequest(request);
    const now = clock();
    dropExpired(now, Number.POSITIVE_INFINITY);
    makeDueReady(now, request.max);
    const found = unanswered(request, now);
    const fresh = dealTo(request, request.max - found.length, now);
    if (lanesFor(request).every((lane) => isHeldUp(lane, request.worker, now))) bell.silence(); // what it rang for is dealt; otherwise somebody else should look, too
    return { leases: [...found, ...fresh], ...timeToAskAgain(request, now), apartReady: countReadyApart(request.worker, now) };
  }

  /** One job a turn, as long as there are turns; a lane whose first job has to wait has none. */
  function dealTo(request: LeaseRequest, max: number, now: number): Lease[] {
    const leases: Lease[] = [];
    const lanes = lanesFor(request).map((lane) => ({ ...lane, left: [...lane.jobs] }));
    while (leases.length < max) {
      const lane = turns.next(lanes.filter(({ left }) => left.length > 0));
      const head = lane?.left.shift();
      if (lane === undefined || head === undefined) break;
      const admission = admit(head, request.worker);
      if (admission.kind === 'go') leases.push(...leaseThese([head], request));
      else if (admission.kind === 'wait') lane.left = [];
      else put(life.overLimit(recordOf(head), now), 'dead');
    }
    return leases;
  }

  function recordOf(id: JobId): JobRecord {
    const record = records.get(id);
    if (record === undefined) throw new Error(`broken invariant: no record of ${id}`);
    return record;
  }

  function admit(id: JobId, worker: WorkerId): Admission {
    return limits.admit(recordOf(id), worker, clock());
  }

  function isHeldUp({ jobs: [head] }: ReadyLane, worker: WorkerId, now: number): boolean {
    return head === undefined || limits.admit(recordOf(head), worker, now).kind === 'wait';
  }

  /** Leases whose answer this worker never got. */
  function unanswered({ worker, apart, knownLeases, max, leaseMs }: LeaseRequest, now: number): Lease[] {
    if (knownLeases === undefined) return [];
    return [...records.values()]
      .filter((record) => record.state === 'leased' && record.lease?.worker === worker && life.isLeaseLive(record, now))
      .filter(
        (record) =>
          record.runsApart === apart && !knownLeases.some(({ jobId, token }) => jobId === record.born.id && token === record.token),
      )
      .slice(0, max)
      .map((record) => leaseOf(put(life.extended(record, leaseMs, now)), bytesOf(record), leaseMs, now));
  }

  function lanesFor(request: Pick<LeaseRequest, 'kinds' | 'apart'>): ReadyLane[] {
    const lanes = new Map<string, Lane & { readonly jobs: JobId[] }>();
    const takes = (record: JobRecord): boolean =>
      record.state === 'ready' && request.kinds.includes(record.born.kind) && record.runsApart === request.apart;
    for (const record of [...records.values()].filter(takes).sort(oldestFirst)) {
      const { sender, lane, priority, kind, id } = record.born;
      const place = { sender, lane, priority, tries: life.triesOf(record) };
      const name = `${nameOf(place)} ${kind}`;
      const known = lanes.get(name);
      if (known === undefined) lanes.set(name, { ...place, jobs: [id] });
      else known.jobs.push(id);
    }
    return [...lanes.values()];
  }

  function leaseThese(ids: readonly JobId[], request: Pick<LeaseRequest, 'worker' | 'leaseMs'>): readonly Lease[] {
    const now = clock();
    return ids.map((id) => {
      const ready = records.get(id);
      if (ready?.state !== 'ready')
        throw new Error(`broken invariant: ${id} is ${ready?.state ?? 'unknown'}, and only ready jobs are leased`);
      const admission = limits.admit(ready, request.worker, now);
      if (admission.kind !== 'go') throw new Error(`broken invariant: ${id} was leased, and may not go: ${JSON.stringify(admission)}`);
      limits.take(ready, request.worker, now);
      turns.taken({ ...ready.born, tries: life.triesOf(ready) });
      const record = put(life.leased(ready, request, now));
      return leaseOf(record, bytesOf(record), request.leaseMs, now);
    });
  }

  function bytesOf({ born }: JobRecord): Uint8Array {
    const payload = bytes.get(born.messageId);
    if (payload === undefined) throw new Error(`broken invariant: open job ${born.id} has no bytes`);
    return payload;
  }

  function timeToAskAgain(request: LeaseRequest, now: number): { askAgainMs?: number } {
    const scheduled = [...records.values()].filter((record) => record.state === 'scheduled').map((record) => record.dueAt);
    const held = [false, true]
      .flatMap((apart) => lanesFor({ ...request, kinds: JOB_KINDS, apart }))
      .flatMap(({ jobs: [head] }) => (head === undefined ? [] : [admit(head, request.worker)]))
      .flatMap((admission) => (admission.kind === 'wait' ? [admission.until] : []));
    const next = Math.min(Number.POSITIVE_INFINITY, ...scheduled, ...held);
    return next === Number.POSITIVE_INFINITY ? {} : { askAgainMs: Math.max(0, next - now) };
  }

  /** Those that may go now: a child process is started for each. */
  function countReadyApart(worker: WorkerId, now: number): number {
    const apart = [...records.values()].filter((record) => record.state === 'ready' && record.runsApart);
    return apart.filter((record) => limits.admit(record, worker, now).kind !== 'wait').length;
  }

  /** A lease is over, however it ended. */
  function letGo(record: JobRecord, isCommitted: boolean, now: number): void {
    limits.letGo(record, isCommitted, now);
    if (limits.mayFree(record)) bell.ring();
  }

  // ---- commit and settle

  function commitOne(ref: CommitRef): Committed {
    const now = clock();
    const record = records.get(ref.jobId);
    const answer = life.answerCommit(record, ref, now);
    if (record?.state !== 'leased' || answer.kind !== 'granted') return answer;
    if (limits.holdsOn(scopesOf(record), now).some(isPausing)) return { kind: 'refused', because: 'paused' };
    put(life.committed(record, ref.nonce));
    limits.committed(record, now);
    return answer;
  }

  function settleOne(settlement: Settlement): Settled {
    const record = records.get(settlement.jobId);
    const refusal = life.refuseSettle(record, settlement);
    if (refusal !== undefined || record === undefined) return refusal ?? { kind: 'refused', because: 'unknown' };
    const now = clock();
    const { outcome, note } = settlement;
    const counted = countsAsAttempt(outcome) && record.state !== 'in_doubt';
    addAttempt(life.attemptOf(record, { end: outcome.kind, at: now, counted, note }, settlement));
    for (const child of settlement.children ?? []) {
      if (records.has(child.id)) continue; // a settle whose answer was lost comes again
      lastSeq += 1;
      const born = put(life.childOf(record, child, lastSeq, now), child.outcome.kind === 'dead' ? 'dead' : 'queued');
      const told = { end: child.outcome.kind, at: now, counted: child.outcome.kind !== 'release', note: child.note };
      addAttempt(life.attemptOf({ ...born, lease: record.lease }, told, { phase: 'rcpt', recipients: child.recipients }));
    }
    const isOpen = isUnderWay(record);
    if (settlement.effects !== undefined) limits.apply(settlement.effects, record, now);
    const after = put(life.settled(record, settlement, now), EVENT_OF[outcome.kind]);
    if (isOpen) letGo(record, record.state === 'sending', now);
    if (outcome.kind === 'sent' || outcome.kind === 'doubt') limits.mailed(after);
    return { kind: 'settled', state: after.state };
  }

  // ---- sweep

  /** Each step touches at most what is left of the budget, oldest record first, and answers how many it touched. */
  function sweep(sweepOptions: SweepOptions): Swept {
    if (!(sweepOptions.max >= 1)) throw new RangeError(`max must be at least 1, got ${sweepOptions.max}`);
    const now = clock();
    let left = sweepOptions.max;
    const spend = (touched: number): number => {
      left -= touched;
      return touched;
    };
    const expired = spend(dropExpired(now, left));
    const madeReady = spend(makeDueReady(now, left));
    const crashes = crashLapsed(now, left, sweepOptions);
    spend(crashes.crashed + crashes.poisoned);
    const inDoubt = spend(doubtLapsed(now, left, sweepOptions));
    const resending = spend(resendDue(now, left));
    const dropped = spend(dropOld(now, left, sweepOptions));
    return { madeReady, ...crashes, inDoubt, resending, expired, dropped, hasMore: left <= 0 };
  }

  function touch(max: number, isMeant: (record: JobRecord) => boolean, act: (record: JobRecord) => void): number {
    const meant = [...records.values()].filter(isMeant).slice(0, max);
    meant.forEach(act);
    return meant.length;
  }

  function dropExpired(now: number, max: number): number {
    const isMeant = (record: JobRecord): boolean =>
      (record.state === 'scheduled' || record.state === 'ready') && life.isExpired(record, now);
    return touch(max, isMeant, (record) => put(life.expired(record, now), 'dead'));
  }

  function makeDueReady(now: number, max: number): number {
    const isDue = (record: JobRecord): boolean => record.state === 'scheduled' && record.dueAt <= now;
    const meant = [...records.values()].filter(isDue).sort((a, b) => a.dueAt - b.dueAt || a.born.seq - b.born.seq);
    for (const record of meant.slice(0, max)) put(life.due(record));
    return Math.min(meant.length, max);
  }

  function crashLapsed(now: number, max: number, sweepOptions: SweepOptions): { crashed: number; poisoned: number } {
    let poisoned = 0;
    const isMeant = (record: JobRecord): boolean => record.state === 'leased' && !life.isLeaseLive(record, now);
    const touched = touch(max, isMeant, (record) => {
      addAttempt(
        life.attemptOf(record, {
          end: 'crash',
          at: now,
          counted: false,
          note: 'The lease ran out before the commit: its worker died or stood still.',
        }),
      );
      letGo(record, false, now);
      const after = life.crashed(record, sweepOptions, now);
      if (after.state === 'dead') poisoned += 1;
      put(after, after.state === 'dead' ? 'dead' : 'crashed');
    });
    return { crashed: touched - poisoned, poisoned };
  }

  function doubtLapsed(now: number, max: number, sweepOptions: SweepOptions): number {
    const isMeant = (record: JobRecord): boolean => record.state === 'sending' && !life.isLeaseLive(record, now);
    return touch(max, isMeant, (record) => {
      addAttempt(
        life.attemptOf(record, {
          end: 'worker-lost',
          at: now,
          counted: true,
          note: 'The worker was lost after the commit: the mail may have been sent.',
        }),
      );
      letGo(record, true, now);
      limits.mailed(record);
      put(life.workerLost(record, sweepOptions, now), 'in_doubt');
    });
  }

  function resendDue(now: number, max: number): number {
    const isMeant = (record: JobRecord): boolean => record.state === 'in_doubt' && record.resendAt !== undefined && record.resendAt <= now;
    return touch(max, isMeant, (record) => put(life.resent(record, now), 'resending'));
  }

  /** Dead ones stay until they are purged: somebody still has to look at them. */
  function dropOld(now: number, max: number, { retentionMs }: SweepOptions): number {
    const isMeant = (record: JobRecord): boolean =>
      (record.state === 'sent' || record.state === 'canceled') && record.finishedAt !== undefined && record.finishedAt + retentionMs <= now;
    return touch(max, isMeant, drop);
  }

  function drop({ born }: JobRecord): void {
    records.delete(born.id);
    timelines.delete(born.id);
    journal = journal.filter(({ jobId }) => jobId !== born.id); // an event is kept as long as its job
    if (jobsOf(born.messageId).length === 0) forgetMessage(born.messageId);
  }

  function forgetMessage(messageId: MessageId): void {
    if (!keepsPayloads) bytes.delete(messageId);
    for (const [name, entry] of keys) {
      if (entry.holds?.messageId === messageId) keys.set(name, { generation: entry.generation + 1 });
    }
  }

  function stats(): LedgerStats {
    const now = clock();
    const byState = Object.fromEntries(STATES.map((state) => [state, 0])) as Record<State, number>;
    for (const record of records.values()) byState[record.state] += 1;
    const runnable = [...records.values()].filter(
      (record) =>
        (record.state === 'ready' || (record.state === 'scheduled' && record.dueAt <= now)) &&
        limits.admit(record, undefined, now).kind !== 'wait',
    );
    return {
      byState,
      oldestReadyMs: runnable.reduce((oldest, record) => Math.max(oldest, now - record.readyAt), 0),
      sendersWithBacklog: new Set(runnable.map((record) => record.born.sender)).size,
      now,
    };
  }

  // ---- How scopes stand

  function standingOf(scope: Scope, now: number): Standing {
    const known = limits.limitsOf(scope);
    const { kind, name } = readScope(scope);
    return {
      scope,
      ...(known !== undefined && { limits: known }),
      allowances: limits.allowances(scope, now),
      holds: limits.holdsOn([scope], now),
      ...(kind === 'sender' && { sender: senderStanding(name as SenderId, now) }),
    };
  }

  function senderStanding(sender: SenderId, now: number): SenderStanding {
    const mine = [...records.values()].filter(({ born }) => born.sender === sender && born.kind === 'send');
    const ready = mine.filter(({ state }) => state === 'ready').sort(oldestFirst);
    const waits = ready.map((record) => limits.admit(record, undefined, now));
    const until = (admission: Admission): number => (admission.kind === 'wait' ? admission.until : now);
    const [soonest] = waits.toSorted((a, b) => until(a) - until(b));
    const last = ready.at(-1);
    const done = last && limits.fitsAt(senderScope(sender), last.envelope, ready.length - 1, now);
    return {
      ready: ready.length,
      scheduled: mine.filter(({ state }) => state === 'scheduled').length,
      underWay: mine.filter(isUnderWay).length,
      gate: limits.gateOf(sender),
      ...(soonest !== undefined && until(soonest) < Number.POSITIVE_INFINITY && { nextAt: until(soonest) }),
      ...(soonest?.kind === 'wait' && { because: soonest.because }),
      ...(done?.rule !== undefined && { doneAt: done.at }),
    };
  }

  function scopesKnown({ kind, after = '', max }: { readonly kind: ScopeKind; readonly after?: string; readonly max: number }): Scope[] {
    const open = [...records.values()].filter(({ state }) => !isFinal(state)).flatMap((record) => scopesOf(record));
    return [...new Set([...limits.known, ...open])]
      .filter((scope) => readScope(scope).kind === kind && readScope(scope).name > after)
      .sort()
      .slice(0, max);
  }

  return {
    capabilities: {
      description: 'memory (nothing survives the process)',
      lossOnCrashMs: Number.POSITIVE_INFINITY,
      isShared: false,
      keepsPayloads,
    },
    leaseThese,
    lanesFor,
    admit,

    async findKeys(refs) {
      checkBatch(refs);
      return refs.map((ref): KeyRecord => {
        const entry = keys.get(keyName(ref.tenant, ref.key));
        if (entry?.holds === undefined) return { kind: 'free', generation: entry?.generation ?? 0 };
        return { kind: 'taken', generation: entry.generation, ...entry.holds };
      });
    },
    async enqueue(jobs) {
      checkBatch(jobs);
      return jobs.map(enqueueOne);
    },
    async lease(request) {
      return lease(request);
    },
    async extend(refs, leaseMs) {
      checkBatch(refs);
      const now = clock();
      return refs.map((ref) => {
        const record = records.get(ref.jobId);
        const answer = life.answerExtend(record, ref.token, now);
        if (record !== undefined && answer.kind === 'extended') put(life.extended(record, leaseMs, now));
        return answer;
      });
    },
    async commit(refs) {
      checkBatch(refs);
      return refs.map(commitOne);
    },
    async settle(settlements, next) {
      checkBatch(settlements);
      if (next !== undefined) checkRequest(next); // before anything changes: a refused call must not be half done
      const settled = settlements.map(settleOne);
      return next === undefined ? { settled } : { settled, next: lease(next) };
    },
    async sweep(sweepOptions) {
      return sweep(sweepOptions);
    },
    async cancel(ids) {
      checkBatch(ids);
      return ids.map((id) => {
        const record = records.get(id);
        if (record === undefined) return { kind: 'refused', because: 'unknown' };
        if (isFinal(record.state)) return { kind: 'refused', because: 'final' };
        if (record.state === 'sending' || record.state === 'in_doubt') return { kind: 'refused', because: 'too_late' };
        if (record.state === 'leased') letGo(record, false, clock());
        put(life.canceled(record, clock()), 'canceled');
        return { kind: 'canceled' };
      });
    },
    async resolve(decisions) {
      checkBatch(decisions);
      return decisions.map(({ jobId, verdict, note }) => {
        const record = records.get(jobId);
        if (record === undefined) return { kind: 'refused', because: 'unknown' };
        if (record.state !== 'in_doubt') return { kind: 'refused', because: 'not_in_doubt' };
        const now = clock();
        addAttempt(life.attemptOf(record, { end: verdict === 'resend' ? 'doubt' : verdict, at: now, counted: false, note }));
        return { kind: 'resolved', state: put(life.resolved(record, verdict, now), 'resolved').state };
      });
    },
    async requeue(ids, { endedBefore } = {}) {
      checkBatch(ids);
      return ids.map((id) => {
        const record = records.get(id);
        if (record === undefined) return { kind: 'refused', because: 'unknown' };
        if (!isDead(record, endedBefore)) return { kind: 'refused', because: 'not_dead' };
        put(life.requeued(record, clock()), 'requeued');
        return { kind: 'requeued' };
      });
    },
    async purge(ids, { endedBefore } = {}) {
      checkBatch(ids);
      return ids.map((id) => {
        const record = records.get(id);
        if (record === undefined) return { kind: 'refused', because: 'unknown' };
        if (!isDead(record, endedBefore)) return { kind: 'refused', because: 'not_dead' };
        drop(record);
        if (jobsOf(record.born.messageId).length === 0) bytes.delete(record.born.messageId);
        return { kind: 'purged' };
      });
    },
    async deadGroups(query) {
      checkCount('max', query.max, PAGE_MAX);
      return groupsOf(records.values(), ({ born }) => timelines.get(born.id) ?? [], query);
    },
    async limit(changes) {
      checkBatch(changes);
      for (const { scope, limits: wanted } of changes) limits.limit(scope, wanted, clock());
      bell.ring();
    },
    async hold(holds) {
      checkBatch(holds);
      for (const hold of holds) limits.hold(hold, clock());
      bell.ring();
    },
    async lift(refs) {
      checkBatch(refs);
      const lifted = refs.map((ref) => limits.lift(ref));
      bell.ring();
      return lifted;
    },
    async standing(scopes) {
      checkBatch(scopes);
      return scopes.map((scope) => standingOf(scope, clock()));
    },
    async scopes(query) {
      return scopesKnown(query);
    },
    async beat(worker) {
      const now = clock();
      workersSeen.set(worker.id, { ...worker, startedAt: workersSeen.get(worker.id)?.startedAt ?? now, seenAt: now });
    },
    async workers() {
      const now = clock();
      return [...workersSeen.values()].filter(({ seenAt }) => now - seenAt < WORKER_SEEN_MS).sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    async get(ids) {
      checkBatch(ids);
      return ids.map((id) => {
        const record = records.get(id);
        return record === undefined ? undefined : life.jobOf(record);
      });
    },
    async list({ tenant, messageIds, states, max, cursor, ...filter }) {
      checkCount('max', max, PAGE_MAX);
      const before = cursor === undefined ? Number.POSITIVE_INFINITY : readCursor(cursor);
      const found = [...records.values()]
        .filter(({ born }) => born.seq < before && (tenant === undefined || born.tenant === tenant))
        .filter((record) => meets(record, filter))
        .filter(({ born, state }) => (messageIds?.includes(born.messageId) ?? true) && (states?.includes(state) ?? true))
        .sort((a, b) => b.born.seq - a.born.seq);
      const page = found.slice(0, max);
      const last = page.at(-1);
      return { jobs: page.map(life.jobOf), ...(last !== undefined && found.length > max && { cursor: `${last.born.seq}` }) };
    },
    async attempts(ids) {
      checkBatch(ids);
      return ids.map((id) => [...(timelines.get(id) ?? [])]);
    },
    async payloads(ids) {
      checkBatch(ids);
      return ids.map((id) => bytes.get(id)?.slice());
    },
    async stats() {
      return stats();
    },
    async events(after, max) {
      checkCount('max', max, BATCH_MAX);
      return journal.filter(({ seq }) => seq > after).slice(0, max);
    },
    wake: (maxMs, signal) => bell.wait(maxMs, signal),
    async close() {
      bell.end();
    },
  };
}

const EVENT_OF = { sent: 'sent', retry: 'retrying', dead: 'dead', doubt: 'in_doubt', release: 'released' } as const;

const JOB_KINDS = ['send', 'receive', 'notify'] as const;
const isUnderWay = ({ state }: JobRecord): boolean => state === 'leased' || state === 'sending';
const keyName = (tenant: TenantId, key: string): string => `${tenant} ${key}`;
const oldestFirst = (a: JobRecord, b: JobRecord): number => a.readyAt - b.readyAt || a.born.seq - b.born.seq;

function leaseOf(record: JobRecord, payload: Uint8Array, leaseMs: number, now: number): Lease {
  const { born } = record;
  return {
    jobId: born.id,
    token: record.token,
    kind: born.kind,
    tenant: born.tenant,
    sender: born.sender,
    lane: born.lane,
    messageId: born.messageId,
    envelope: record.envelope,
    payload,
    leaseMs,
    onDoubt: born.onDoubt,
    attempts: record.attempts,
    failures: record.failures,
    resends: record.resends,
    crashes: record.crashes,
    busyReleases: record.busyReleases,
    ageMs: now - record.queuedAt,
    failingMs: record.firstFailedAt === undefined ? 0 : now - record.firstFailedAt,
    ...(born.expiresAt !== undefined && { expiresInMs: born.expiresAt - now }),
  };
}

// ---- Checks at the door

function checkBatch(batch: readonly unknown[]): void {
  if (batch.length > BATCH_MAX) throw new RangeError(`one call carries at most ${BATCH_MAX} jobs, got ${batch.length}`);
}

function checkCount(name: string, count: number, max: number): void {
  if (!Number.isInteger(count) || count < 1 || count > max)
    throw new RangeError(`${name} must be a whole number from 1 to ${max}, got ${count}`);
}

function checkRequest(request: LeaseRequest): void {
  checkCount('max', request.max, BATCH_MAX);
  if (!(request.leaseMs > 0)) throw new RangeError(`leaseMs must be above 0, got ${request.leaseMs}`);
}

function readCursor(cursor: string): number {
  if (!/^\d{1,15}$/.test(cursor)) throw new RangeError(`not a cursor of this ledger: ${JSON.stringify(cursor.slice(0, 40))}`);
  return Number(cursor);
}
