import { expect, it } from 'vitest';
import { inboxId, type JobId, jobId, laneId, messageId, senderId, tenantId, workerId } from '../model/ids.ts';
import type { FailureClass } from '../model/outcome.ts';
import type { Report } from '../model/reply.ts';
import type { RetryOptions } from '../model/retry.ts';
import type { Transport } from '../ports/transport.ts';
import { createManualClock } from '../testing/manual-clock.ts';
import { createMemoryLedger } from '../testing/memory-ledger.ts';
import { createSeededRandom } from '../testing/seeded-random.ts';
import { SCHEDULES } from './retry.ts';
import { createWorker, type Worker } from './worker.ts';

/** The gaps between attempts as a server sees them: worker and ledger together, under a clock that is moved by hand. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Between a job's time and its next attempt: the worker is woken, leases and connects. */
const SLACK_MS = 50;
const FACTS = { peer: 'mx.example:25', tls: 'none', isReused: false, durationMs: 5 };

const FAILS: Readonly<Record<FailureClass, Report>> = {
  network: { kind: 'failed', phase: 'connect', cause: 'timeout', detail: 'no answer', facts: FACTS },
  deferred: { kind: 'refused', phase: 'dot', reply: { code: 450, text: 'try again later' }, refused: [], facts: FACTS },
  greylist: { kind: 'refused', phase: 'rcpt', reply: { code: 451, text: '4.7.1 greylisted' }, refused: [], facts: FACTS },
};

function openBench(report: Report) {
  const clock = createManualClock();
  const ledger = createMemoryLedger({ clock });
  const attempts = new Map<JobId, number[]>();
  const errors: unknown[] = [];
  const transport: Transport = {
    capabilities: { description: 'refuses', captures: false },
    async send({ jobId: id }) {
      attempts.set(id, [...(attempts.get(id) ?? []), clock.now()]);
      return report;
    },
    close: async () => {},
  };
  let workers = 0;
  const startWorker = (retry?: RetryOptions): Worker => {
    workers += 1;
    const worker = createWorker({
      ledger,
      transportFor: () => transport,
      clock,
      random: createSeededRandom(7 + workers),
      log: { debug() {}, info() {}, warn() {}, error: (message, more) => errors.push([message, more]) },
      settings: {
        workerId: workerId(`wrk_${String(workers).padStart(12, '0')}`),
        concurrency: 50,
        leaseMs: 60_000,
        kinds: ['send'],
        retryScale: 1,
        ...(retry !== undefined && { retry }),
      },
    });
    worker.start();
    return worker;
  };
  /** Each from a sender of its own, or the failing peer of one would hold back the others. */
  async function queue(count: number): Promise<void> {
    const jobs = Array.from({ length: count }, (_, n) => {
      const tail = String(n).padStart(24, '0');
      return {
        id: jobId(`job_00${tail}`),
        kind: 'send' as const,
        tenant: tenantId(`acct_${'0'.repeat(26)}`),
        sender: senderId(`s${n}`),
        lane: laneId(inboxId(`ibx_${'0'.repeat(26)}`)),
        messageId: messageId(`eml_00${tail}`),
        envelope: { from: 'agent@x.example', to: ['ann@x.example'], smtpUtf8: false, eightBit: false },
        payload: new TextEncoder().encode('Subject: x\r\n\r\nx\r\n'),
        onDoubt: 'hold' as const,
        priority: 'normal' as const,
        fingerprint: tail,
        guardMs: 0,
      };
    });
    await ledger.enqueue(jobs);
  }
  const gaps = (): readonly (readonly number[])[] =>
    [...attempts.values()].map((times) => times.slice(1).map((time, n) => time - (times[n] ?? Number.NaN)));
  return { clock, ledger, queue, startWorker, gaps, errors };
}

it.each([
  ['network', 10 * MINUTE_MS, 8],
  ['deferred', 11 * HOUR_MS, 7],
  ['greylist', 65 * MINUTE_MS, 3],
] as const)(
  'leaves the gaps of the schedule between attempts that fail as %s, each spread by its jitter',
  async (failure, forMs, count) => {
    const bench = openBench(FAILS[failure]);
    bench.startWorker();
    await bench.queue(20);
    await bench.clock.advance(forMs);
    const { delaysMs, jitter } = SCHEDULES[failure];
    const all = bench.gaps();
    expect(all).toHaveLength(20);
    for (let nth = 0; nth < count; nth += 1) {
      const base = delaysMs[nth] ?? Number.NaN;
      const gaps = all.map((each) => each[nth] ?? Number.NaN);
      for (const gap of gaps) {
        expect(gap).toBeGreaterThanOrEqual(Math.floor(base * jitter[0]));
        expect(gap).toBeLessThanOrEqual(base * jitter[1] + SLACK_MS);
      }
      // Spread over at least half of what the jitter allows: what failed together does not come back together.
      expect(Math.max(...gaps) - Math.min(...gaps)).toBeGreaterThan((base * (jitter[1] - jitter[0])) / 2);
    }
  },
);

it('tries a dead connection three times more within seconds, then as deferred', async () => {
  const bench = openBench({ kind: 'failed', phase: 'mail', cause: 'cut', detail: 'gone', facts: { ...FACTS, isReused: true } });
  bench.startWorker();
  await bench.queue(1);
  await bench.clock.advance(HOUR_MS);
  const [[first = 0, second = 0, third = 0, fourth = 0] = []] = bench.gaps();
  for (const gap of [first, second, third]) expect(gap).toBeLessThanOrEqual(1_000 + SLACK_MS);
  expect(fourth).toBeGreaterThanOrEqual(4 * MINUTE_MS);
});

it('keeps the time of a queued mail when the schedule changes, and uses the new one from its next failure on', async () => {
  const bench = openBench(FAILS.deferred);
  const before = bench.startWorker();
  await bench.queue(1);
  await bench.clock.advance(MINUTE_MS);
  const drained = before.drain(1_000);
  await bench.clock.advance(1_000);
  await drained;
  bench.startWorker({ classes: { deferred: { delaysMs: [3 * HOUR_MS] } } });
  await bench.clock.advance(8 * HOUR_MS);
  const [[first = 0, second = 0] = []] = bench.gaps();
  expect(first).toBeLessThanOrEqual(6 * MINUTE_MS + SLACK_MS); // planned by the worker before
  expect(second).toBeGreaterThanOrEqual(0.8 * 3 * HOUR_MS);
});

it('follows a policy, and gives up when it says so', async () => {
  const bench = openBench(FAILS.network);
  const policy: RetryOptions['policy'] = ({ attempts }) => (attempts < 4 ? { delayMs: attempts * 10_000 } : { giveUp: true });
  bench.startWorker({ classes: {}, policy });
  await bench.queue(1);
  await bench.clock.advance(HOUR_MS);
  expect(bench.gaps()[0]?.map((gap) => Math.round(gap / 10_000))).toEqual([1, 2, 3]);
  expect((await bench.ledger.stats()).byState).toMatchObject({ dead: 1 });
});

it('says once that a policy is at fault, and follows the schedule', async () => {
  const bench = openBench(FAILS.deferred);
  bench.startWorker({
    classes: {},
    policy: () => {
      throw new Error('no such table');
    },
  });
  await bench.queue(5);
  await bench.clock.advance(HOUR_MS);
  expect(bench.errors).toEqual([[expect.stringContaining('retry policy'), { fault: 'it threw: no such table' }]]);
  for (const [first = 0] of bench.gaps()) expect(first).toBeGreaterThanOrEqual(4 * MINUTE_MS);
});
