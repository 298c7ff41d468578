import { describe, expect } from 'vitest';
import {
  ALICE,
  DAY,
  type Given,
  HOUR,
  LEASE,
  MINUTE,
  newJob,
  nextMessageId,
  REFUSED,
  RETENTION,
  retryIn,
  SECOND,
  SENT,
  SHUTDOWN,
  sweepOptions,
  UNSEEN,
} from './desk.ts';

/** Stopping, calling back, running out of time, and what is thrown away. */
export function shutdownCancelTime(given: Given): void {
  describe('case 10: shutdown, cancel, time', () => {
    given('takes a job back at once, and counts nothing', async (desk) => {
      const { id } = await desk.put();
      expect(await desk.settle(await desk.takeOne(), SHUTDOWN)).toEqual({ kind: 'settled', state: 'ready' });
      const job = await desk.job(id);
      expect(job).toMatchObject({ attempts: 0, failures: {}, crashes: 0 });
      expect(job).not.toHaveProperty('firstFailedAt');
      expect(await desk.attempts(id)).toMatchObject([{ end: 'release', counted: false }]);
      expect(await desk.story(id)).toEqual(['queued', 'released']);
      expect(await desk.takeOne()).toMatchObject({ jobId: id, token: 2, attempts: 0, crashes: 0 });
    });

    given('takes a job back after the commit when the dot was surely not written', async (desk) => {
      await desk.put();
      const lease = await desk.takeAndCommit();
      expect(await desk.settle(lease, { kind: 'release', why: 'lost', delayMs: 0 })).toEqual({ kind: 'settled', state: 'ready' });
      expect(await desk.takeAndCommit()).toMatchObject({ jobId: lease.jobId, token: 2 });
    });

    given('cancels what has no commit: scheduled, ready and leased', async (desk) => {
      const scheduled = await desk.put({ dueAt: (await desk.now()) + HOUR });
      const leased = await desk.put();
      await desk.takeOne();
      const ready = await desk.put();
      for (const { id } of [scheduled, leased, ready]) {
        expect(await desk.cancel(id)).toBe('canceled');
        const job = await desk.job(id);
        expect(job).toMatchObject({ state: 'canceled' });
        expect(job).toHaveProperty('finishedAt');
        expect(job).not.toHaveProperty('leasedUntil');
      }
      await desk.advance(DAY);
      await desk.sweep();
      expect(await desk.take()).toEqual([]);
    });

    given('tells the worker of a canceled job at every call', async (desk) => {
      const { id } = await desk.put();
      const lease = await desk.takeOne();
      await desk.cancel(id);
      expect(await desk.extend(lease)).toBe('canceled');
      expect(await desk.commit(lease)).toBe('canceled');
      for (const outcome of [retryIn(0), REFUSED, SHUTDOWN, SENT]) {
        expect(await desk.settle(lease, outcome)).toEqual({ kind: 'refused', because: 'canceled' });
      }
      expect(await desk.stateOf(id)).toBe('canceled');
    });

    given('cancels nothing whose dot may be on the wire', async (desk) => {
      const { id } = await desk.put();
      const lease = await desk.takeAndCommit();
      expect(await desk.cancel(id)).toBe('too_late');
      expect(await desk.stateOf(id)).toBe('sending');
      await desk.settle(lease, UNSEEN);
      expect(await desk.cancel(id)).toBe('too_late');
      expect(await desk.stateOf(id)).toBe('in_doubt');
    });

    given('cancels nothing that is over', async (desk) => {
      const sent = await desk.put();
      await desk.settle(await desk.takeAndCommit(), SENT);
      const dead = await desk.put();
      await desk.settle(await desk.takeOne(), REFUSED);
      expect([await desk.cancel(sent.id), await desk.cancel(dead.id)]).toEqual(['final', 'final']);
      expect([await desk.stateOf(sent.id), await desk.stateOf(dead.id)]).toEqual(['sent', 'dead']);
    });

    given('has one winner when cancel and commit meet', async (desk) => {
      for (const cancelFirst of [true, false, true, false]) {
        const { id } = await desk.put();
        const lease = await desk.takeOne();
        const calls = [() => desk.cancel(id), () => desk.commit(lease)];
        const answers = await Promise.all((cancelFirst ? calls : calls.reverse()).map((call) => call()));
        const state = await desk.stateOf(id);
        expect([...answers].sort()).toEqual(state === 'canceled' ? ['canceled', 'canceled'] : ['granted', 'too_late']);
      }
    });

    given('has one winner when cancel and commit meet from two connections', async (desk) => {
      const second = await desk.second();
      for (let n = 0; n < 4; n++) {
        const { id } = await desk.put();
        const lease = await desk.takeOne();
        const [canceled, committed] = await Promise.all([second.cancel([id]), desk.commit(lease)]);
        expect([canceled[0]?.kind === 'canceled', committed === 'granted'].filter(Boolean)).toHaveLength(1);
      }
    });

    given('gives up a ready job whose time has passed instead of leasing it', async (desk) => {
      const { id } = await desk.put({ expiresAt: (await desk.now()) + HOUR });
      await desk.advance(HOUR + MINUTE);
      expect(await desk.take()).toEqual([]);
      await desk.sweep();
      const job = await desk.job(id);
      expect(job).toMatchObject({ state: 'dead', reason: 'expired' });
      expect(job).toHaveProperty('finishedAt');
      expect(await desk.story(id)).toEqual(['queued', 'dead']);
    });

    given('gives up a scheduled job whose time passes before it is due', async (desk) => {
      const now = await desk.now();
      const { id } = await desk.put({ dueAt: now + 2 * HOUR, expiresAt: now + HOUR });
      await desk.advance(HOUR + MINUTE);
      expect(await desk.sweep()).toMatchObject({ expired: 1 });
      expect(await desk.job(id)).toMatchObject({ state: 'dead', reason: 'expired' });
    });

    given('refuses the commit of a job whose time passed under the lease', async (desk) => {
      const { id } = await desk.put({ expiresAt: (await desk.now()) + LEASE / 2 });
      const lease = await desk.takeOne();
      await desk.advance(LEASE / 2 + SECOND);
      expect(await desk.commit(lease)).toBe('expired');
      expect(await desk.settle(lease, { kind: 'dead', reason: 'expired' })).toEqual({ kind: 'settled', state: 'dead' });
      expect(await desk.job(id)).toMatchObject({ state: 'dead', reason: 'expired' });
    });

    given('leaves a job in doubt when its time passes: nothing about it is certain', async (desk) => {
      const { id } = await desk.put({ expiresAt: (await desk.now()) + HOUR });
      await desk.settle(await desk.takeAndCommit(), UNSEEN);
      await desk.advance(DAY);
      await desk.sweep();
      expect(await desk.stateOf(id)).toBe('in_doubt');
    });

    given('keeps a job that is 30 days ahead, and its bytes, through every retention', async (desk) => {
      const { id, messageId } = await desk.put({ dueAt: (await desk.now()) + 30 * DAY });
      for (let day = 0; day < 29; day++) {
        await desk.advance(DAY);
        expect(await desk.sweep()).toMatchObject({ dropped: 0 });
        expect(await desk.take()).toEqual([]);
      }
      expect(await desk.payload(messageId)).toBeDefined();
      await desk.advance(DAY + MINUTE);
      expect(await desk.takeOne()).toMatchObject({ jobId: id });
    });

    given('drops sent and canceled jobs after the retention, with their timelines and bytes, and not before', async (desk) => {
      const sent = await desk.put();
      await desk.settle(await desk.takeAndCommit(), SENT);
      const canceled = await desk.put();
      await desk.cancel(canceled.id);
      await desk.advance(RETENTION - MINUTE);
      expect(await desk.sweep()).toMatchObject({ dropped: 0 });
      expect([await desk.stateOf(sent.id), await desk.stateOf(canceled.id)]).toEqual(['sent', 'canceled']);
      await desk.advance(2 * MINUTE);
      expect(await desk.sweep()).toMatchObject({ dropped: 2 });
      for (const job of [sent, canceled]) {
        expect(await desk.stateOf(job.id)).toBe('gone');
        expect(await desk.attempts(job.id)).toEqual([]);
        if (!desk.ledger.capabilities.keepsPayloads) expect(await desk.payload(job.messageId)).toBeUndefined();
      }
      expect((await desk.ledger.list({ max: 10 })).jobs).toEqual([]);
    });

    given('counts the retention from the end of a job, not from its beginning', async (desk) => {
      const { id } = await desk.put({ dueAt: (await desk.now()) + 10 * RETENTION });
      await desk.advance(10 * RETENTION + MINUTE);
      await desk.settle(await desk.takeAndCommit(), SENT);
      expect(await desk.sweep()).toMatchObject({ dropped: 0 });
      expect(await desk.stateOf(id)).toBe('sent');
    });

    given('keeps dead letters and doubts, however old', async (desk) => {
      const doubtful = await desk.put();
      await desk.settle(await desk.takeAndCommit(), UNSEEN);
      const dead = await desk.put();
      await desk.settle(await desk.takeOne(), REFUSED);
      await desk.advance(100 * RETENTION);
      expect(await desk.sweep()).toMatchObject({ dropped: 0 });
      expect([await desk.stateOf(doubtful.id), await desk.stateOf(dead.id)]).toEqual(['in_doubt', 'dead']);
    });

    given('keeps the bytes and the key while another job of the message is on record', async (desk) => {
      const shared = { messageId: nextMessageId(), key: 'order-7', fingerprint: 'same' };
      await desk.put({ ...shared, to: ['a@one.example'] });
      const open = await desk.put({ ...shared, to: ['b@two.example'], dueAt: (await desk.now()) + 30 * DAY });
      await desk.settle(await desk.takeAndCommit(), SENT);
      await desk.advance(RETENTION + MINUTE);
      await desk.sweep();
      expect(await desk.payload(open.messageId)).toBeDefined();
      expect(await desk.ledger.findKeys([{ tenant: ALICE, key: 'order-7' }])).toMatchObject([{ kind: 'taken' }]);
      await desk.advance(30 * DAY);
      await desk.settle(await desk.takeAndCommit(), SENT);
    });

    given('keeps the bytes of a sent message only if it says that it does', async (desk) => {
      const { messageId } = await desk.put({ payload: 'the very bytes' });
      await desk.settle(await desk.takeAndCommit(), SENT);
      expect(await desk.payload(messageId)).toBe(desk.ledger.capabilities.keepsPayloads ? 'the very bytes' : undefined);
    });

    given('does no more in one sweep than it was told, and says that there is more', async (desk) => {
      await desk.ledger.enqueue(Array.from({ length: 10 }, () => newJob()));
      await desk.take();
      await desk.advance(LEASE + SECOND);
      let crashed = 0;
      for (let n = 0; n < 2; n++) {
        const swept = await desk.ledger.sweep(sweepOptions({ max: 4 }));
        expect(swept).toMatchObject({ crashed: 4, hasMore: true });
        crashed += swept.crashed;
      }
      crashed += (await desk.sweep({ max: 4 })).crashed;
      expect(crashed).toBe(10);
      expect((await desk.ledger.stats()).byState).toMatchObject({ ready: 10, leased: 0 });
    });

    given('does nothing in a sweep when there is nothing to do', async (desk) => {
      const nothing = { madeReady: 0, crashed: 0, poisoned: 0, inDoubt: 0, resending: 0, expired: 0, dropped: 0 };
      expect(await desk.ledger.sweep(sweepOptions())).toEqual({ ...nothing, hasMore: false });
      await desk.put();
      await desk.takeOne();
      await desk.put({ dueAt: (await desk.now()) + HOUR });
      expect(await desk.ledger.sweep(sweepOptions())).toEqual({ ...nothing, hasMore: false });
    });
  });
}
