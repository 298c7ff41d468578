import { expect, it } from 'vitest';
import {
  type JobId,
  jobId,
  laneId,
  type MessageId,
  messageId,
  senderId,
  type TenantId,
  tenantId,
  type WorkerId,
  workerId,
} from '../../model/ids.ts';
import type { Attempt, Job, State } from '../../model/job.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Lease, LeaseRequest, Ledger, NewJob, Settled, Settlement, Swept, SweepOptions } from '../../ports/ledger.ts';

/**
 * The cases of the ledger suite, one file each, and the desk they work at. Only what a ledger alone can show belongs
 * here; what takes a worker, a transport or a killed process is a scenario. No case asks for a product's name: what a
 * ledger cannot do is in its capabilities, or its world leaves out the verb for it.
 */
export interface LedgerWorld {
  readonly ledger: Ledger;
  /** Moves the ledger's clock on. The suite never waits in any other way, so a ledger with real time may wait here. */
  advance(ms: number): Promise<void>;
  /** Stops and opens the ledger again on the same data, as after a kill of the process. Absent: nothing survives. */
  reopen?(): Promise<Ledger>;
  /** Another connection to the same data, as of another process. Absent: it is used by one process alone. */
  second?(): Promise<Ledger>;
  close(): Promise<void>;
}

/** Far from every border of the suite's times, so that a ledger whose clock also runs by itself passes the same tests. */
export const SLACK_MS = 3_000;
export const SECOND = 1_000;
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** A lease as the suite takes it. */
export const LEASE = MINUTE;
export const RETENTION = 7 * DAY;

export type Given = (title: string, act: (desk: Desk) => Promise<void>) => void;

/** `given(title, act)` is a test that owns a fresh ledger. */
export function givenA(open: () => Promise<LedgerWorld>): Given {
  return (title, act) => {
    it(title, async (context) => {
      const world = await open();
      try {
        await act(deskAt(world, (reason) => context.skip(reason)));
      } finally {
        await world.close();
      }
    });
  };
}

export interface Desk {
  /** The ledger in use; another object after `reopen`. */
  readonly ledger: Ledger;
  /** The ledger's clock. */
  now(): Promise<number>;
  advance(ms: number): Promise<void>;
  /** Skips the test, with the reason, where nothing survives a restart. */
  reopen(): Promise<void>;
  /** Skips the test, with the reason, where there is no second connection. */
  second(): Promise<Ledger>;

  /** Enqueues one job that has to be new. */
  put(wish?: Wish): Promise<Job>;
  take(wish?: Partial<LeaseRequest>): Promise<readonly Lease[]>;
  /** Leases one job; it has to be there. */
  takeOne(wish?: Partial<LeaseRequest>): Promise<Lease>;
  /** Leases and commits one job. */
  takeAndCommit(wish?: Partial<LeaseRequest>): Promise<Lease>;
  commit(lease: Lease, nonce?: string): Promise<string>;
  settle(lease: Pick<Lease, 'jobId' | 'token'>, outcome: Outcome, more?: Partial<Settlement>): Promise<Settled>;
  extend(lease: Pick<Lease, 'jobId' | 'token'>): Promise<string>;
  cancel(id: JobId): Promise<string>;
  /** Sweeps until nothing is left to do. */
  sweep(wish?: Partial<SweepOptions>): Promise<Omit<Swept, 'hasMore'>>;

  job(id: JobId): Promise<Job>;
  stateOf(id: JobId): Promise<State | 'gone'>;
  attempts(id: JobId): Promise<readonly Attempt[]>;
  payload(id: MessageId): Promise<string | undefined>;
  /** What happened to a job, in order. */
  story(id: JobId): Promise<string[]>;
}

/** What a test wants of a new job; the rest does not matter to it. */
export interface Wish extends Partial<Omit<NewJob, 'sender' | 'lane' | 'key' | 'payload' | 'envelope'>> {
  readonly sender?: NewJob['sender'] | string;
  readonly lane?: NewJob['lane'] | string;
  readonly key?: string | { readonly text: string; readonly generation: number };
  readonly payload?: string;
  readonly from?: string;
  readonly to?: readonly string[];
}

export const ALICE: TenantId = tenantId(`acct_${'a'.repeat(26)}`);
export const BOB: TenantId = tenantId(`acct_${'b'.repeat(26)}`);
export const WORKER: WorkerId = workerId(`wrk_${'1'.repeat(12)}`);
export const OTHER_WORKER: WorkerId = workerId(`wrk_${'2'.repeat(12)}`);

let made = 0;
const nextNumber = (): string => `${++made}`;
export const nextJobId = (): JobId => jobId(`job_00${nextNumber().padStart(24, '0')}`);
export const nextMessageId = (): MessageId => messageId(`eml_${nextNumber().padStart(26, '0')}`);

