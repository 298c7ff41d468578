import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type JobId, laneId, type MessageId, senderId } from '../model/ids.ts';
import { isFinal, type Job, STATES } from '../model/job.ts';
import type { Limits } from '../model/limit.ts';
import type { Outcome } from '../model/outcome.ts';
import { identityScope, inboxScope, type Scope, senderScope, tenantScope } from '../model/scope.ts';
import type { CommitRef, Lease, LeaseRef, LeaseRequest, Ledger, NewJob, Settlement, SweepOptions } from '../ports/ledger.ts';
import type { Effect, Standing } from '../ports/ledger-scopes.ts';
import { createInvariants, type Invariants, type Observation } from './ledger-invariants.ts';
import {
  ALICE,
  BOB,
  DAY,
  HOUR,
  LEASE,
  type LedgerWorld,
  leaseRequest,
  MINUTE,
  newJob,
  nextJobId,
  REFUSED,
  retryIn,
  SECOND,
  SENT,
  SHUTDOWN,
  sweepOptions,
  UNSEEN,
} from './ledger-suite/desk.ts';
import { createManualClock, type ManualClock } from './manual-clock.ts';
import { createMemoryLedger, type MemoryLedger, type ReadyLane } from './memory-ledger.ts';
import { expectFair, expectOldestFirst } from './ledger-model-turns.ts';
import { nameOf } from './memory-turns.ts';

export interface LedgerModelOptions {
  readonly runs?: number;
  /** To see a failure again: both are printed with it. */
  readonly seed?: number;
  readonly path?: string;
  readonly replayPath?: string;
  /** Judges the calls themselves: asked of one ledger is enough, as all have to answer alike. */
  readonly mustReach?: boolean;
}

/**
 * Random calls on a ledger and on the memory ledger; after each one both must have answered the same, be in the same
 * state, and break no invariant. At the end all work is worked off: nothing may be stuck. Needs vitest and fast-check,
 * and a ledger whose clock moves by `advance` only.
 */
export function ledgerModelTest(name: string, open: () => Promise<LedgerWorld>, options: LedgerModelOptions = {}): void {
  const { runs = 40, mustReach = false, replayPath, ...replay } = options;
  const steps = fc.commands(STEPS, { maxCommands: 100, size: 'max', ...(replayPath !== undefined && { replayPath }) });
  const play = async (parameters: fc.Parameters<unknown>): Promise<ReadonlySet<string>> => {
    const reached = new Set<string>();
    await fc.assert(
      fc.asyncProperty(steps, async (commands) => {
        const world = await open();
        const bench = await benchAt(world, reached);
        try {
          await fc.asyncModelRun(() => ({ model: {}, real: bench }), commands);
          await workOff(bench);
        } finally {
          await world.close();
        }
      }),
      parameters,
    );
    return reached;
  };
  it(`ledger: ${name} does what the memory ledger does, and keeps the invariants`, { timeout: 300_000 }, async () => {
    await play({ numRuns: runs, ...replay });
  });
  if (mustReach)
    it(`ledger: the random calls on ${name} reach each state and each answer`, { timeout: 300_000 }, async () => {
      const reached = await play({ numRuns: REACHING_RUNS, seed: REACHING_SEED });
      expect(
        MUST_REACH.filter((what) => !reached.has(what)),
        'never reached',
      ).toEqual([]);
    });
}

/** The ledger under test beside the specification, and what both were told so far. */
interface Bench {
  real: Ledger;
  readonly world: LedgerWorld;
  readonly spec: MemoryLedger;
  readonly specClock: ManualClock;
  readonly invariants: Invariants;
  /** States and answers that were seen in any run. */
  readonly reached: Set<string>;
  /** Every job that was offered, taken or not. */
  readonly offered: NewJob[];
  readonly ids: Set<JobId>;
  readonly messages: Set<MessageId>;
  readonly refs: LeaseRef[];
  /** Something was limited, held or said about a peer: turns are then no longer all there is to say about the order. */
  isLimited: boolean;
  before: ReadonlyMap<JobId, Job>;
}

