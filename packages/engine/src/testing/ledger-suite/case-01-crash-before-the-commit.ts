import { describe, expect } from 'vitest';
import { expectAbout, type Given, HOUR, LEASE, MINUTE, OTHER_WORKER, retryIn, SECOND, SENT, SHUTDOWN } from './desk.ts';

/** A worker dies between lease and commit: nothing was sent, so somebody else takes over when its lease is over. */
export function crashBeforeTheCommit(given: Given): void {
  describe('case 1: crash before the commit', () => {
    given('gives a job to one worker while its lease lasts', async (desk) => {
      await desk.put();
      await desk.takeOne();
      await desk.advance(LEASE - 5 * SECOND);
      await desk.sweep();
      expect(await desk.take({ worker: OTHER_WORKER })).toEqual([]);
    });

    given('leases it again after the lease, with the next token and one crash counted', async (desk) => {
      const { id } = await desk.put();
      await desk.takeOne();
      await desk.advance(LEASE + SECOND);
      expect(await desk.sweep()).toMatchObject({ crashed: 1, poisoned: 0, inDoubt: 0 });
      expect(await desk.takeOne({ worker: OTHER_WORKER })).toMatchObject({ jobId: id, token: 2, crashes: 1 });
    });

    given('lets the first recovery begin at once, without a back-off', async (desk) => {
      const { id } = await desk.put();
      await desk.takeOne();
      await desk.advance(LEASE + SECOND);
      await desk.sweep();
      expect(await desk.job(id)).toMatchObject({ state: 'ready', crashes: 1, runsApart: false });
    });

    given('counts the crash but no attempt, and writes it into the timeline', async (desk) => {
      const { id } = await desk.put();
      await desk.takeOne();
      await desk.advance(LEASE + SECOND);
      await desk.sweep();
      expect(await desk.job(id)).toMatchObject({ attempts: 0, failures: {}, crashes: 1, crashesApart: 0 });
      expect(await desk.attempts(id)).toMatchObject([{ token: 1, end: 'crash', counted: false }]);
      expect(await desk.story(id)).toEqual(['queued', 'crashed']);
    });

    given('delivers once after the crash: one settle holds', async (desk) => {
      const { id } = await desk.put();
      const lost = await desk.takeOne();
      await desk.advance(LEASE + SECOND);
      await desk.sweep();
      const lease = await desk.takeAndCommit({ worker: OTHER_WORKER });
      expect(await desk.settle(lease, SENT)).toEqual({ kind: 'settled', state: 'sent' });
      expect(await desk.settle(lost, SENT)).toEqual({ kind: 'refused', because: 'lost' });
      expect(await desk.job(id)).toMatchObject({ state: 'sent', crashes: 1, attempts: 1 });
    });

    given('keeps a lease alive as long as it is extended', async (desk) => {
      await desk.put();
      const lease = await desk.takeOne();
      for (let heartbeat = 0; heartbeat < 5; heartbeat++) {
        await desk.advance(LEASE / 2);
        expect(await desk.extend(lease)).toBe('extended');
        await desk.sweep();
      }
      expect(await desk.take()).toEqual([]);
      expectAbout((await desk.job(lease.jobId)).leasedUntil, (await desk.now()) + LEASE);
      expect(await desk.commit(lease)).toBe('granted');
    });

    given('counts an extension from now, not from the old end of the lease', async (desk) => {
      await desk.put();
      const lease = await desk.takeOne();
      for (let heartbeat = 0; heartbeat < 5; heartbeat++) await desk.extend(lease);
      await desk.advance(LEASE + SECOND);
      expect(await desk.sweep()).toMatchObject({ crashed: 1 });
    });

    given('does not revive a lease that ran out, swept or not', async (desk) => {
      await desk.put();
      const lease = await desk.takeOne();
      await desk.advance(LEASE + SECOND);
      expect(await desk.extend(lease)).toBe('expired');
      await desk.sweep();
      expect(await desk.extend(lease)).toBe('expired');
      expect(await desk.stateOf(lease.jobId)).toBe('ready');
    });

    given('lets a worker hand back a job whose lease ran out, while nobody has swept it', async (desk) => {
      const one = await desk.put();
      const two = await desk.put();
      const [first, second] = await desk.take();
      await desk.advance(LEASE + SECOND);
      if (first === undefined || second === undefined) throw new Error('expected two leases');
      expect(await desk.settle(first, retryIn(HOUR))).toEqual({ kind: 'settled', state: 'scheduled' });
      expect(await desk.settle(second, SHUTDOWN)).toEqual({ kind: 'settled', state: 'ready' });
      expect(await desk.sweep()).toMatchObject({ crashed: 0 });
      expect(await desk.job(one.id)).toMatchObject({ crashes: 0, attempts: 1 });
      expect(await desk.job(two.id)).toMatchObject({ crashes: 0, attempts: 0 });
    });

    given('sweeps only leases that ran out', async (desk) => {
      const early = await desk.put();
      await desk.takeOne();
      await desk.advance(MINUTE / 2);
      const late = await desk.put();
      await desk.takeOne();
      await desk.advance(MINUTE / 2 + SECOND);
      await desk.sweep();
      expect(await desk.stateOf(early.id)).toBe('ready');
      expect(await desk.stateOf(late.id)).toBe('leased');
    });
  });
}
