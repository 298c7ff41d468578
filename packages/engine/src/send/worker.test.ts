import { expect, it } from 'vitest';
import { inboxId, type JobId, jobId, laneId, messageId, senderId, tenantId, workerId } from '../model/ids.ts';
import type { Job } from '../model/job.ts';
import type { Report } from '../model/reply.ts';
import type { CommitRef, Committed, LeaseRequest, Ledger, NewJob } from '../ports/ledger.ts';
import type { Log } from '../ports/log.ts';
import type { Parcel, Transport } from '../ports/transport.ts';
import { createManualClock } from '../testing/manual-clock.ts';
import { createMemoryLedger } from '../testing/memory-ledger.ts';
import { createSeededRandom } from '../testing/seeded-random.ts';
import { createWorker, type WorkerParts, type WorkerSettings } from './worker.ts';

const LEASE_MS = 60_000;
const FACTS = { peer: 'mx.example:25', tls: 'none', isReused: false, durationMs: 5 };
const TENANT = tenantId(`acct_${'0'.repeat(26)}`);
const LANE = laneId(inboxId(`ibx_${'0'.repeat(26)}`));

/** What the peer does with one parcel; the default takes it after 10 ms. */
type Script = (attempt: { parcel: Parcel; commit: () => Promise<boolean>; signal: AbortSignal; nth: number }) => Promise<Report>;

interface BenchOptions {
  readonly settings?: Partial<WorkerSettings>;
  readonly parts?: Partial<WorkerParts>;
  readonly script?: Script;
  readonly change?: (ledger: Ledger) => Ledger;
  /** The transport keeps within as many connections by itself. */
  readonly connectionsMax?: number;
}

function openBench({ settings = {}, parts = {}, script = takes(10), change = (ledger) => ledger, connectionsMax }: BenchOptions = {}) {
  const clock = createManualClock();
  const ledger = createMemoryLedger({ clock });
  const calls: { name: string; max?: number }[] = [];
  const delivered: string[] = [];
  const errors: string[] = [];
  let nth = 0;
  let under = 0;
  let underMost = 0;

  const transport: Transport = {
    capabilities: { description: 'scripted', captures: false, ...(connectionsMax !== undefined && { connectionsMax }) },
    async send(parcel, commit, signal) {
      nth += 1;
      under += 1;
      underMost = Math.max(underMost, under);
      const report = await script({ parcel, commit, signal, nth });
      under -= 1;
      if (report.kind === 'accepted') delivered.push(...report.accepted.map(({ address }) => address));
      return report;
    },
    close: async () => {},
  };
  const counted: Ledger = {
    ...ledger,
    lease: (request) => {
      calls.push({ name: 'lease', max: request.max });
      return ledger.lease(request);
    },
    settle: (settlements, next) => {
      calls.push({ name: 'settle', ...(next !== undefined && { max: next.max }) });
      return ledger.settle(settlements, next);
    },
    commit: (refs) => {
      calls.push({ name: 'commit' });
      return ledger.commit(refs);
    },
  };
  const say = (message: string): number => errors.push(message);
  const log: Log = { debug() {}, info() {}, warn() {}, error: say };
  const worker = createWorker({
    ledger: change(counted),
    transportFor: () => transport,
    clock,
    random: createSeededRandom(1),
    log,
    ...parts,
    settings: {
      workerId: workerId(`wrk_${'0'.repeat(12)}`),
      concurrency: 2,
      leaseMs: LEASE_MS,
      kinds: ['send'],
      retryScale: 1,
      ...settings,
    },
  });

  let made = 0;
  async function queue(count = 1, given: Partial<NewJob> & { to?: readonly string[] } = {}): Promise<readonly JobId[]> {
    const { to, ...rest } = given;
    const jobs = Array.from({ length: count }, (): NewJob => {
      made += 1;
      const tail = String(made).padStart(24, '0');
      return {
        id: jobId(`job_00${tail}`),
        kind: 'send',
        tenant: TENANT,
        sender: senderId('default'),
        lane: LANE,
        messageId: messageId(`eml_00${tail}`),
        envelope: { from: 'agent@x.example', to: to ?? [`r${made}@x.example`], smtpUtf8: false, eightBit: false },
        payload: new TextEncoder().encode('Subject: x\r\n\r\nx\r\n'),
        onDoubt: 'hold',
        priority: 'normal',
        fingerprint: tail,
        guardMs: 0,
        ...rest,
      };
    });
    await ledger.enqueue(jobs);
    return jobs.map(({ id }) => id);
  }
  async function job(id: JobId | undefined): Promise<Job> {
    const [found] = await ledger.get(id === undefined ? [] : [id]);
    if (found === undefined) throw new Error(`no job ${id}`);
    return found;
  }
  return { clock, ledger, worker, queue, job, calls, delivered, errors, underMost: () => underMost, attempts: () => nth };
}

