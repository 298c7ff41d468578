import { describe, expect } from 'vitest';
import { ALICE, type Given, MINUTE, newJob, SENT } from './desk.ts';

/** The submitter dies between two of its steps. What it was told holds; what it was not told is safe to say again. */
export function crashPointsOfSubmit(given: Given): void {
  describe('case 6: crash points of submit', () => {
    given('delivers what was acknowledged before a restart, with its bytes', async (desk) => {
      const job = await desk.put({ payload: 'the very bytes', to: ['a@example.com'] });
      await desk.reopen();
      expect(await desk.job(job.id)).toEqual(job);
      const lease = await desk.takeAndCommit();
      expect(lease).toMatchObject({ jobId: job.id, envelope: { to: ['a@example.com'] } });
      expect(new TextDecoder().decode(lease.payload)).toBe('the very bytes');
    });

    given('answers a submit that comes again after the restart with the first job', async (desk) => {
      const job = newJob({ key: 'order-7' });
      await desk.ledger.enqueue([job]);
      await desk.reopen();
      expect(await desk.ledger.enqueue([job])).toMatchObject([{ kind: 'existing', because: 'id', job: { id: job.id } }]);
      expect(await desk.story(job.id)).toEqual(['queued']);
    });

    given('writes nothing by looking up a key', async (desk) => {
      const key = { tenant: ALICE, key: 'order-7' };
      await desk.ledger.findKeys([key]);
      await desk.ledger.findKeys([key]);
      await desk.put({ key: { text: 'order-7', generation: 0 } });
    });

    given('stores nothing of a submit that it turns away', async (desk) => {
      await desk.put({ key: 'order-7', fingerprint: 'one', guardMs: 10 * MINUTE });
      const conflicting = newJob({ key: 'order-7', fingerprint: 'two' });
      const stale = newJob({ key: { text: 'order-8', generation: 3 } });
      const repeated = newJob({ key: 'order-7', fingerprint: 'one' });
      const twin = newJob({ key: 'auto_9', fingerprint: 'one', guardMs: 10 * MINUTE });
      const turnedAway = [conflicting, stale, repeated, twin];
      expect((await desk.ledger.enqueue(turnedAway)).map((answer) => answer.kind)).toEqual(['conflict', 'stale', 'existing', 'existing']);
      expect(await desk.ledger.get(turnedAway.map((job) => job.id))).toEqual([undefined, undefined, undefined, undefined]);
      expect(await desk.ledger.payloads(turnedAway.map((job) => job.messageId))).toEqual([undefined, undefined, undefined, undefined]);
      expect(await desk.ledger.events(0, 100)).toHaveLength(1);
      expect(await desk.ledger.findKeys([{ tenant: ALICE, key: 'order-8' }])).toEqual([{ kind: 'free', generation: 0 }]);
    });

    given('decides each job of a call by itself, in order', async (desk) => {
      const first = newJob({ key: 'order-7', fingerprint: 'one' });
      const answers = await desk.ledger.enqueue([
        first,
        newJob({ key: 'order-7', fingerprint: 'two' }),
        newJob({ key: 'order-7', fingerprint: 'one' }),
        first,
        newJob(),
      ]);
      expect(answers.map((answer) => answer.kind)).toEqual(['created', 'conflict', 'existing', 'existing', 'created']);
      expect(await desk.take()).toHaveLength(2);
    });

    given('finishes a job that was sent once, however often its submit comes again', async (desk) => {
      const job = newJob({ key: 'order-7' });
      for (let n = 0; n < 3; n++) await desk.ledger.enqueue([job]);
      await desk.settle(await desk.takeAndCommit(), SENT);
      for (let n = 0; n < 3; n++) await desk.ledger.enqueue([job]);
      expect(await desk.take()).toEqual([]);
      expect(await desk.stateOf(job.id)).toBe('sent');
    });
  });
}
