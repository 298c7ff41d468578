import { describe, expect } from 'vitest';
import type { Outcome } from '../../model/outcome.ts';
import { DAY, type Given, HOUR, LEASE, MINUTE, OTHER_WORKER, REFUSED, retryIn, SECOND, SENT, SHUTDOWN, UNSEEN } from './desk.ts';

/** A worker stands still for longer than its lease, then goes on as if nothing had happened. */
export function zombie(given: Given): void {
  describe('case 3: zombie', () => {
    given('refuses extend, commit and settle of a worker whose job was leased again', async (desk) => {
      const { id } = await desk.put();
      const stale = await desk.takeOne();
      await desk.advance(LEASE + SECOND);
      await desk.sweep();
      const fresh = await desk.takeOne({ worker: OTHER_WORKER });
      expect(await desk.extend(stale)).toBe('token');
      expect(await desk.commit(stale)).toBe('lost');
      for (const outcome of [retryIn(HOUR), REFUSED, SHUTDOWN, SENT, UNSEEN]) {
        expect(await desk.settle(stale, outcome)).toEqual({ kind: 'refused', because: 'lost' });
      }
      expect(await desk.job(id)).toMatchObject({ state: 'leased', token: 2, worker: OTHER_WORKER, attempts: 0 });
      expect(await desk.commit(fresh)).toBe('granted');
    });

    given('refuses a stale worker also while the new one is sending, and after it has sent', async (desk) => {
      const { id } = await desk.put();
      const stale = await desk.takeOne();
      await desk.advance(LEASE + SECOND);
      await desk.sweep();
      const fresh = await desk.takeAndCommit({ worker: OTHER_WORKER });
      expect(await desk.commit(stale)).toBe('lost');
      expect(await desk.settle(stale, retryIn(HOUR))).toEqual({ kind: 'refused', because: 'lost' });
      expect(await desk.stateOf(id)).toBe('sending');
      await desk.settle(fresh, SENT);
      expect(await desk.settle(stale, retryIn(HOUR))).toEqual({ kind: 'refused', because: 'lost' });
      expect(await desk.extend(stale)).toBe('token');
      expect(await desk.stateOf(id)).toBe('sent');
    });

    given('refuses the commit of a worker whose lease ran out, even before anybody swept', async (desk) => {
      const { id } = await desk.put();
      const lease = await desk.takeOne();
      await desk.advance(LEASE + SECOND);
      expect(await desk.commit(lease)).toBe('lost');
      expect(await desk.stateOf(id)).not.toBe('sending');
    });

    given('refuses the commit of a worker whose job went back to the queue', async (desk) => {
      await desk.put();
      const lease = await desk.takeOne();
      await desk.advance(LEASE + SECOND);
      await desk.sweep();
      expect(await desk.commit(lease)).toBe('lost');
      expect(await desk.settle(lease, SHUTDOWN)).toEqual({ kind: 'refused', because: 'lost' });
    });

    given('refuses a token that was never given out', async (desk) => {
      const { id } = await desk.put();
      const lease = await desk.takeOne();
      const forged = { ...lease, token: lease.token + 1 };
      expect(await desk.commit(forged)).toBe('lost');
      expect(await desk.extend(forged)).toBe('token');
      expect(await desk.settle(forged, REFUSED)).toEqual({ kind: 'refused', because: 'lost' });
      expect(await desk.job(id)).toMatchObject({ state: 'leased', token: 1 });
    });

    const heals: readonly (readonly [string, Outcome, string])[] = [
      ['sent', SENT, 'sent'],
      ['a clear refusal', REFUSED, 'dead'],
      ['a clear not yet', retryIn(HOUR, 'deferred'), 'scheduled'],
      ['proof that the dot was not written', SHUTDOWN, 'ready'],
    ];
    for (const [what, outcome, state] of heals) {
      given(`lets the late settle of a lost worker heal the doubt: ${what}`, async (desk) => {
        const { id } = await desk.put();
        const lease = await desk.takeAndCommit();
        await desk.advance(LEASE + SECOND);
        await desk.sweep();
        expect(await desk.stateOf(id)).toBe('in_doubt');
        expect(await desk.settle(lease, outcome)).toEqual({ kind: 'settled', state });
        const job = await desk.job(id);
        expect(job).toMatchObject({ state });
        expect(job).not.toHaveProperty('doubt');
        expect((await desk.attempts(id)).at(-1)).toMatchObject({ token: 1, end: outcome.kind });
        expect(await desk.settle(lease, outcome)).toEqual({ kind: 'repeated', state });
      });
    }

    given('lets a late reply heal a doubt that its worker had settled, and counts one attempt', async (desk) => {
      const { id } = await desk.put({ onDoubt: 'resend' });
      const lease = await desk.takeAndCommit();
      await desk.settle(lease, { kind: 'doubt', cause: 'timeout', resendMs: MINUTE });
      expect(await desk.settle(lease, SENT)).toEqual({ kind: 'settled', state: 'sent' });
      expect(await desk.job(id)).toMatchObject({ state: 'sent', attempts: 1 });
      await desk.advance(DAY);
      await desk.sweep();
      expect(await desk.take()).toEqual([]);
    });

    given('learns nothing from a lost worker that does not know either', async (desk) => {
      const { id } = await desk.put();
      const lease = await desk.takeAndCommit();
      await desk.advance(LEASE + SECOND);
      await desk.sweep();
      expect(await desk.settle(lease, UNSEEN)).toEqual({ kind: 'repeated', state: 'in_doubt' });
      expect(await desk.job(id)).toMatchObject({ state: 'in_doubt', doubt: 'worker-lost' });
      expect(await desk.story(id)).toEqual(['queued', 'in_doubt']);
    });

    given('lets nobody but the worker in question heal a doubt', async (desk) => {
      const { id } = await desk.put();
      const stale = await desk.takeOne();
      await desk.advance(LEASE + SECOND);
      await desk.sweep();
      await desk.takeAndCommit({ worker: OTHER_WORKER });
      await desk.advance(LEASE + SECOND);
      await desk.sweep();
      expect(await desk.settle(stale, retryIn(0))).toEqual({ kind: 'refused', because: 'lost' });
      expect(await desk.stateOf(id)).toBe('in_doubt');
    });

    given('refuses the late settle of a lost worker once the second copy is on its way', async (desk) => {
      const { id } = await desk.put({ onDoubt: 'resend' });
      const lost = await desk.takeAndCommit();
      await desk.advance(LEASE + SECOND);
      await desk.sweep({ resendMs: MINUTE });
      await desk.advance(2 * MINUTE);
      await desk.sweep();
      await desk.takeAndCommit({ worker: OTHER_WORKER });
      expect(await desk.settle(lost, retryIn(0))).toEqual({ kind: 'refused', because: 'lost' });
      expect(await desk.job(id)).toMatchObject({ state: 'sending', token: 2 });
    });

    given('does not let a late settle overturn a decision', async (desk) => {
      const { id } = await desk.put();
      const lost = await desk.takeAndCommit();
      await desk.advance(LEASE + SECOND);
      await desk.sweep();
      await desk.ledger.resolve([{ jobId: id, verdict: 'sent', note: 'The reader answered.' }]);
      expect((await desk.settle(lost, retryIn(0))).kind).not.toBe('settled');
      expect(await desk.stateOf(id)).toBe('sent');
    });

    given('lets a worker that is sending extend until a sweep finds it, and not after', async (desk) => {
      await desk.put();
      const lease = await desk.takeAndCommit();
      await desk.advance(LEASE + SECOND);
      expect(await desk.extend(lease)).toBe('extended');
      await desk.advance(LEASE - 5 * SECOND);
      expect(await desk.sweep()).toMatchObject({ inDoubt: 0 });
      await desk.advance(6 * SECOND);
      expect(await desk.sweep()).toMatchObject({ inDoubt: 1 });
      expect(await desk.extend(lease)).not.toBe('extended');
      expect(await desk.stateOf(lease.jobId)).toBe('in_doubt');
    });

    given('lets a worker that is sending settle after its lease, while nobody has swept', async (desk) => {
      await desk.put();
      const lease = await desk.takeAndCommit();
      await desk.advance(LEASE + SECOND);
      expect(await desk.settle(lease, SENT)).toEqual({ kind: 'settled', state: 'sent' });
    });

    given('locks a worker of the old life out of a requeued job', async (desk) => {
      const { id } = await desk.put();
      const old = await desk.takeOne();
      await desk.settle(old, REFUSED);
      await desk.ledger.requeue([id]);
      const fresh = await desk.takeOne();
      expect(fresh.token).toBeGreaterThan(old.token);
      expect(await desk.commit(old)).not.toBe('granted');
      expect((await desk.settle(old, retryIn(0))).kind).not.toBe('settled');
      expect(await desk.commit(fresh)).toBe('granted');
    });
  });
}
