import { describe, expect } from 'vitest';
import type { Lease } from '../../ports/ledger.ts';
import { expectAbout, type Given, HOUR, leaseRequest, MINUTE, newJob, SECOND } from './desk.ts';

/** Whose turn it is: no sender, lane or kind holds up another. */
export function turns(given: Given): void {
  describe('case 8: turns of senders and lanes', () => {
    given('deals the turns of a batch evenly among senders', async (desk) => {
      await desk.ledger.enqueue([
        ...Array.from({ length: 10 }, () => newJob({ sender: 'busy' })),
        ...Array.from({ length: 10 }, () => newJob({ sender: 'calm' })),
        ...Array.from({ length: 2 }, () => newJob({ sender: 'rare' })),
      ]);
      expect(countBySender(await desk.take({ max: 6 }))).toEqual({ busy: 2, calm: 2, rare: 2 });
      expect(countBySender(await desk.take({ max: 6 }))).toEqual({ busy: 3, calm: 3 });
    });

    given('deals the turns of single leases evenly among senders', async (desk) => {
      await desk.ledger.enqueue(['one', 'two', 'three'].flatMap((sender) => [1, 2, 3].map(() => newJob({ sender }))));
      for (let round = 0; round < 3; round++) {
        const leases = [];
        for (let turn = 0; turn < 3; turn++) {
          leases.push(await desk.takeOne());
          await desk.advance(SECOND);
        }
        expect(countBySender(leases)).toEqual({ one: 1, two: 1, three: 1 });
      }
    });

    given('does not let a deep backlog hold up another sender’s one mail', async (desk) => {
      await desk.ledger.enqueue(Array.from({ length: 500 }, () => newJob({ sender: 'deep' })));
      await desk.take({ max: 50 });
      await desk.advance(SECOND);
      const { id } = await desk.put({ sender: 'other' });
      expect((await desk.take({ max: 2 })).map((lease) => lease.jobId)).toContain(id);
    });

    given('lets the lanes of a sender take turns', async (desk) => {
      await desk.ledger.enqueue([
        ...Array.from({ length: 8 }, () => newJob({ lane: 'newsletter' })),
        ...Array.from({ length: 2 }, () => newJob({ lane: 'support' })),
      ]);
      const lanes = await Promise.all((await desk.take({ max: 4 })).map(async (lease) => (await desk.job(lease.jobId)).lane));
      expect(lanes.filter((lane) => lane === 'support')).toHaveLength(2);
    });

    given('gives a sender with many lanes no more turns than a sender with one', async (desk) => {
      await desk.ledger.enqueue([
        ...Array.from({ length: 8 }, (_, n) => newJob({ sender: 'many', lane: `lane-${n}` })),
        ...Array.from({ length: 8 }, () => newJob({ sender: 'single', lane: 'only' })),
      ]);
      expect(countBySender(await desk.take({ max: 8 }))).toEqual({ many: 4, single: 4 });
    });

    given('lets a sender whose mail expired take no turn from one that waits', async (desk) => {
      for (const [ready, expired, other] of [
        ['a', 'b', 'c'],
        ['f', 'd', 'e'],
      ]) {
        await desk.ledger.enqueue([newJob({ sender: ready ?? '' }), newJob({ sender: ready ?? '' }), newJob({ sender: other ?? '' })]);
        await desk.put({ sender: expired ?? '', expiresAt: (await desk.now()) + MINUTE });
        await desk.advance(HOUR);
        expect(countBySender(await desk.take({ max: 2 }))).toEqual({ [ready ?? '']: 1, [other ?? '']: 1 });
        expect(await desk.take({ max: 2 })).toHaveLength(1);
      }
    });

    given('takes the oldest of a lane first', async (desk) => {
      const ids = [];
      for (let n = 0; n < 6; n++) ids.push((await desk.put()).id);
      const leased = [];
      for (let n = 0; n < 6; n++) leased.push((await desk.takeOne()).jobId);
      expect(leased).toEqual(ids);
    });

    given('counts the age of a scheduled job from its due time, also when nobody looked in time', async (desk) => {
      const now = await desk.now();
      const late = await desk.put({ dueAt: now + 20 * MINUTE });
      const early = await desk.put({ dueAt: now + 5 * MINUTE });
      await desk.advance(10 * MINUTE);
      const middle = await desk.put();
      await desk.advance(20 * MINUTE);
      expect((await desk.take()).map((lease) => lease.jobId)).toEqual([early.id, middle.id, late.id]);
    });

    given('lets a job keep its place that was handed back, or whose worker died', async (desk) => {
      const first = await desk.put();
      const second = await desk.put();
      const lease = await desk.takeOne();
      await desk.takeOne();
      await desk.advance(SECOND);
      const third = await desk.put();
      await desk.settle(lease, { kind: 'release', why: 'throttled', delayMs: 0 });
      await desk.advance(2 * MINUTE);
      await desk.sweep();
      expect((await desk.take()).map(({ jobId }) => jobId)).toEqual([first.id, second.id, third.id]);
    });

    given('does not put greylisted mail behind the whole backlog', async (desk) => {
      const { id } = await desk.put();
      await desk.settle(await desk.takeOne(), { kind: 'retry', failure: 'greylist', delayMs: MINUTE });
      await desk.ledger.enqueue(Array.from({ length: 50 }, () => newJob()));
      await desk.advance(2 * MINUTE);
      expect((await desk.take({ max: 4 })).map(({ jobId }) => jobId)).toContain(id);
    });

    given('never leases more than was asked for', async (desk) => {
      await desk.ledger.enqueue(Array.from({ length: 20 }, (_, n) => newJob({ sender: `sender-${n % 3}` })));
      expect(await desk.take({ max: 7 })).toHaveLength(7);
      expect(await desk.take({ max: 1 })).toHaveLength(1);
      expect(await desk.take({ max: 100 })).toHaveLength(12);
    });

    given('leases only the kinds that a worker can serve', async (desk) => {
      const mail = await desk.put({ kind: 'send' });
      const event = await desk.put({ kind: 'notify' });
      expect((await desk.take({ kinds: ['receive'] })).map((lease) => lease.jobId)).toEqual([]);
      expect((await desk.take({ kinds: ['notify'] })).map((lease) => lease.jobId)).toEqual([event.id]);
      expect((await desk.take({ kinds: ['receive', 'send'] })).map((lease) => lease.jobId)).toEqual([mail.id]);
    });

    given('leases a job whose time has come without waiting for a sweep, and none before', async (desk) => {
      const { id } = await desk.put({ dueAt: (await desk.now()) + 10 * MINUTE });
      await desk.advance(9 * MINUTE);
      expect(await desk.take()).toEqual([]);
      await desk.advance(2 * MINUTE);
      expect((await desk.take()).map((lease) => lease.jobId)).toEqual([id]);
    });

    given('says when to ask again: at the next due time, and never when nothing is scheduled', async (desk) => {
      expect(await desk.ledger.lease(leaseRequest())).toEqual({ leases: [], apartReady: 0 });
      const now = await desk.now();
      await desk.put({ dueAt: now + HOUR });
      await desk.put({ dueAt: now + 10 * MINUTE });
      await desk.put();
      expectAbout((await desk.ledger.lease(leaseRequest())).askAgainMs, 10 * MINUTE);
      await desk.advance(15 * MINUTE);
      const batch = await desk.ledger.lease(leaseRequest());
      expect(batch.leases).toHaveLength(1);
      expectAbout(batch.askAgainMs, 45 * MINUTE);
    });

    given('makes a throttled job wait without an attempt used up, and leaves other senders alone', async (desk) => {
      const throttled = await desk.put({ sender: 'slow' });
      await desk.settle(await desk.takeOne(), { kind: 'release', why: 'throttled', delayMs: 10 * MINUTE });
      const other = await desk.put({ sender: 'quick' });
      expect((await desk.take()).map((lease) => lease.jobId)).toEqual([other.id]);
      const waiting = await desk.job(throttled.id);
      expect(waiting).toMatchObject({ state: 'scheduled', attempts: 0, failures: {} });
      expect(waiting).not.toHaveProperty('firstFailedAt');
      expectAbout(waiting.dueAt, (await desk.now()) + 10 * MINUTE);
      await desk.advance(11 * MINUTE);
      expect((await desk.take()).map((lease) => lease.jobId)).toEqual([throttled.id]);
    });
  });
}

function countBySender(leases: readonly Lease[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { sender } of leases) counts[sender] = (counts[sender] ?? 0) + 1;
  return counts;
}
