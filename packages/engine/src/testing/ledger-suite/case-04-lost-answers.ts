import { describe, expect } from 'vitest';
import {
  type Given,
  HOUR,
  LEASE,
  leaseRequest,
  newJob,
  nextJobId,
  OTHER_WORKER,
  REFUSED,
  retryIn,
  SENT,
  SHUTDOWN,
  UNSEEN,
} from './desk.ts';

/** A call was applied and its answer was lost, so it comes again. The second time changes nothing. */
export function lostAnswers(given: Given): void {
  describe('case 4: lost answers', () => {
    given('adds nothing when an enqueue comes again, and answers with the job', async (desk) => {
      const job = newJob();
      await desk.ledger.enqueue([job]);
      expect(await desk.ledger.enqueue([job])).toMatchObject([{ kind: 'existing', because: 'id', job: { id: job.id, state: 'ready' } }]);
      expect(await desk.story(job.id)).toEqual(['queued']);
      expect(await desk.take()).toHaveLength(1);
    });

    given('adds nothing when an enqueue comes again with its key, also after the job was sent', async (desk) => {
      const job = newJob({ key: 'order-7' });
      await desk.ledger.enqueue([job]);
      await desk.settle(await desk.takeAndCommit(), SENT);
      expect(await desk.ledger.enqueue([job])).toMatchObject([{ kind: 'existing', job: { id: job.id, state: 'sent' } }]);
      expect(await desk.take()).toEqual([]);
    });

    given('grants the same commit again', async (desk) => {
      await desk.put();
      const lease = await desk.takeOne();
      expect(await desk.commit(lease, 'nonce')).toBe('granted');
      expect(await desk.commit(lease, 'nonce')).toBe('granted');
      expect(await desk.stateOf(lease.jobId)).toBe('sending');
    });

    given('gives a worker the leases again whose answer it never got, with their token and a full lease', async (desk) => {
      await desk.put();
      await desk.put();
      const [known, lost] = await desk.take();
      if (known === undefined || lost === undefined) throw new Error('two leases were asked for');
      await desk.put();
      await desk.advance(LEASE / 2);
      const again = await desk.take({ knownLeases: [known], max: 2 });
      expect(again.map(({ jobId, token }) => [jobId, token])[0]).toEqual([lost.jobId, lost.token]);
      expect(again).toHaveLength(2); // and a new one
      await desk.advance(LEASE * 0.75);
      expect(await desk.extend(known)).toBe('expired');
      expect(await desk.commit(lost)).toBe('granted');
    });

    given('gives a worker the newer lease again of a job that it knows by an older one', async (desk) => {
      await desk.put();
      const older = await desk.takeOne();
      await desk.settle(older, SHUTDOWN);
      await desk.takeOne(); // and this answer is lost
      expect(await desk.take({ knownLeases: [older] })).toMatchObject([{ jobId: older.jobId, token: older.token + 1 }]);
    });

    given('gives a worker no lease again that it has used: committed, handed back or canceled', async (desk) => {
      const jobs = [await desk.put(), await desk.put(), await desk.put(), await desk.put()];
      const [sending, sent, waiting, canceled] = await desk.take();
      if (sending === undefined || sent === undefined || waiting === undefined || canceled === undefined)
        throw new Error('four leases were asked for');
      await desk.commit(sending);
      await desk.commit(sent);
      await desk.settle(sent, SENT);
      await desk.settle(waiting, retryIn(HOUR));
      await desk.cancel(canceled.jobId);
      expect(await desk.take({ knownLeases: [] })).toEqual([]);
      expect(await Promise.all(jobs.map(({ id }) => desk.stateOf(id)))).toEqual(['sending', 'sent', 'scheduled', 'canceled']);
    });

    given('gives nobody the leases of another worker again, nor those that ended', async (desk) => {
      await desk.put();
      await desk.put();
      const [mine, committed] = await desk.take();
      if (mine === undefined || committed === undefined) throw new Error('two leases were asked for');
      await desk.commit(committed);
      expect(await desk.take({ worker: OTHER_WORKER, knownLeases: [] })).toEqual([]);
      await desk.advance(2 * LEASE);
      expect(await desk.take({ knownLeases: [] })).toEqual([]);
    });

    given('refuses a second commit with another nonce, and keeps the first', async (desk) => {
      await desk.put();
      const lease = await desk.takeOne();
      await desk.commit(lease, 'first');
      expect(await desk.commit(lease, 'second')).toBe('lost');
      expect(await desk.commit(lease, 'first')).toBe('granted');
    });

    given('grants one of two commits that came in one call', async (desk) => {
      await desk.put();
      const { jobId, token } = await desk.takeOne();
      const answers = await desk.ledger.commit([
        { jobId, token, nonce: 'first' },
        { jobId, token, nonce: 'second' },
      ]);
      expect(answers).toEqual([{ kind: 'granted' }, { kind: 'refused', because: 'lost' }]);
    });

    given('grants no commit after the settle, not even the one that was granted', async (desk) => {
      await desk.put();
      const lease = await desk.takeOne();
      await desk.commit(lease, 'nonce');
      await desk.settle(lease, SENT);
      expect(await desk.commit(lease, 'nonce')).toBe('settled');
      expect(await desk.commit(lease, 'other')).toBe('settled');
      expect(await desk.extend(lease)).toBe('settled');
      expect(await desk.stateOf(lease.jobId)).toBe('sent');
    });

    given('grants no commit to a lease that was handed back', async (desk) => {
      await desk.put();
      const lease = await desk.takeOne();
      await desk.settle(lease, SHUTDOWN);
      expect(await desk.commit(lease)).toBe('settled');
      expect(await desk.stateOf(lease.jobId)).toBe('ready');
    });

    for (const outcome of [SENT, REFUSED, UNSEEN, SHUTDOWN, retryIn(HOUR)]) {
      given(`records ${outcome.kind} once, however often it is told`, async (desk) => {
        const { id } = await desk.put();
        const lease = await desk.takeAndCommit();
        const first = await desk.settle(lease, outcome);
        expect(first.kind).toBe('settled');
        const once = { job: await desk.job(id), attempts: await desk.attempts(id), story: await desk.story(id) };
        for (let n = 0; n < 3; n++) expect(await desk.settle(lease, outcome)).toEqual({ ...first, kind: 'repeated' });
        expect({ job: await desk.job(id), attempts: await desk.attempts(id), story: await desk.story(id) }).toEqual(once);
        expect(once.attempts).toHaveLength(1);
      });
    }

    given('knows a settle again when the job is already leased by somebody else, and leaves that lease alone', async (desk) => {
      const { id } = await desk.put();
      const first = await desk.takeOne();
      await desk.settle(first, retryIn(0));
      const second = await desk.takeOne();
      expect(await desk.settle(first, retryIn(0))).toEqual({ kind: 'repeated', state: 'leased' });
      expect(await desk.job(id)).toMatchObject({ state: 'leased', token: second.token, attempts: 1 });
      expect(await desk.commit(second)).toBe('granted');
    });

    given('never leaves sent: whatever is settled after it is a repeat', async (desk) => {
      const { id } = await desk.put();
      const lease = await desk.takeAndCommit();
      await desk.settle(lease, SENT);
      for (const outcome of [retryIn(0), REFUSED, UNSEEN, SHUTDOWN]) {
        expect(await desk.settle(lease, outcome)).toEqual({ kind: 'repeated', state: 'sent' });
      }
      expect(await desk.stateOf(id)).toBe('sent');
      expect(await desk.take()).toEqual([]);
    });

    given('refuses sent and doubt without a commit: a worker that skipped it is told so', async (desk) => {
      const { id } = await desk.put();
      const lease = await desk.takeOne();
      for (const outcome of [SENT, UNSEEN]) {
        expect(await desk.settle(lease, outcome)).toEqual({ kind: 'refused', because: 'uncommitted' });
      }
      expect(await desk.job(id)).toMatchObject({ state: 'leased', attempts: 0 });
      expect(await desk.attempts(id)).toEqual([]);
      expect(await desk.commit(lease)).toBe('granted');
    });

    given('adds the children of a settle once', async (desk) => {
      const parent = await desk.put({ to: ['a@example.com', 'b@example.com'] });
      const lease = await desk.takeAndCommit();
      const outcome = { kind: 'retry', failure: 'deferred', delayMs: HOUR } as const;
      const child = { id: nextJobId(), to: ['b@example.com'], outcome, note: 'Not yet.', recipients: [] };
      const more = { keeps: ['a@example.com'], children: [child] };
      expect((await desk.settle(lease, SENT, more)).kind).toBe('settled');
      expect((await desk.settle(lease, SENT, more)).kind).toBe('repeated');
      expect((await desk.ledger.list({ messageIds: [parent.messageId], max: 10 })).jobs).toHaveLength(2);
      expect(await desk.story(child.id)).toEqual(['queued']);
    });

    given('leases the next job in the call that settles the last, also when the settle is a repeat', async (desk) => {
      await desk.put();
      await desk.put();
      const { jobId, token } = await desk.takeAndCommit();
      const settlement = { jobId, token, outcome: SENT, note: '' };
      const first = await desk.ledger.settle([settlement], leaseRequest({ max: 1 }));
      expect(first.settled).toEqual([{ kind: 'settled', state: 'sent' }]);
      expect(first.next?.leases).toHaveLength(1);
      await desk.put();
      const again = await desk.ledger.settle([settlement], leaseRequest({ max: 1 }));
      expect(again.settled).toEqual([{ kind: 'repeated', state: 'sent' }]);
      expect(again.next?.leases).toHaveLength(1);
      expect(again.next?.leases[0]?.jobId).not.toBe(first.next?.leases[0]?.jobId);
    });

    given('lets a job that was just handed back be leased by the same call', async (desk) => {
      await desk.put();
      const { jobId, token } = await desk.takeOne();
      const { next } = await desk.ledger.settle([{ jobId, token, outcome: SHUTDOWN, note: '' }], leaseRequest());
      expect(next?.leases).toMatchObject([{ jobId, token: token + 1 }]);
    });

    given('does cancel, resolve and requeue once', async (desk) => {
      const canceled = await desk.put();
      expect(await desk.cancel(canceled.id)).toBe('canceled');
      expect(await desk.cancel(canceled.id)).toBe('final');
      const doubtful = await desk.put();
      await desk.settle(await desk.takeAndCommit(), UNSEEN);
      const decision = { jobId: doubtful.id, verdict: 'dead', note: '' } as const;
      await desk.ledger.resolve([decision]);
      expect(await desk.ledger.resolve([decision])).toEqual([{ kind: 'refused', because: 'not_in_doubt' }]);
      await desk.ledger.requeue([doubtful.id]);
      expect(await desk.ledger.requeue([doubtful.id])).toEqual([{ kind: 'refused', because: 'not_dead' }]);
      expect(await desk.story(canceled.id)).toEqual(['queued', 'canceled']);
      expect(await desk.story(doubtful.id)).toEqual(['queued', 'in_doubt', 'resolved', 'requeued']);
    });
  });
}
