import { describe, expect } from 'vitest';
import type { Enqueued } from '../../ports/ledger.ts';
import {
  ALICE,
  BOB,
  DAY,
  type Desk,
  type Given,
  LEASE,
  leaseRequest,
  MINUTE,
  newJob,
  nextMessageId,
  REFUSED,
  RETENTION,
  SENT,
  WORKER,
} from './desk.ts';

/** Many at once, and the same submission again: one job, one lease, one mail. */
export function concurrency(given: Given): void {
  describe('case 5: concurrency and keys', () => {
    given('makes one job of 50 submissions with one key', async (desk) => {
      const jobs = Array.from({ length: 50 }, () => newJob({ key: 'order-7', fingerprint: 'same' }));
      const answers = await Promise.all(jobs.map((job) => desk.ledger.enqueue([job])));
      expectOneJob(answers.flat());
      expect(await desk.take()).toHaveLength(1);
    });

    given('makes one job of submissions with one key from two connections', async (desk) => {
      const second = await desk.second();
      const jobs = Array.from({ length: 50 }, () => newJob({ key: 'order-7', fingerprint: 'same' }));
      const answers = await Promise.all(jobs.map((job, n) => (n % 2 === 0 ? desk.ledger : second).enqueue([job])));
      expectOneJob(answers.flat());
    });

    given('makes one job of submissions with one key in one call', async (desk) => {
      expectOneJob(await desk.ledger.enqueue([1, 2, 3].map(() => newJob({ key: 'order-7', fingerprint: 'same' }))));
    });

    given('leases one job to one of 50 workers', async (desk) => {
      await desk.put();
      const batches = await Promise.all(Array.from({ length: 50 }, () => desk.take({ max: 1 })));
      expect(batches.flat()).toHaveLength(1);
    });

    given('leases every job to one worker only, over two connections', async (desk) => {
      const second = await desk.second();
      await desk.ledger.enqueue(Array.from({ length: 200 }, (_, n) => newJob({ lane: `lane-${n % 7}` })));
      const ledgers = Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? desk.ledger : second));
      const batches = await Promise.all(ledgers.map((ledger) => ledger.lease(leaseRequest({ max: 10 }))));
      const leased = batches.flatMap((batch) => batch.leases.map((lease) => lease.jobId));
      expect(leased).toHaveLength(200);
      expect(new Set(leased).size).toBe(200);
    });

    given('grants one of two commits from two connections', async (desk) => {
      const second = await desk.second();
      await desk.put();
      const { jobId, token } = await desk.takeOne();
      const answers = await Promise.all([
        desk.ledger.commit([{ jobId, token, nonce: 'here' }]),
        second.commit([{ jobId, token, nonce: 'there' }]),
      ]);
      expect(answers.flat().filter((answer) => answer.kind === 'granted')).toHaveLength(1);
    });

    given('answers one settle of two from two connections as the repeat', async (desk) => {
      const second = await desk.second();
      const { id } = await desk.put();
      const { jobId, token } = await desk.takeAndCommit();
      const settlement = { jobId, token, outcome: SENT, note: '' };
      const answers = await Promise.all([desk.ledger.settle([settlement]), second.settle([settlement])]);
      expect(answers.flatMap((answer) => answer.settled.map(({ kind }) => kind)).sort()).toEqual(['repeated', 'settled']);
      expect(await desk.story(id)).toEqual(['queued', 'sent']);
    });

    given('commits and settles a job that another connection leased, also one that once had a sent job’s id', async (desk) => {
      const { lease } = await leasedElsewhereUnderAnOldId(desk);
      expect(await desk.commit(lease)).toBe('granted');
      expect(await desk.settle(lease, SENT)).toEqual({ kind: 'settled', state: 'sent' });
    });

    given('settles a job that another connection leased and committed, also one that once had a sent job’s id', async (desk) => {
      const { second, lease } = await leasedElsewhereUnderAnOldId(desk);
      await second.commit([{ jobId: lease.jobId, token: lease.token, nonce: 'nonce' }]);
      expect(await desk.settle(lease, SENT)).toEqual({ kind: 'settled', state: 'sent' });
    });

    given('answers the same key and content with the first job, in its present state', async (desk) => {
      const first = await desk.put({ key: 'order-7', fingerprint: 'same' });
      await desk.settle(await desk.takeAndCommit(), SENT);
      const [answer] = await desk.ledger.enqueue([newJob({ key: 'order-7', fingerprint: 'same' })]);
      expect(answer).toMatchObject({ kind: 'existing', because: 'key', job: { id: first.id, state: 'sent' } });
    });

    given('refuses other content under a key, and names what is on record', async (desk) => {
      const first = await desk.put({ key: 'order-7', fingerprint: 'one' });
      const other = newJob({ key: 'order-7', fingerprint: 'two' });
      expect(await desk.ledger.enqueue([other])).toEqual([{ kind: 'conflict', messageId: first.messageId, fingerprint: 'one' }]);
      expect(await desk.stateOf(other.id)).toBe('gone');
      expect(await desk.payload(other.messageId)).toBeUndefined();
    });

    given('refuses other content under a key, although both requests made the same ids', async (desk) => {
      const first = await desk.put({ key: 'order-7', fingerprint: 'one' });
      const other = newJob({ id: first.id, messageId: first.messageId, key: 'order-7', fingerprint: 'two' });
      expect(await desk.ledger.enqueue([other])).toEqual([{ kind: 'conflict', messageId: first.messageId, fingerprint: 'one' }]);
    });

    given('keeps the keys of tenants apart', async (desk) => {
      await desk.put({ tenant: ALICE, key: 'order-7', fingerprint: 'one' });
      await desk.put({ tenant: BOB, key: 'order-7', fingerprint: 'two' });
      expect(await desk.take()).toHaveLength(2);
    });

    given('lets the jobs of one message share its key, and answers a repeat with the first of them', async (desk) => {
      const messageId = nextMessageId();
      const shared = { messageId, key: 'order-7', fingerprint: 'same', guardMs: 10 * MINUTE };
      const first = await desk.put({ ...shared, to: ['a@one.example'] });
      await desk.put({ ...shared, to: ['b@two.example'] });
      const [answer] = await desk.ledger.enqueue([newJob({ key: 'order-7', fingerprint: 'same' })]);
      expect(answer).toMatchObject({ kind: 'existing', because: 'key', job: { id: first.id } });
      expect(await desk.take()).toHaveLength(2);
    });

    given('says what a key stands for', async (desk) => {
      const key = { tenant: ALICE, key: 'order-7' };
      expect(await desk.ledger.findKeys([key])).toEqual([{ kind: 'free', generation: 0 }]);
      const { messageId } = await desk.put({ key: 'order-7', fingerprint: 'same' });
      expect(await desk.ledger.findKeys([{ tenant: BOB, key: 'order-7' }, key])).toEqual([
        { kind: 'free', generation: 0 },
        { kind: 'taken', generation: 0, messageId, fingerprint: 'same' },
      ]);
    });

    given('keeps a key as long as its job is open', async (desk) => {
      const first = await desk.put({ key: 'order-7', fingerprint: 'same', dueAt: (await desk.now()) + 30 * DAY });
      for (let day = 0; day < 29; day++) {
        await desk.advance(DAY);
        await desk.sweep();
      }
      const [answer] = await desk.ledger.enqueue([newJob({ key: 'order-7', fingerprint: 'same' })]);
      expect(answer).toMatchObject({ kind: 'existing', because: 'key', job: { id: first.id } });
    });

    given('keeps a key for the whole retention, counted from the end of its job', async (desk) => {
      await desk.put({ key: 'order-7', fingerprint: 'same', dueAt: (await desk.now()) + RETENTION });
      await desk.advance(RETENTION + MINUTE);
      await desk.settle(await desk.takeAndCommit(), SENT);
      await desk.advance(RETENTION - MINUTE);
      await desk.sweep();
      expect(await desk.ledger.findKeys([{ tenant: ALICE, key: 'order-7' }])).toMatchObject([{ kind: 'taken' }]);
      const [answer] = await desk.ledger.enqueue([newJob({ key: 'order-7', fingerprint: 'same' })]);
      expect(answer).toMatchObject({ kind: 'existing', because: 'key' });
    });

    given('takes a key for a new mail after the retention, under the next generation', async (desk) => {
      await desk.put({ key: 'order-7', fingerprint: 'same' });
      await desk.settle(await desk.takeAndCommit(), SENT);
      await desk.advance(RETENTION + MINUTE);
      await desk.sweep();
      expect(await desk.ledger.findKeys([{ tenant: ALICE, key: 'order-7' }])).toEqual([{ kind: 'free', generation: 1 }]);
      const old = newJob({ key: { text: 'order-7', generation: 0 } });
      expect(await desk.ledger.enqueue([old])).toEqual([{ kind: 'stale' }]);
      expect(await desk.stateOf(old.id)).toBe('gone');
      const fresh = await desk.put({ key: { text: 'order-7', generation: 1 }, fingerprint: 'other' });
      expect(await desk.ledger.findKeys([{ tenant: ALICE, key: 'order-7' }])).toMatchObject([
        { kind: 'taken', generation: 1, messageId: fresh.messageId },
      ]);
    });

    given('refuses a generation that nobody has been told of', async (desk) => {
      expect(await desk.ledger.enqueue([newJob({ key: { text: 'order-7', generation: 1 } })])).toEqual([{ kind: 'stale' }]);
    });

    given('keeps the key of a dead letter: it may still be requeued', async (desk) => {
      await desk.put({ key: 'order-7', fingerprint: 'same' });
      await desk.settle(await desk.takeOne(), REFUSED);
      await desk.advance(10 * RETENTION);
      await desk.sweep();
      const [answer] = await desk.ledger.enqueue([newJob({ key: 'order-7', fingerprint: 'same' })]);
      expect(answer).toMatchObject({ kind: 'existing', because: 'key', job: { state: 'dead' } });
    });

    given('answers equal content without a key with the first job, within the guard’s time', async (desk) => {
      const first = await desk.put({ fingerprint: 'same', guardMs: 10 * MINUTE });
      await desk.advance(9 * MINUTE);
      const repeat = newJob({ fingerprint: 'same', guardMs: 10 * MINUTE });
      expect(await desk.ledger.enqueue([repeat])).toMatchObject([{ kind: 'existing', because: 'content', job: { id: first.id } }]);
      expect(await desk.stateOf(repeat.id)).toBe('gone');
      expect(await desk.take()).toHaveLength(1);
    });

    given('makes a new job of equal content after the guard’s time', async (desk) => {
      await desk.put({ fingerprint: 'same', guardMs: 10 * MINUTE });
      await desk.advance(11 * MINUTE);
      await desk.put({ fingerprint: 'same', guardMs: 10 * MINUTE });
    });

    given('makes a new job of equal content when the first was canceled or given up: asking again is then meant', async (desk) => {
      const guard = { fingerprint: 'same', guardMs: 10 * MINUTE };
      await desk.cancel((await desk.put(guard)).id);
      await desk.put(guard);
      await desk.settle(await desk.takeOne(), { kind: 'dead', reason: 'permanent' });
      await desk.put(guard);
      expect(await desk.take()).toHaveLength(1);
    });

    given('makes a new job of equal content when the caller means it: no guard, or a key of its own', async (desk) => {
      await desk.put({ fingerprint: 'same', guardMs: 10 * MINUTE });
      await desk.put({ fingerprint: 'same', guardMs: 0 });
      await desk.put({ fingerprint: 'same', guardMs: 10 * MINUTE, key: 'again-please' });
      expect(await desk.take()).toHaveLength(3);
    });

    given('guards the lane of a tenant: another inbox, tenant or content is another mail', async (desk) => {
      const guard = { fingerprint: 'same', guardMs: 10 * MINUTE };
      await desk.put({ ...guard, lane: 'one', tenant: ALICE });
      await desk.put({ ...guard, lane: 'two', tenant: ALICE });
      await desk.put({ ...guard, lane: 'one', tenant: BOB });
      await desk.put({ ...guard, lane: 'one', tenant: ALICE, fingerprint: 'other' });
      expect(await desk.take()).toHaveLength(4);
    });

    given('guards under a key that a client library made, and leaves that key free', async (desk) => {
      const first = await desk.put({ fingerprint: 'same', guardMs: 10 * MINUTE, key: 'auto_1' });
      const repeat = newJob({ fingerprint: 'same', guardMs: 10 * MINUTE, key: 'auto_2' });
      expect(await desk.ledger.enqueue([repeat])).toMatchObject([{ kind: 'existing', because: 'content', job: { id: first.id } }]);
      expect(await desk.ledger.findKeys([{ tenant: ALICE, key: 'auto_2' }])).toEqual([{ kind: 'free', generation: 0 }]);
    });

    given('sees a repeat without a key of what was sent with one', async (desk) => {
      const first = await desk.put({ fingerprint: 'same', key: 'order-7', guardMs: 0 });
      const [answer] = await desk.ledger.enqueue([newJob({ fingerprint: 'same', guardMs: 10 * MINUTE })]);
      expect(answer).toMatchObject({ kind: 'existing', because: 'content', job: { id: first.id } });
    });

    given('does not take the second job of a message for a repeat of the first', async (desk) => {
      const shared = { messageId: nextMessageId(), fingerprint: 'same', guardMs: 10 * MINUTE };
      await desk.put({ ...shared, to: ['a@one.example'] });
      await desk.put({ ...shared, to: ['b@two.example'] });
      expect(await desk.take()).toHaveLength(2);
    });

    given('keeps keys and guard over a restart, inside their time and after it', async (desk) => {
      const first = await desk.put({ key: 'order-7', fingerprint: 'same', guardMs: 0 });
      await desk.reopen();
      const repeats = [newJob({ key: 'order-7', fingerprint: 'same' }), newJob({ fingerprint: 'same', guardMs: 10 * MINUTE })];
      expect(await desk.ledger.enqueue(repeats)).toMatchObject([
        { kind: 'existing', because: 'key', job: { id: first.id } },
        { kind: 'existing', because: 'content', job: { id: first.id } },
      ]);
      await desk.settle(await desk.takeAndCommit({ worker: WORKER, leaseMs: LEASE }), SENT);
      await desk.advance(RETENTION + MINUTE);
      await desk.sweep();
      await desk.reopen();
      expect(await desk.ledger.findKeys([{ tenant: ALICE, key: 'order-7' }])).toEqual([{ kind: 'free', generation: 1 }]);
    });
  });
}

function expectOneJob(answers: readonly Enqueued[]): void {
  const created = answers.filter((answer) => answer.kind === 'created');
  expect(created).toHaveLength(1);
  for (const answer of answers) {
    if (answer.kind === 'created') continue;
    expect(answer).toMatchObject({ kind: 'existing', because: 'key', job: { id: created[0]?.job.id } });
  }
}

/** A job that this connection sent, long ago; its id came again, and another connection has leased it. */
async function leasedElsewhereUnderAnOldId(desk: Desk) {
  const { id } = await desk.put();
  await desk.settle(await desk.takeAndCommit(), SENT);
  await desk.advance(RETENTION + DAY);
  await desk.sweep();
  const second = await desk.second();
  await second.enqueue([newJob({ id })]);
  const [lease] = (await second.lease(leaseRequest())).leases;
  if (lease === undefined) throw new Error('expected a job to lease');
  return { second, lease };
}
