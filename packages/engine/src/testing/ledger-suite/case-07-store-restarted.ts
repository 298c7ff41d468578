import { describe, expect } from 'vitest';
import type { JobId } from '../../model/ids.ts';
import { type Desk, type Given, HOUR, LEASE, MINUTE, REFUSED, retryIn, SECOND, SENT, SHUTDOWN, UNSEEN } from './desk.ts';

/** The store stops and comes back. Whatever was answered is still so. */
export function storeRestarted(given: Given): void {
  describe('case 7: the store is restarted', () => {
    given('is after a restart what it was before it, at every step of a job’s life', async (desk) => {
      const { id } = await desk.put({ key: 'order-7', onDoubt: 'resend' });
      await staysOverRestart(desk, id, 'ready');
      await desk.settle(await desk.takeOne(), retryIn(MINUTE));
      await staysOverRestart(desk, id, 'scheduled');
      await desk.advance(2 * MINUTE);
      await desk.sweep();
      const lease = await desk.takeOne();
      await staysOverRestart(desk, id, 'leased');
      expect(await desk.commit(lease, 'nonce')).toBe('granted');
      await staysOverRestart(desk, id, 'sending');
      await desk.settle(lease, UNSEEN);
      await staysOverRestart(desk, id, 'in_doubt');
      await desk.ledger.resolve([{ jobId: id, verdict: 'resend', note: 'Again.' }]);
      await staysOverRestart(desk, id, 'ready');
      await desk.settle(await desk.takeOne(), REFUSED);
      await staysOverRestart(desk, id, 'dead');
      await desk.ledger.requeue([id]);
      await staysOverRestart(desk, id, 'ready');
      await desk.settle(await desk.takeAndCommit(), SENT);
      await staysOverRestart(desk, id, 'sent');
    });

    given('does not lease a job twice because of a restart, and lets its worker go on', async (desk) => {
      await desk.put();
      const lease = await desk.takeOne();
      await desk.reopen();
      await desk.sweep();
      expect(await desk.take()).toEqual([]);
      expect(await desk.extend(lease)).toBe('extended');
      expect(await desk.commit(lease)).toBe('granted');
    });

    given('remembers a commit: the same nonce is granted again, another is not', async (desk) => {
      await desk.put();
      const lease = await desk.takeOne();
      await desk.commit(lease, 'nonce');
      await desk.reopen();
      expect(await desk.commit(lease, 'other')).toBe('lost');
      expect(await desk.commit(lease, 'nonce')).toBe('granted');
      expect(await desk.settle(lease, SENT)).toEqual({ kind: 'settled', state: 'sent' });
    });

    given('remembers a settle: the same one again is a repeat', async (desk) => {
      const { id } = await desk.put();
      const lease = await desk.takeOne();
      await desk.settle(lease, retryIn(HOUR));
      await desk.reopen();
      expect(await desk.settle(lease, retryIn(HOUR))).toEqual({ kind: 'repeated', state: 'scheduled' });
      expect(await desk.job(id)).toMatchObject({ attempts: 1 });
    });

    given('sends nothing again after a restart: not what was sent, and not what is in doubt', async (desk) => {
      const sent = await desk.put();
      await desk.settle(await desk.takeAndCommit(), SENT);
      const lost = await desk.put();
      await desk.takeAndCommit();
      await desk.reopen();
      await desk.advance(LEASE + SECOND);
      await desk.sweep();
      await desk.reopen();
      expect(await desk.take()).toEqual([]);
      expect([await desk.stateOf(sent.id), await desk.stateOf(lost.id)]).toEqual(['sent', 'in_doubt']);
    });

    given('goes on numbering events and tokens where it stopped', async (desk) => {
      const { id } = await desk.put();
      const before = await desk.takeOne();
      await desk.settle(before, SHUTDOWN);
      const seq = (await desk.ledger.events(0, 100)).at(-1)?.seq ?? 0;
      await desk.reopen();
      expect((await desk.takeOne()).token).toBe(before.token + 1);
      await desk.cancel(id);
      const news = await desk.ledger.events(seq, 100);
      expect(news).toMatchObject([{ kind: 'canceled', jobId: id }]);
      expect(news[0]?.seq).toBeGreaterThan(seq);
    });

    given('keeps the order of its lanes', async (desk) => {
      const ids = [];
      for (let n = 0; n < 5; n++) ids.push((await desk.put()).id);
      await desk.reopen();
      expect((await desk.take()).map((lease) => lease.jobId)).toEqual(ids);
    });

    given('has a clock that does not go back', async (desk) => {
      await desk.advance(HOUR);
      const before = await desk.now();
      await desk.reopen();
      expect(await desk.now()).toBeGreaterThanOrEqual(before);
    });
  });
}

async function staysOverRestart(desk: Desk, id: JobId, state: string): Promise<void> {
  const look = async (): Promise<unknown> => {
    const job = await desk.job(id);
    return {
      job,
      attempts: await desk.attempts(id),
      payload: await desk.payload(job.messageId),
      events: await desk.ledger.events(0, 100),
      keys: await desk.ledger.findKeys([{ tenant: job.tenant, key: 'order-7' }]),
    };
  };
  const before = await look();
  await desk.reopen();
  expect(await look()).toEqual(before);
  expect(await desk.stateOf(id)).toBe(state);
}