const OK = { code: 250, text: 'ok' };

function taken({ envelope }: Parcel): Report {
  return { kind: 'accepted', reply: OK, accepted: envelope.to.map((address) => ({ address, reply: OK })), refused: [], facts: FACTS };
}

let sleepOn: (ms: number) => Promise<void>;

function takes(ms: number): Script {
  return async ({ parcel, commit }) => {
    await sleepOn(ms);
    return (await commit()) ? taken(parcel) : { kind: 'withheld', facts: FACTS };
  };
}

/** Holds every attempt before its commit until it is let go, or aborted. */
function gate(phase: 'before' | 'after' = 'before') {
  const open: (() => void)[] = [];
  const script: Script = async ({ parcel, commit, signal }) => {
    if (phase === 'after' && !(await commit())) return { kind: 'withheld', facts: FACTS };
    const aborted = await new Promise<boolean>((resolve) => {
      open.push(() => resolve(false));
      if (phase === 'before') signal.addEventListener('abort', () => resolve(true));
    });
    if (aborted) return { kind: 'aborted', phase: 'rcpt', facts: FACTS };
    if (phase === 'before' && !(await commit())) return { kind: 'withheld', facts: FACTS };
    return taken(parcel);
  };
  const openAll = (): void => {
    for (const go of open.splice(0)) go();
  };
  return { script, openAll, waiting: () => open.length };
}

function started(options: BenchOptions = {}) {
  const bench = openBench(options);
  sleepOn = (ms) => bench.clock.sleep(ms);
  bench.worker.start();
  return bench;
}

it('sends what is queued, each mail once, as many at a time as it was told', async () => {
  const bench = started({ settings: { concurrency: 3 } });
  const ids = await bench.queue(20);
  await bench.clock.advance(2_000);
  expect(bench.delivered.toSorted()).toEqual(ids.map((_, n) => `r${n + 1}@x.example`).toSorted());
  expect(bench.underMost()).toBe(3);
  expect((await bench.ledger.stats()).byState).toMatchObject({ sent: 20, ready: 0, leased: 0, sending: 0 });
});

it('begins as many mails again while replies are awaited, where the transport keeps within its connections by itself', async () => {
  const { script, openAll, waiting } = gate('after');
  const bench = started({ settings: { concurrency: 3 }, script, connectionsMax: 3 });
  await bench.queue(20);
  await bench.clock.advance(2_000);
  expect(waiting()).toBe(6);
  for (let round = 0; round < 4; round += 1) {
    openAll();
    await bench.clock.advance(2_000);
  }
  expect(bench.underMost()).toBe(6);
  expect((await bench.ledger.stats()).byState).toMatchObject({ sent: 20, ready: 0, leased: 0, sending: 0 });
});

it('gives a place away once, whether or not the mail before it got its grant', async () => {
  const script: Script = async ({ parcel, commit, nth }) => {
    if (nth % 3 === 0) return { kind: 'failed', phase: 'rcpt', cause: 'cut', detail: 'cut', facts: FACTS };
    return (await commit()) ? taken(parcel) : { kind: 'withheld', facts: FACTS };
  };
  const bench = started({ settings: { concurrency: 2 }, script, connectionsMax: 2 });
  await bench.queue(30);
  await bench.clock.advance(60 * 60_000);
  expect(bench.underMost()).toBeLessThanOrEqual(4);
  expect((await bench.ledger.stats()).byState).toMatchObject({ sent: 30, ready: 0, leased: 0, sending: 0, scheduled: 0 });
});