/** A job like no other, but for what is wished. */
export function newJob({
  to,
  from = 'agent@shoal.example',
  key,
  sender = 'default',
  lane = 'inbox',
  payload = 'Subject: hello\r\n\r\nHello.\r\n',
  ...wish
}: Wish = {}): NewJob {
  const id = wish.id ?? nextJobId();
  return {
    id,
    kind: 'send',
    tenant: ALICE,
    messageId: nextMessageId(),
    onDoubt: 'hold',
    priority: 'normal',
    fingerprint: `content of ${id}`,
    guardMs: 0,
    ...wish,
    sender: senderId(sender),
    lane: laneId(lane),
    envelope: { from, to: to ?? ['reader@example.com'], smtpUtf8: false, eightBit: false },
    payload: new TextEncoder().encode(payload),
    ...(key !== undefined && { key: typeof key === 'string' ? { text: key, generation: 0 } : key }),
  };
}

export const SENT: Outcome = { kind: 'sent' };
export const REFUSED: Outcome = { kind: 'dead', reason: 'permanent' };
export const UNSEEN: Outcome = { kind: 'doubt', cause: 'timeout' };
export const SHUTDOWN: Outcome = { kind: 'release', why: 'shutdown', delayMs: 0 };
export const retryIn = (delayMs: number, failure: 'network' | 'deferred' | 'greylist' = 'network'): Outcome => ({
  kind: 'retry',
  failure,
  delayMs,
});

export const leaseRequest = (wish: Partial<LeaseRequest> = {}): LeaseRequest => ({
  worker: WORKER,
  kinds: ['send'],
  max: 100,
  leaseMs: LEASE,
  apart: false,
  ...wish,
});

export const sweepOptions = (wish: Partial<SweepOptions> = {}): SweepOptions => ({
  max: 1_000,
  apartDelaysMs: [5 * MINUTE, 20 * MINUTE],
  resendMs: 10 * MINUTE,
  retentionMs: RETENTION,
  ...wish,
});

/** As one word: `granted`, or why not. */
const said = (answer: { readonly kind: string; readonly because?: string } | undefined): string =>
  answer?.because ?? answer?.kind ?? 'nothing';

function deskAt(world: LedgerWorld, skip: (reason: string) => never): Desk {
  let ledger = world.ledger;
  const desk: Desk = {
    get ledger() {
      return ledger;
    },
    now: async () => (await ledger.stats()).now,
    advance: (ms) => world.advance(ms),
    async reopen() {
      if (world.reopen === undefined) return skip('nothing of this ledger survives a restart');
      ledger = await world.reopen();
    },
    async second() {
      if (world.second === undefined) return skip('this ledger is used by one process alone');
      return world.second();
    },

    async put(wish) {
      const [answer] = await ledger.enqueue([newJob(wish)]);
      if (answer?.kind !== 'created') throw new Error(`expected a new job, got ${JSON.stringify(answer)}`);
      return answer.job;
    },
    async take(wish) {
      return (await ledger.lease(leaseRequest(wish))).leases;
    },
    async takeOne(wish) {
      const [lease] = await desk.take({ max: 1, ...wish });
      if (lease === undefined) throw new Error(`expected a job to lease; there are ${JSON.stringify((await ledger.stats()).byState)}`);
      return lease;
    },
    async takeAndCommit(wish) {
      const lease = await desk.takeOne(wish);
      expect(await desk.commit(lease)).toBe('granted');
      return lease;
    },
    async commit({ jobId, token }, nonce = `nonce ${jobId} ${token}`) {
      return said((await ledger.commit([{ jobId, token, nonce }]))[0]);
    },
    async settle({ jobId, token }, outcome, more = {}) {
      const [answer] = (await ledger.settle([{ jobId, token, outcome, note: `it was ${outcome.kind}`, ...more }])).settled;
      if (answer === undefined) throw new Error('settle answered nothing');
      return answer;
    },
    async extend({ jobId, token }) {
      return said((await ledger.extend([{ jobId, token }], LEASE))[0]);
    },
    async cancel(id) {
      return said((await ledger.cancel([id]))[0]);
    },
    async sweep(wish) {
      const total = { madeReady: 0, crashed: 0, poisoned: 0, inDoubt: 0, resending: 0, expired: 0, dropped: 0 };
      for (let round = 0; round < 1_000; round++) {
        const { hasMore, ...swept } = await ledger.sweep(sweepOptions(wish));
        for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += swept[name];
        if (!hasMore) return total;
      }
      throw new Error('1,000 sweeps did not come to an end');
    },

    async job(id) {
      const [job] = await ledger.get([id]);
      if (job === undefined) throw new Error(`no job ${id}`);
      return job;
    },
    stateOf: async (id) => (await ledger.get([id]))[0]?.state ?? 'gone',
    attempts: async (id) => (await ledger.attempts([id]))[0] ?? [],
    async payload(id) {
      const [payload] = await ledger.payloads([id]);
      return payload === undefined ? undefined : new TextDecoder().decode(payload);
    },
    async story(id) {
      return (await ledger.events(0, 1_000)).filter((event) => event.jobId === id).map((event) => event.kind);
    },
  };
  return desk;
}

/** `actual` is `expected`, up to what the ledger's clock may have run on by itself. */
export function expectAbout(actual: number | undefined, expected: number): void {
  expect(actual).toBeGreaterThan(expected - SLACK_MS);
  expect(actual).toBeLessThan(expected + SLACK_MS);
}