async function benchAt(world: LedgerWorld, reached: Set<string>): Promise<Bench> {
  const { keepsPayloads } = world.ledger.capabilities;
  const specClock = createManualClock((await world.ledger.stats()).now);
  return {
    real: world.ledger,
    world,
    spec: createMemoryLedger({ clock: specClock, keepsPayloads }),
    specClock,
    invariants: createInvariants(),
    reached,
    offered: [],
    ids: new Set(),
    messages: new Set(),
    refs: [],
    isLimited: false,
    before: new Map(),
  };
}

/** The same call on both, and the same answer from both. */
async function both<T>(bench: Bench, call: (ledger: Ledger) => Promise<T>): Promise<T> {
  const answer = await call(bench.real);
  expect(answer).toEqual(await call(bench.spec));
  return answer;
}

/** A Buffer is as good, and compares as something else. */
const inPlainBytes = (lease: Lease): Lease => ({ ...lease, payload: new Uint8Array(lease.payload) });

/** After a call: the same to be seen on both, and nothing broken. */
async function check(bench: Bench, seen: Pick<Observation, 'call' | 'leases' | 'commits' | 'settles'>): Promise<void> {
  const { now } = await bench.spec.stats();
  const mine = await look(bench.real, bench);
  expect(mine).toEqual(await look(bench.spec, bench));
  const reach = (what: string): unknown => bench.reached.add(what);
  const after = new Map(mine.jobs.map((job) => [job.id, job]));
  expect(bench.invariants.observe({ ...seen, now, before: bench.before, after })).toEqual([]);
  for (const job of mine.jobs)
    for (const what of [job.state, job.reason ?? job.state, job.resends > 0 ? 'resent' : job.state, job.runsApart ? 'apart' : job.state])
      reach(what);
  for (const [, answer] of seen.commits ?? []) reach(`commit ${answer.kind}`);
  for (const [, answer] of seen.settles ?? []) reach(`settle ${answer.kind}`);
  bench.before = after;
}

/** Random calls that came nowhere break nothing either. The seed is fixed: chance does not meet a rare state every time. */
const REACHING_SEED = 20_261_124;
const REACHING_RUNS = 30;
const MUST_REACH = [
  ...STATES.filter((state) => state !== 'dead'),
  'permanent',
  'expired',
  'resent',
  'apart',
  'commit granted',
  'commit refused',
  'held up',
  'settle settled',
  'settle repeated',
  'settle refused',
];

const KEYS = ['order-7', 'order-8', 'auto_1'] as const;
const SENDERS = ['one', 'two', 'three'] as const;
const LANES = ['a', 'b'] as const;
const SCOPES: readonly Scope[] = [
  ...SENDERS.map((name) => senderScope(senderId(name))),
  ...LANES.map((name) => inboxScope(laneId(name))),
  tenantScope(BOB),
  identityScope('shoal.example'),
];

async function look(ledger: Ledger, { ids, messages, isLimited }: Bench) {
  const jobs = (await ledger.get([...ids])).filter((job) => job !== undefined);
  const stories: Record<string, string[]> = {};
  for (const { jobId, kind, state, at } of await ledger.events(0, 1_000))
    stories[jobId] = [...(stories[jobId] ?? []), `${kind} ${state} ${at}`];
  return {
    jobs,
    attempts: await ledger.attempts([...ids]),
    stories: jobs.map((job) => stories[job.id]), // of dropped jobs a ledger may have trimmed the events
    payloads: (await ledger.payloads([...messages])).map((payload) => payload && Buffer.from(payload).toString('latin1')),
    keys: await ledger.findKeys([ALICE, BOB].flatMap((tenant) => KEYS.map((key) => ({ tenant, key })))),
    newest: (await ledger.list({ max: 100 })).jobs.map((job) => job.id),
    stats: await statsOf(ledger, isLimited),
    standing: (await ledger.standing(SCOPES)).map(seenOf),
  };
}

/** What is runnable under limits is judged when it is leased; before that a ledger may believe it of more. */
async function statsOf(ledger: Ledger, isLimited: boolean): Promise<object> {
  const { byState, now, ...runnable } = await ledger.stats();
  return { byState, now, ...(isLimited ? {} : runnable) };
}

function seenOf({ scope, limits, allowances, holds, sender }: Standing): object {
  const { ready, scheduled, underWay, gate } = sender ?? {};
  return { scope, limits, allowances, holds: holds.toSorted((a, b) => (a.why < b.why ? -1 : 1)), ready, scheduled, underWay, gate };
}