it('leases no more behind mails whose last reply is awaited than it can begin, so that another worker can', async () => {
  const { script, waiting } = gate('after');
  const bench = started({ settings: { concurrency: 3 }, script, connectionsMax: 100 });
  await bench.queue(20);
  await bench.clock.advance(60_000);
  expect(waiting()).toBe(6);
  expect((await bench.ledger.stats()).byState).toMatchObject({ sending: 6, leased: 0, ready: 14 });
});

it('leases one round and no more while the ends of its mails cannot be recorded', async () => {
  const bench = started({
    settings: { concurrency: 3 },
    connectionsMax: 100,
    change: (ledger) => ({ ...ledger, settle: () => Promise.reject(new Error('unreachable')) }),
  });
  await bench.queue(8);
  await bench.clock.advance(60_000);
  expect(bench.worker.stats()).toMatchObject({ sending: 0, unrecorded: 8 });
  await bench.queue(30);
  await bench.clock.advance(10_000);
  expect(bench.worker.stats()).toMatchObject({ sending: 0, shelved: 3, unrecorded: 8 });
});

it('is woken by new work instead of polling for it', async () => {
  const bench = started();
  await bench.clock.advance(60_000);
  expect(bench.calls.length).toBeLessThan(30);
  const [id] = await bench.queue();
  await bench.clock.advance(20);
  expect((await bench.job(id)).state).toBe('sent');
});

it('needs about one commit for each mail and one settle for several', async () => {
  let round: Promise<void> | undefined;
  const script: Script = async ({ parcel, commit }) => {
    round ??= sleepOn(10).then(() => {
      round = undefined; // all that wait end in the same instant, as when replies come in one read
    });
    await round;
    return (await commit()) ? taken(parcel) : { kind: 'withheld', facts: FACTS };
  };
  const bench = started({ settings: { concurrency: 10 }, script });
  await bench.queue(400);
  await bench.clock.advance(2_000);
  expect(bench.delivered).toHaveLength(400);
  const count = (name: string): number => bench.calls.filter((call) => call.name === name).length;
  expect(count('commit')).toBe(400);
  expect(count('settle') + count('lease')).toBeLessThan(400 / 3);
});

it('takes at first only what it can begin at once, and later no more than a quarter of a lease of work', async () => {
  const slow = started({ settings: { concurrency: 4 }, script: takes(30_000) });
  await slow.queue(50);
  await slow.clock.advance(1);
  expect((await slow.ledger.stats()).byState.leased).toBe(4);
  await slow.clock.advance(5 * 60_000);
  // 4 mails every 30 s: in no quarter of a lease more than 4 end, beside the 4 that are under way.
  const { leased, sending } = (await slow.ledger.stats()).byState;
  expect(leased + sending).toBeLessThanOrEqual(4 + 4);

  const fast = started({ settings: { concurrency: 4 }, script: takes(10) });
  await fast.queue(400);
  await fast.clock.advance(500);
  expect(fast.worker.stats().shelved).toBeLessThanOrEqual(8);
  expect(Math.max(...fast.calls.map(({ max = 0 }) => max))).toBeLessThanOrEqual(12);
});

it('keeps a lease alive as long as its send takes', async () => {
  const bench = started({ script: takes(10 * LEASE_MS) });
  const [id] = await bench.queue();
  await bench.clock.advance(10 * LEASE_MS + 1_000);
  expect(await bench.job(id)).toMatchObject({ state: 'sent', token: 1, crashes: 0 });
});

it('ends a send whose lease was lost, and leaves the job to whoever has it', async () => {
  const gated = gate();
  const bench = started({ script: gated.script });
  const [id] = await bench.queue();
  await bench.clock.advance(10);
  expect(gated.waiting()).toBe(1);
  await bench.ledger.cancel(id === undefined ? [] : [id]);
  await bench.clock.advance(LEASE_MS / 3);
  expect(bench.worker.stats()).toMatchObject({ sending: 0, unrecorded: 0 });
  expect((await bench.job(id)).state).toBe('canceled');
  expect(bench.delivered).toEqual([]);
});

it('drops from its shelf what was canceled there', async () => {
  const bench = started({ settings: { concurrency: 1 }, script: takes(400) });
  const ids = await bench.queue(60);
  await bench.clock.advance(12_000);
  expect(bench.worker.stats().shelved).toBeGreaterThan(0);
  await bench.ledger.cancel(ids);
  await bench.clock.advance(60_000);
  const { canceled, sent } = (await bench.ledger.stats()).byState;
  expect(canceled + sent).toBe(60);
  expect(bench.delivered).toHaveLength(sent);
  expect(bench.worker.stats()).toMatchObject({ sending: 0, shelved: 0, unrecorded: 0 });
});

it('does not begin a mail whose lease has no time left', async () => {
  const gated = gate();
  const fast = takes(400);
  const refusals: string[] = [];
  let isDown = false;
  const bench = started({
    settings: {
      concurrency: 1,
      observe: (seen) => {
        if (seen.point === 'committed' && seen.answer.kind === 'refused') refusals.push(seen.lease.jobId);
      },
    },
    script: (attempt) => (attempt.nth === 30 ? gated.script(attempt) : fast(attempt)),
    change: (ledger) => ({ ...ledger, extend: (...given) => (isDown ? Promise.reject(new Error('down')) : ledger.extend(...given)) }),
  });
  const ids = await bench.queue(60);
  await bench.clock.advance(20_000); // the 30th is held up, and there is a pace to fill the shelf by
  expect(bench.worker.stats()).toMatchObject({ sending: 1, shelved: 2 });
  isDown = true;
  await bench.clock.advance(2 * LEASE_MS);
  gated.openAll();
  isDown = false;
  await bench.clock.advance(60_000);
  expect(refusals).toEqual([ids[29]]); // too late for the one under way; those on the shelf were not even begun
  expect((await bench.ledger.stats()).byState.sent).toBe(60);
  expect(bench.delivered).toHaveLength(60);
});

it('asks for a commit again with the same nonce when the answer was lost, and then writes the dot once', async () => {
  const nonces: string[] = [];
  let lost = 0;
  const losing = (ledger: Ledger): Ledger => ({
    ...ledger,
    async commit(refs: readonly CommitRef[]): Promise<Committed[]> {
      nonces.push(...refs.map(({ nonce }) => nonce));
      const answer = await ledger.commit(refs);
      lost += 1;
      if (lost === 1) throw new Error('connection reset');
      return answer;
    },
  });
  const bench = started({ change: losing });
  const [id] = await bench.queue();
  await bench.clock.advance(2_000);
  expect(nonces).toHaveLength(2);
  expect(new Set(nonces).size).toBe(1);
  expect(bench.delivered).toHaveLength(1);
  expect(await bench.job(id)).toMatchObject({ state: 'sent', token: 1 });
});

it('withholds the dot when the ledger does not answer the commit, and tries again uncounted', async () => {
  let isDown = true;
  const bench = started({
    change: (ledger) => ({ ...ledger, commit: (refs) => (isDown ? Promise.reject(new Error('down')) : ledger.commit(refs)) }),
  });
  const [id] = await bench.queue();
  await bench.clock.advance(3_000);
  expect(bench.delivered).toEqual([]);
  isDown = false;
  await bench.clock.advance(10_000);
  expect(bench.delivered).toHaveLength(1);
  expect(await bench.job(id)).toMatchObject({ state: 'sent', attempts: 1, crashes: 0 });
});

it('records an end after any number of failures of the ledger, and sends nothing twice meanwhile', async () => {
  let failures = 0;
  const bench = started({
    settings: { concurrency: 2 },
    change: (ledger) => ({
      ...ledger,
      async settle(settlements, next) {
        failures += 1;
        if (failures % 2 === 1) await ledger.settle(settlements, undefined); // applied, and the answer lost
        if (failures <= 12) throw new Error('connection reset');
        return ledger.settle(settlements, next);
      },
    }),
  });
  const ids = await bench.queue(6);
  await bench.clock.advance(5 * 60_000);
  expect(bench.delivered).toHaveLength(6);
  for (const id of ids) expect((await bench.job(id)).state).toBe('sent');
  expect(bench.worker.stats().unrecorded).toBe(0);
});