// ---- The calls

type Step = fc.AsyncCommand<object, Bench>;

function step<T>(name: string, args: fc.Arbitrary<T>, run: (bench: Bench, args: T) => Promise<void>): fc.Arbitrary<Step> {
  return args.map((chosen) => ({
    check: () => true,
    run: (_, bench) => run(bench, chosen),
    toString: () => `${name}(${JSON.stringify(chosen)})`,
  }));
}

/** Mostly the newest, so that calls meet on one job; counted from the end. */
const recent = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(5) });
const pick = <T>(items: readonly T[], back: number): T | undefined => items.at(-1 - Math.min(back, items.length - 1));

const enqueue = step(
  'enqueue',
  fc.array(
    fc.record({
      like: fc.option(fc.record({ back: recent, isRepeat: fc.boolean() }), { freq: 3 }),
      key: fc.option(fc.constantFrom(...KEYS), { freq: 2 }),
      generationAhead: fc.constantFrom(0, 0, 0, 0, 1),
      fingerprint: fc.constantFrom('one', 'two'),
      guardMs: fc.constantFrom(0, 0, 10 * MINUTE),
      tenant: fc.constantFrom(ALICE, ALICE, BOB),
      sender: fc.constantFrom(...SENDERS),
      lane: fc.constantFrom(...LANES),
      priority: fc.constantFrom('normal' as const, 'normal' as const, 'high' as const, 'low' as const),
      onDoubt: fc.constantFrom('hold' as const, 'resend' as const),
      dueInMs: fc.constantFrom(undefined, undefined, undefined, -MINUTE, 2 * MINUTE, 2 * HOUR),
      expiresInMs: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, undefined, 40 * SECOND, 30 * MINUTE),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  async (bench, wishes) => {
    const { now } = await bench.spec.stats();
    const jobs: NewJob[] = [];
    for (const { like, key, generationAhead, dueInMs, expiresInMs, ...wish } of wishes) {
      const earlier = like === null ? undefined : pick(bench.offered, like.back);
      if (earlier !== undefined) {
        // The very same again, or one more job of the same message.
        jobs.push(like?.isRepeat ? earlier : { ...earlier, id: nextJobId() });
        continue;
      }
      const [record] = key === null ? [] : await bench.real.findKeys([{ tenant: wish.tenant, key }]);
      jobs.push(
        newJob({
          ...wish,
          to: ['a@example.com', 'b@example.com'],
          ...(key !== null && { key: { text: key, generation: (record?.generation ?? 0) + generationAhead } }),
          ...(dueInMs !== undefined && { dueAt: now + dueInMs }),
          ...(expiresInMs !== undefined && { expiresAt: now + expiresInMs }),
        }),
      );
    }
    for (const job of jobs) {
      bench.offered.push(job);
      bench.ids.add(job.id);
      bench.messages.add(job.messageId);
    }
    await both(bench, (ledger) => ledger.enqueue(jobs));
    await check(bench, { call: 'enqueue' });
  },
);

const lease = step(
  'lease',
  fc.record({
    max: fc.constantFrom(1, 1, 1, 2, 5, 100),
    apart: fc.constantFrom(false, false, true),
    leaseMs: fc.constantFrom(LEASE, 10 * MINUTE),
    isAnswerLost: fc.constantFrom(false, false, false, true),
    goesOn: fc.constantFrom('no', 'no', 'commit', 'commit', 'send', 'late'), // in one step, so that runs come far
  }),
  async (bench, { goesOn, isAnswerLost, ...wish }) => {
    await sweepBoth(bench, sweepOptions()); // so that what is due is ready in both, and only the dealing differs
    // After a lost answer a worker names what it holds; the newest lease is what it does not know of.
    const known = isAnswerLost ? { knownLeases: bench.refs.slice(0, -1), max: 100 } : {};
    const leases = await leaseBoth(bench, leaseRequest({ ...wish, ...known }));
    await check(bench, { call: 'lease', leases });
    if (goesOn === 'late') await advanceBoth(bench, LEASE + SECOND);
    if (goesOn === 'no') return;
    const refs = leases.map(({ jobId, token }) => ({ jobId, token, nonce: `n ${token}` }));
    await commitBoth(bench, refs);
    if (goesOn === 'send')
      await settleBoth(
        bench,
        refs.map(({ jobId, token }) => ({ jobId, token, outcome: SENT, note: 'Taken.' })),
      );
  },
);

/** Whose turn it is among equals is the ledger's own affair: the specification checks the rules, and follows. */
async function leaseBoth(bench: Bench, request: LeaseRequest): Promise<readonly Lease[]> {
  const lanes = bench.spec.lanesFor(request);
  const batch = await bench.real.lease(request);
  const none = { ...request, kinds: [] }; // takes nothing new, and says what there is beside
  const again = request.knownLeases === undefined ? [] : (await bench.spec.lease(none)).leases;
  const byId = (a: Lease, b: Lease): number => (a.jobId < b.jobId ? -1 : 1);
  expect(batch.leases.slice(0, again.length).map(inPlainBytes).sort(byId)).toEqual(again.map(inPlainBytes).sort(byId));
  const fresh = batch.leases.slice(again.length);
  const ids = fresh.map((lease) => lease.jobId);
  expectOldestFirst(lanes, ids);
  // Of jobs set apart there are few, and no ledger has to deal them in turns.
  if (!request.apart && !bench.isLimited) expectFair(lanes, ids);
  expect(fresh.map(inPlainBytes)).toEqual(bench.spec.leaseThese(ids, request).map(inPlainBytes)); // throws when the specification holds one of them back
  const { knownLeases: _, ...rest } = none;
  const { askAgainMs, apartReady } = await bench.spec.lease(rest);
  expect(batch.apartReady).toBe(apartReady);
  if (batch.leases.length < request.max) expectNothingLeftOut(bench, lanes, ids, request);
  // Sooner costs a look; later would leave mail lying there.
  if (askAgainMs !== undefined) expect(batch.askAgainMs ?? Number.POSITIVE_INFINITY).toBeLessThanOrEqual(askAgainMs);
  if (!bench.isLimited) expect(batch.askAgainMs).toBe(askAgainMs);
  bench.refs.push(...batch.leases.map(({ jobId, token }) => ({ jobId, token })));
  return batch.leases;
}

/** There was room for more: so whatever heads a lane now has to wait. */
function expectNothingLeftOut(bench: Bench, lanes: readonly ReadyLane[], dealt: readonly JobId[], request: LeaseRequest): void {
  for (const lane of lanes) {
    const head = lane.jobs.find((id) => !dealt.includes(id));
    if (head !== undefined) expect(bench.spec.admit(head, request.worker).kind, `${nameOf(lane)}: ${head} was left out`).toBe('wait');
    if (head !== undefined) bench.reached.add('held up');
  }
}

const aRef = fc.record({ back: recent, tokenOff: fc.constantFrom(0, 0, 0, 0, 0, 0, -1, 1) });
const refAt = (bench: Bench, { back, tokenOff }: { back: number; tokenOff: number }): LeaseRef | undefined => {
  const ref = pick(bench.refs, back);
  return ref === undefined ? undefined : { jobId: ref.jobId, token: ref.token + tokenOff };
};

const extend = step('extend', fc.array(aRef, { minLength: 1, maxLength: 3 }), async (bench, chosen) => {
  const refs = chosen.map((one) => refAt(bench, one)).filter((ref) => ref !== undefined);
  await both(bench, (ledger) => ledger.extend(refs, LEASE));
  await check(bench, { call: 'extend' });
});

const commit = step(
  'commit',
  fc.array(fc.record({ ref: aRef, nonce: fc.constantFrom('n', 'n', 'n', 'other') }), { minLength: 1, maxLength: 3 }),
  async (bench, chosen) => {
    const refs = chosen.flatMap(({ ref, nonce }) => {
      const found = refAt(bench, ref);
      return found === undefined ? [] : [{ ...found, nonce: `${nonce} ${found.token}` }];
    });
    await commitBoth(
      bench,
      refs.filter((ref, at) => refs.findIndex((other) => other.jobId === ref.jobId) === at),
    );
  },
);

async function commitBoth(bench: Bench, refs: readonly CommitRef[]): Promise<void> {
  const answers = await both(bench, (ledger) => ledger.commit(refs));
  await check(bench, { call: 'commit', commits: refs.map((ref, at) => [ref, answers[at] ?? { kind: 'refused', because: 'lost' }]) });
}

const anEffect = fc.constantFrom<Effect>(
  { kind: 'through', isTaken: true },
  { kind: 'through', isTaken: false },
  { kind: 'failed', baseMs: 30 * SECOND, spread: 0.5, note: 'It failed.' },
  { kind: 'throttled', askedMs: 0, baseMs: 30 * SECOND, spread: 0.5, note: 'Slow down.' },
  { kind: 'throttled', askedMs: 5 * MINUTE, baseMs: 30 * SECOND, spread: 0, note: 'Slow down.' },
  { kind: 'crowded' },
  { kind: 'hold', hold: { scope: identityScope('shoal.example'), why: 'blocked', forMs: 3 * MINUTE, note: 'Publish SPF.' } },
);

const anOutcome = fc.oneof(
  fc.constantFrom<Outcome>(SENT, SENT, REFUSED, UNSEEN, SHUTDOWN, retryIn(0, 'greylist')),
  fc.record({
    kind: fc.constant('retry' as const),
    failure: fc.constantFrom('network' as const, 'deferred' as const),
    delayMs: fc.constantFrom(MINUTE, HOUR),
  }),
  fc.record({ kind: fc.constant('doubt' as const), cause: fc.constant('cut' as const), resendMs: fc.constant(5 * MINUTE) }),
  fc.record({ kind: fc.constant('release' as const), why: fc.constant('throttled' as const), delayMs: fc.constant(3 * MINUTE) }),
);

const settle = step(
  'settle',
  fc.record({
    ref: aRef,
    outcome: anOutcome,
    effect: fc.option(anEffect, { freq: 2 }),
    split: fc.constantFrom('no', 'no', 'no', 'retry', 'dead', 'release'),
  }),
  async (bench, { ref, outcome, effect, split }) => {
    const found = refAt(bench, ref);
    if (found === undefined) return;
    const to = bench.before.get(found.jobId)?.envelope.to ?? [];
    const [kept, given] = to;
    const settlement = {
      ...found,
      outcome,
      note: `it was ${outcome.kind}`,
      ...(effect !== null && { effects: [effect] }),
      ...(split !== 'no' &&
        kept !== undefined &&
        given !== undefined && {
          keeps: [kept],
          children: [
            {
              id: nextJobId(),
              to: [given],
              outcome: CHILD_OUTCOMES[split],
              note: `${given} was refused.`,
              recipients: [{ address: given, reply: { code: 450, text: 'no' } }],
            },
          ],
        }),
    };
    for (const child of settlement.children ?? []) bench.ids.add(child.id);
    if (effect !== null) bench.isLimited = true;
    await settleBoth(bench, [settlement]);
  },
);

const CHILD_OUTCOMES = {
  dead: { kind: 'dead', reason: 'permanent' },
  retry: { kind: 'retry', failure: 'deferred', delayMs: MINUTE },
  release: { kind: 'release', why: 'busy', delayMs: 0 },
} as const;

async function settleBoth(bench: Bench, settlements: readonly Settlement[]): Promise<void> {
  const { settled } = await both(bench, (ledger) => ledger.settle(settlements));
  await check(bench, {
    call: 'settle',
    settles: settlements.map((settlement, at) => [settlement, settled[at] ?? { kind: 'refused', because: 'unknown' }]),
  });
}

const crash = step('crash', fc.record({ apart: fc.boolean() }), async (bench, { apart }) => {
  await sweepBoth(bench, sweepOptions());
  await leaseBoth(bench, leaseRequest({ apart }));
  await check(bench, { call: 'lease' });
  await advanceBoth(bench, LEASE + SECOND);
  await sweepBoth(bench, sweepOptions());
});

const sweep = step('sweep', fc.record({ max: fc.constantFrom(1, 3, 1_000) }), (bench, { max }) => sweepBoth(bench, sweepOptions({ max })));

/** Which of a sweep's works comes first is the ledger's own affair, so both sweep until there is nothing left. */
async function sweepBoth(bench: Bench, options: SweepOptions): Promise<void> {
  const sweepOut = async (ledger: Ledger): Promise<Record<string, number>> => {
    const total: Record<string, number> = {};
    for (let round = 0; round < 1_000; round++) {
      const { hasMore: _, madeReady, expired, ...swept } = await ledger.sweep(options);
      const touched = Object.entries(swept).reduce((sum, [what, count]) => {
        total[what] = (total[what] ?? 0) + count;
        return sum + count;
      }, madeReady + expired);
      expect(touched).toBeLessThanOrEqual(options.max);
      if (touched === 0) return total;
    }
    throw new Error('1,000 sweeps did not come to an end');
  };
  await both(bench, sweepOut);
  await check(bench, { call: 'sweep' });
}

const anId = (bench: Bench, back: number): JobId | undefined => pick([...bench.ids], back);
const ofRecent = fc.record({ back: fc.nat(12) });

const cancel = step('cancel', ofRecent, async (bench, { back }) => {
  const id = anId(bench, back);
  if (id === undefined) return;
  await both(bench, (ledger) => ledger.cancel([id]));
  await check(bench, { call: 'cancel' });
});

const resolve = step(
  'resolve',
  fc.record({ back: recent, verdict: fc.constantFrom('sent' as const, 'resend' as const, 'dead' as const) }),
  async (bench, { back, verdict }) => {
    const ref = pick(bench.refs, back);
    if (ref === undefined) return;
    await both(bench, (ledger) => ledger.resolve([{ jobId: ref.jobId, verdict, note: `decided: ${verdict}` }]));
    await check(bench, { call: 'resolve' });
  },
);

/** With `endedBefore` as an operation gives it: a job that died at that time or later is not its business. */
const deadLetter = fc.record({
  back: recent,
  isDead: fc.constantFrom(true, true, true, false),
  endedBefore: fc.constantFrom(undefined, undefined, 'its end', 'after it'),
});
type DeadLetterDraw = typeof deadLetter extends fc.Arbitrary<infer Draw> ? Draw : never;

function deadOne(bench: Bench, { back, isDead, endedBefore }: DeadLetterDraw): readonly [JobId, { endedBefore?: number }] | undefined {
  const dead = [...bench.before.values()].filter((job) => job.state === 'dead').map((job) => job.id);
  const id = isDead ? pick(dead, back) : anId(bench, back);
  if (id === undefined) return undefined;
  const finishedAt = bench.before.get(id)?.finishedAt;
  if (endedBefore === undefined || finishedAt === undefined) return [id, {}];
  return [id, { endedBefore: endedBefore === 'its end' ? finishedAt : finishedAt + 1 }];
}

const requeue = step('requeue', deadLetter, async (bench, draw) => {
  const [id, options] = deadOne(bench, draw) ?? [];
  if (id === undefined) return;
  await both(bench, (ledger) => ledger.requeue([id], options));
  await check(bench, { call: 'requeue' });
});

const purge = step('purge', deadLetter, async (bench, draw) => {
  const [id, options] = deadOne(bench, draw) ?? [];
  if (id === undefined) return;
  await both(bench, (ledger) => ledger.purge([id], options));
  await check(bench, { call: 'purge' });
});

/** Both ledgers forget at different moments what no rule looks back to, so a rule's window never changes here. */
const someLimits = fc.record({
  messages: fc.constantFrom(undefined, 1, 2, 4),
  recipients: fc.constantFrom(undefined, undefined, 2, 5),
  unique: fc.constantFrom(undefined, undefined, 2, 3),
  fresh: fc.constantFrom(undefined, undefined, undefined, 2),
  pace: fc.constantFrom(undefined, undefined, undefined, { everyMs: 10 * SECOND, burst: 2 }),
  connections: fc.constantFrom(undefined, undefined, undefined, { max: 1, idleMs: 5 * SECOND }),
});

const limit = step(
  'limit',
  fc.record({ scope: fc.constantFrom(...SCOPES.slice(0, 5)), wish: fc.option(someLimits, { freq: 5 }) }),
  async (bench, { scope, wish }) => {
    const rules: Limits['rules'] = [
      { unit: 'messages' as const, max: wish?.messages, windowMs: 30 * SECOND, marginMs: 0 },
      { unit: 'recipients' as const, max: wish?.recipients, windowMs: 5 * MINUTE, marginMs: SECOND },
      { unit: 'uniqueRecipients' as const, max: wish?.unique, windowMs: 5 * MINUTE, marginMs: 0 },
      { unit: 'newRecipients' as const, max: wish?.fresh, windowMs: HOUR, marginMs: 0 },
    ].flatMap(({ max, ...rule }) => (max === undefined ? [] : [{ ...rule, max }]));
    const { pace, connections } = wish ?? {};
    const isSender = scope.startsWith('sender:');
    const limits: Limits = { rules, ...(pace !== undefined && { pace }), ...(isSender && connections !== undefined && { connections }) };
    bench.isLimited = true;
    await both(bench, (ledger) => ledger.limit([{ scope, ...(wish !== null && { limits }) }]));
    await check(bench, { call: 'limit' });
  },
);

const aHold = fc.record({
  scope: fc.constantFrom(...SCOPES),
  why: fc.constantFrom('pause' as const, 'stop' as const, 'account' as const),
});
const hold = step(
  'hold',
  fc.record({ at: aHold, forMs: fc.constantFrom(undefined, 2 * MINUTE, 2 * MINUTE) }),
  async (bench, { at, forMs }) => {
    bench.isLimited = true;
    await both(bench, (ledger) => ledger.hold([{ ...at, note: 'Held by a test.', ...(forMs !== undefined && { forMs }) }]));
    await check(bench, { call: 'hold' });
  },
);
const lift = step('lift', aHold, async (bench, ref) => {
  await both(bench, (ledger) => ledger.lift([ref]));
  await check(bench, { call: 'lift' });
});

const wait = step(
  'wait',
  fc.record({
    ms: fc.constantFrom(SECOND, SECOND, SECOND, 30 * SECOND, 61 * SECOND, 61 * SECOND, 6 * MINUTE, 31 * MINUTE, 2 * HOUR, 8 * DAY),
  }),
  async (bench, { ms }) => advanceBoth(bench, ms),
);

async function advanceBoth(bench: Bench, ms: number): Promise<void> {
  await bench.world.advance(ms);
  await bench.specClock.advance(ms);
  await check(bench, { call: 'wait' });
}

const restart = step('restart', fc.constant(undefined), async (bench) => {
  if (bench.world.reopen === undefined) return;
  bench.real = await bench.world.reopen();
  await check(bench, { call: 'restart' });
});

/** How often each is tried: mostly the ordinary way of a job, so that runs come far. */
const STEPS: fc.Arbitrary<Step>[] = [
  ...[enqueue, enqueue],
  ...[lease, lease, lease, lease],
  ...[commit, commit, commit, commit],
  ...[settle, settle, settle, settle],
  ...[wait, wait, wait],
  ...[sweep, crash, extend, cancel, resolve, requeue, purge, restart],
  ...[limit, hold, lift],
];

/** Every open job has a wake-up: with a worker that sends, and somebody who decides doubts, all come to an end. */
async function workOff(bench: Bench): Promise<void> {
  const { real, world } = bench;
  await real.lift(SCOPES.flatMap((scope) => (['pause', 'stop', 'account', 'blocked'] as const).map((why) => ({ scope, why }))));
  await real.limit(SCOPES.map((scope) => ({ scope })));
  for (let round = 0; round < 60; round++) {
    for (const apart of [false, true]) {
      const { leases } = await real.lease(leaseRequest({ apart }));
      const refs = leases.map(({ jobId, token }) => ({ jobId, token, nonce: 'work off' }));
      const granted = await real.commit(refs);
      await real.settle(refs.filter((_, at) => granted[at]?.kind === 'granted').map((ref) => ({ ...ref, outcome: SENT, note: '' })));
    }
    const doubtful = (await real.get([...bench.ids])).filter((job) => job?.state === 'in_doubt').map((job) => job?.id);
    await real.resolve(doubtful.filter((id) => id !== undefined).map((jobId) => ({ jobId, verdict: 'sent', note: '' })));
    await world.advance(HOUR);
    await real.sweep(sweepOptions({ retentionMs: 365 * DAY }));
  }
  const open = (await real.get([...bench.ids])).filter((job) => job !== undefined && !isFinal(job.state));
  expect(open, 'jobs that nobody comes back to').toEqual([]);
}