it('begins nothing new while ends can not be recorded', async () => {
  const bench = started({
    settings: { concurrency: 2 },
    change: (ledger) => ({ ...ledger, settle: () => Promise.reject(new Error('down')) }),
  });
  await bench.queue(100);
  await bench.clock.advance(60_000);
  expect(bench.worker.stats().unrecorded).toBeLessThanOrEqual(4);
  expect(bench.delivered.length).toBeLessThanOrEqual(4);
});

it('lets one settle that the ledger can not take hold up no other', async () => {
  const bench = started({
    settings: { concurrency: 4 },
    change: (ledger) => ({
      ...ledger,
      settle: (settlements, next) =>
        settlements.some((one) => one.jobId.endsWith('1')) ? Promise.reject(new Error('can not')) : ledger.settle(settlements, next),
    }),
  });
  const ids = await bench.queue(4);
  await bench.clock.advance(60_000);
  expect(await Promise.all(ids.map(async (id) => (await bench.job(id)).state))).toEqual(['sending', 'sent', 'sent', 'sent']);
});

it('goes on after a lease call failed', async () => {
  let calls = 0;
  const bench = started({
    change: (ledger) => ({
      ...ledger,
      lease: (request: LeaseRequest) => {
        calls += 1;
        return calls <= 5 ? Promise.reject(new Error('down')) : ledger.lease(request);
      },
    }),
  });
  await bench.queue(3);
  await bench.clock.advance(60_000);
  expect(bench.delivered).toHaveLength(3);
});

it('gives the first recipient no second copy when the second is deferred', async () => {
  const reply = { code: 451, text: 'later' };
  const script: Script = async ({ parcel, commit }) => {
    const refused = parcel.envelope.to.length > 1 ? parcel.envelope.to.slice(1).map((address) => ({ address, reply })) : [];
    await commit();
    const report = taken(parcel);
    return report.kind === 'accepted'
      ? { ...report, accepted: report.accepted.slice(0, parcel.envelope.to.length - refused.length), refused }
      : report;
  };
  const bench = started({ script });
  const [id] = await bench.queue(1, { to: ['a@x.example', 'b@x.example'] });
  await bench.clock.advance(10);
  expect(await bench.job(id)).toMatchObject({ state: 'sent', envelope: { to: ['a@x.example'] } });
  await bench.clock.advance(10 * 60_000);
  expect(bench.delivered).toEqual(['a@x.example', 'b@x.example']);
  expect((await bench.ledger.stats()).byState.sent).toBe(2);
});

it('holds a doubt for good, and sends it once more only where that was asked for', async () => {
  const script: Script = async ({ commit }) => {
    await commit();
    return { kind: 'unknown', cause: 'cut', detail: '', facts: FACTS };
  };
  const bench = started({ script });
  const [held] = await bench.queue(1);
  await bench.clock.advance(3 * 3_600_000); // far past every lease
  expect(bench.attempts()).toBe(1);
  expect((await bench.job(held)).state).toBe('in_doubt');
  const [resent] = await bench.queue(1, { onDoubt: 'resend' });
  await bench.clock.advance(LEASE_MS - 1);
  expect(bench.attempts()).toBe(2);
  await bench.clock.advance(3 * 3_600_000);
  expect(bench.attempts()).toBe(3);
  expect(await bench.job(resent)).toMatchObject({ state: 'in_doubt', resends: 1 });
});

it('counts no attempt for bad credentials, tries them no more, and says so loudly', async () => {
  const script: Script = async () => ({ kind: 'refused', phase: 'auth', reply: { code: 535, text: 'no' }, refused: [], facts: FACTS });
  const bench = started({ script });
  const [id] = await bench.queue(10);
  await bench.clock.advance(1_000);
  expect(bench.errors).toEqual(['mail is held back']);
  await bench.clock.advance(2 * 3_600_000);
  expect(await bench.job(id)).toMatchObject({ state: 'ready', attempts: 0, failures: {} });
  expect(bench.attempts()).toBeLessThanOrEqual(2); // those under way at once; no other mail tries the same secret
});

it('holds back mail of a sender that has no transport', async () => {
  const bench = started({ parts: { transportFor: () => Promise.reject(new Error('no sender default')) } });
  const [id] = await bench.queue();
  await bench.clock.advance(1_000);
  expect(await bench.job(id)).toMatchObject({ state: 'ready', attempts: 0 });
  expect(bench.errors).toEqual(['mail is held back']);
});

it('takes a transport that breaks after the commit for a doubt, and before it for a failure', async () => {
  const script: Script = async ({ commit, nth }) => {
    if (nth === 1) await commit();
    throw new Error('bug');
  };
  const bench = started({ settings: { concurrency: 1 }, script });
  const [first, second] = await bench.queue(2);
  await bench.clock.advance(1);
  expect((await bench.job(first)).state).toBe('in_doubt');
  expect(await bench.job(second)).toMatchObject({ attempts: 1, failures: { network: 1 } });
});

it('never lets a transport commit twice in one attempt', async () => {
  const answers: boolean[] = [];
  const script: Script = async ({ parcel, commit }) => {
    answers.push(await commit(), await commit());
    return taken(parcel);
  };
  const bench = started({ script });
  await bench.queue();
  await bench.clock.advance(10);
  expect(answers).toEqual([true, false]);
  expect(bench.calls.filter(({ name }) => name === 'commit')).toHaveLength(1);
});

it('gives back unbegun work uncounted when it stops, and takes nothing new', async () => {
  const gated = gate();
  const bench = started({ settings: { concurrency: 1 }, script: gated.script });
  const ids = await bench.queue(5);
  await bench.clock.advance(10);
  const drained = bench.worker.drain(10_000);
  await bench.clock.advance(10);
  gated.openAll();
  await bench.clock.advance(10);
  expect(await drained).toMatchObject({ finished: 1, left: 0 });
  expect(bench.delivered).toHaveLength(1);
  await bench.clock.advance(LEASE_MS * 2);
  for (const id of ids.slice(1)) expect(await bench.job(id)).toMatchObject({ state: 'ready', attempts: 0, crashes: 0 });
  expect(bench.clock.pending).toBe(0); // a stopped worker leaves no timer behind
});

it('gives back what a call brings that was under way when it began to stop', async () => {
  for (const call of ['lease', 'settle'] as const) {
    let answer: (() => void) | undefined;
    const slow =
      <Given extends unknown[], Answer>(apply: (...given: Given) => Promise<Answer>) =>
      async (...given: Given): Promise<Answer> => {
        const applied = await apply(...given); // the ledger did it, and its answer is on its way
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        return applied;
      };
    const bench = openBench({
      settings: { concurrency: 1 },
      script: async ({ parcel, commit }) => ((await commit()) ? taken(parcel) : { kind: 'withheld', facts: FACTS }),
      change: (ledger) =>
        call === 'lease'
          ? { ...ledger, lease: slow(ledger.lease) }
          : {
              ...ledger,
              settle: (settlements, next) => (next === undefined ? ledger.settle(settlements) : slow(ledger.settle)(settlements, next)),
            },
    });
    const ids = await bench.queue(2);
    bench.worker.start();
    await bench.clock.advance(10);
    const drained = bench.worker.drain(10_000);
    await bench.clock.advance(10);
    answer?.();
    await bench.clock.advance(10);
    expect(await drained).toMatchObject({ released: 1, left: 0 });
    expect(await bench.job(ids[call === 'lease' ? 0 : 1])).toMatchObject({ state: 'ready', crashes: 0 });
    expect((await bench.ledger.stats()).byState).toMatchObject({ leased: 0, sending: 0 });
  }
});

it('releases its shelf when it stops', async () => {
  const bench = started({ settings: { concurrency: 1 }, script: takes(400) });
  await bench.queue(60);
  await bench.clock.advance(12_000);
  const { shelved } = bench.worker.stats();
  expect(shelved).toBeGreaterThan(0);
  const drained = bench.worker.drain(10_000);
  await bench.clock.advance(1_000);
  expect(await drained).toEqual({ released: shelved, finished: 1, left: 0 });
  expect((await bench.ledger.stats()).byState).toMatchObject({ leased: 0, sending: 0 });
});

it('cuts short sends without a commit when it stops, and waits for those with one', async () => {
  const before = gate('before');
  const first = started({ script: before.script });
  const [early] = await first.queue();
  await first.clock.advance(10);
  const firstDrained = first.worker.drain(8_000);
  await first.clock.advance(2_000);
  expect(await firstDrained).toEqual({ released: 0, finished: 0, left: 0 });
  expect(await first.job(early)).toMatchObject({ state: 'ready', attempts: 0 });

  const after = gate('after');
  const second = started({ script: after.script });
  const [late] = await second.queue();
  await second.clock.advance(10);
  const secondDrained = second.worker.drain(120_000);
  await second.clock.advance(100_000); // longer than a lease: heartbeats go on while it drains
  await second.ledger.sweep({ max: 10, apartDelaysMs: [0], resendMs: 1, retentionMs: 1e9 });
  expect((await second.job(late)).state).toBe('sending');
  after.openAll();
  await second.clock.advance(10);
  expect(await secondDrained).toEqual({ released: 0, finished: 1, left: 0 });
  expect((await second.job(late)).state).toBe('sent');
});

it('leaves a send past its commit to become a doubt when the time to stop is up', async () => {
  const after = gate('after');
  const bench = started({ script: after.script });
  const [id] = await bench.queue();
  await bench.clock.advance(10);
  const drained = bench.worker.drain(1_000);
  await bench.clock.advance(1_000);
  expect(await drained).toEqual({ released: 0, finished: 0, left: 1 });
  await bench.clock.advance(LEASE_MS);
  await bench.ledger.sweep({ max: 10, apartDelaysMs: [0], resendMs: 1, retentionMs: 1e9 });
  expect((await bench.job(id)).state).toBe('in_doubt');
});

it('runs a job that crashed its workers apart, one at a time', async () => {
  let ran = 0;
  let under = 0;
  let together = 0;
  const bench = openBench({
    parts: {
      apart: {
        async runOne() {
          ran += 1;
          under += 1;
          together = Math.max(together, under);
          const lone = createWorker({
            ledger: bench.ledger,
            transportFor: () => ({
              capabilities: { description: 'lone', captures: false },
              close: async () => {},
              send: (parcel, commit, signal) => takes(12_000)({ parcel, commit, signal, nth: 0 }),
            }),
            clock: bench.clock,
            random: createSeededRandom(2),
            log: { debug() {}, info() {}, warn() {}, error() {} },
            settings: { workerId: workerId(`wrk_${'1'.repeat(12)}`), concurrency: 1, leaseMs: LEASE_MS, kinds: ['send'], retryScale: 1 },
          });
          await lone.runApart();
          under -= 1;
        },
      },
    },
  });
  sleepOn = (ms) => bench.clock.sleep(ms);
  const ids = await bench.queue(3);
  const options = { max: 10, apartDelaysMs: [0], resendMs: 1, retentionMs: 1e9 };
  for (let crash = 0; crash < 2; crash += 1) {
    await bench.ledger.lease({ worker: workerId(`wrk_${'2'.repeat(12)}`), kinds: ['send'], max: 10, leaseMs: 1, apart: false });
    await bench.clock.advance(2);
    await bench.ledger.sweep(options);
  }
  bench.worker.start();
  await bench.clock.advance(60_000);
  for (const id of ids) expect(await bench.job(id)).toMatchObject({ state: 'sent', crashes: 2, runsApart: true });
  expect(ran).toBe(3);
  expect(together).toBe(1);
  expect(bench.attempts()).toBe(0); // none of them in the worker itself
});

it('keeps the lease of a lone send while it drains, and ends with it', async () => {
  const after = gate('after');
  const bench = openBench({ settings: { concurrency: 1 }, script: after.script });
  const [id] = await bench.queue();
  const options = { max: 10, apartDelaysMs: [0], resendMs: 1, retentionMs: 1e9 };
  for (let crash = 0; crash < 2; crash += 1) {
    await bench.ledger.lease({ worker: workerId(`wrk_${'2'.repeat(12)}`), kinds: ['send'], max: 10, leaseMs: 1, apart: false });
    await bench.clock.advance(2);
    await bench.ledger.sweep(options);
  }
  const ended = bench.worker.runApart();
  await bench.clock.advance(10);
  const drained = bench.worker.drain(LEASE_MS * 3);
  await bench.clock.advance(LEASE_MS * 2);
  await bench.ledger.sweep(options);
  expect((await bench.job(id)).state).toBe('sending');
  after.openAll();
  await bench.clock.advance(10);
  await ended;
  expect(await drained).toEqual({ released: 0, finished: 1, left: 0 });
  expect((await bench.job(id)).state).toBe('sent');
});

it('waits for what runs apart when it stops', async () => {
  let end = (): void => {};
  let isAsked = false;
  const runOne = (signal: AbortSignal): Promise<void> => {
    signal.addEventListener('abort', () => {
      isAsked = true;
    });
    return new Promise((resolve) => {
      end = resolve;
    });
  };
  const bench = openBench({ parts: { apart: { runOne } } });
  await bench.queue();
  for (let crash = 0; crash < 2; crash += 1) {
    await bench.ledger.lease({ worker: workerId(`wrk_${'2'.repeat(12)}`), kinds: ['send'], max: 10, leaseMs: 1, apart: false });
    await bench.clock.advance(2);
    await bench.ledger.sweep({ max: 10, apartDelaysMs: [0], resendMs: 1, retentionMs: 1e9 });
  }
  bench.worker.start();
  await bench.clock.advance(10);
  let isDrained = false;
  const drained = bench.worker.drain(10_000).then((result) => {
    isDrained = true;
    return result;
  });
  await bench.clock.advance(1_000);
  expect({ isAsked, isDrained }).toEqual({ isAsked: true, isDrained: false });
  end();
  await bench.clock.advance(10);
  expect(await drained).toEqual({ released: 0, finished: 0, left: 0 });
});

it('sweeps what a dead worker left behind', async () => {
  const bench = openBench();
  sleepOn = (ms) => bench.clock.sleep(ms);
  const [id] = await bench.queue();
  await bench.ledger.lease({ worker: workerId(`wrk_${'2'.repeat(12)}`), kinds: ['send'], max: 1, leaseMs: LEASE_MS, apart: false });
  bench.worker.start();
  await bench.clock.advance(2 * LEASE_MS);
  expect(await bench.job(id)).toMatchObject({ state: 'sent', crashes: 1 });
});

it('leases nothing while it may not, ends what is under way, and goes on within seconds once it may', async () => {
  let mayLease = true;
  const bench = started({ parts: { mayLease: () => mayLease }, script: takes(2_000) });
  await bench.queue(6);
  await bench.clock.advance(100);
  mayLease = false;
  await bench.clock.advance(60_000);
  expect((await bench.ledger.stats()).byState).toMatchObject({ sent: 2, ready: 4, leased: 0, sending: 0 });
  mayLease = true;
  await bench.clock.advance(7_000);
  expect((await bench.ledger.stats()).byState.sent).toBe(6);
});

it('tells its observer each point of a mail’s way, in order', async () => {
  const points: string[] = [];
  const bench = started({ settings: { observe: ({ point }) => points.push(point) } });
  await bench.queue();
  await bench.clock.advance(100);
  expect(points).toEqual(['leased', 'before-commit', 'committed', 'delivered', 'settled']);
});

it.each([{ concurrency: 0 }, { concurrency: 1.5 }, { leaseMs: 0 }, { leaseMs: Number.NaN }, { retryScale: 0 }])(
  'refuses %j',
  (settings) => {
    expect(() => openBench({ settings })).toThrow(RangeError);
  },
);
