import { describe, expect } from 'vitest';
import { laneId, senderId } from '../../model/ids.ts';
import { ALICE, BOB, DAY, type Desk, type Given, HOUR, nextJobId, REFUSED, retryIn, SLACK_MS, type Wish } from './desk.ts';

/** What a person does with mail that was given up: looks by what it died of, puts it back, or ends it for good. */
export function deadLetters(given: Given): void {
  describe('dead letters', () => {
    given('are grouped by reason, class of failure and last reply, for one tenant or all', async (desk) => {
      await dies(desk, { tenant: ALICE }, 550, '5.1.1');
      const newest = await dies(desk, { tenant: ALICE }, 550, '5.1.1');
      await dies(desk, { tenant: BOB }, 552);
      const { jobId } = await desk.put().then(() => desk.takeOne());
      await desk.settle(await leaseAgain(desk, jobId), { kind: 'dead', reason: 'exhausted' });
      const { groups, count } = await desk.ledger.deadGroups({ max: 10 });
      expect(count).toBe(4);
      expect(groups[0]).toMatchObject({ reason: 'permanent', reply: { code: 550, enhanced: '5.1.1' }, count: 2, sample: newest });
      expect(groups).toHaveLength(3);
      expect(groups.find(({ reason }) => reason === 'exhausted')).toMatchObject({ failure: 'network', count: 1, sample: jobId });
      const ofBob = await desk.ledger.deadGroups({ tenant: BOB, max: 10 });
      expect(ofBob).toMatchObject({ count: 1, groups: [{ reply: { code: 552 }, count: 1 }] });
      expect(await desk.ledger.deadGroups({ max: 1 })).toMatchObject({ count: 4, groups: [{ count: 2 }] });
    });

    given('can be listed by lane, sender, reason, domain of a recipient and time of death', async (desk) => {
      const first = await dies(desk, { lane: 'one', sender: 'big', to: ['a@Far.example', 'b@near.example'] });
      await desk.advance(HOUR);
      const between = (await desk.now()) - HOUR / 2;
      const second = await dies(desk, { lane: 'two' });
      const found = async (filter: object): Promise<unknown[]> =>
        (await desk.ledger.list({ states: ['dead'], max: 10, ...filter })).jobs.map(({ id }) => id);
      expect(await found({})).toEqual([second, first]);
      expect(await found({ lanes: [laneId('two')] })).toEqual([second]);
      expect(await found({ lanes: [] })).toEqual([]);
      expect(await found({ senders: [senderId('big')] })).toEqual([first]);
      expect(await found({ reasons: ['permanent', 'poison'] })).toEqual([second, first]);
      expect(await found({ reasons: ['poison'] })).toEqual([]);
      expect(await found({ failures: ['network'] })).toEqual([]);
      expect(await found({ recipientDomain: 'far.example' })).toEqual([first]);
      expect(await found({ endedSince: between })).toEqual([second]);
      expect(await found({ endedBefore: between })).toEqual([first]);
    });

    given('are neither put back nor purged by work that began before they died again', async (desk) => {
      const id = await dies(desk, {});
      await desk.advance(2 * SLACK_MS);
      const endedBefore = await desk.now();
      await desk.ledger.requeue([id]);
      await desk.advance(2 * SLACK_MS);
      await desk.settle(await desk.takeOne(), REFUSED);
      expect(await desk.ledger.requeue([id], { endedBefore })).toEqual([{ kind: 'refused', because: 'not_dead' }]);
      expect(await desk.ledger.purge([id], { endedBefore })).toEqual([{ kind: 'refused', because: 'not_dead' }]);
      expect(await desk.stateOf(id)).toBe('dead');
    });

    given('are off the record once purged, with their bytes and their events, and their key is free one generation on', async (desk) => {
      const fingerprint = 'the same';
      const id = await dies(desk, { key: 'k', fingerprint });
      const { messageId } = await desk.job(id);
      expect(await desk.ledger.purge([id, id, nextJobId()])).toEqual([
        { kind: 'purged' },
        { kind: 'refused', because: 'unknown' },
        { kind: 'refused', because: 'unknown' },
      ]);
      expect(await desk.stateOf(id)).toBe('gone');
      expect(await desk.story(id)).toEqual([]);
      expect(await desk.attempts(id)).toEqual([]);
      expect(await desk.payload(messageId)).toBeUndefined();
      expect((await desk.ledger.stats()).byState.dead).toBe(0);
      expect(await desk.ledger.findKeys([{ tenant: ALICE, key: 'k' }])).toEqual([{ kind: 'free', generation: 1 }]);
      await desk.put({ key: { text: 'k', generation: 1 }, fingerprint });
    });

    given('only are purged: a job in any other state stays as it is', async (desk) => {
      const { id } = await desk.put({ dueAt: (await desk.now()) + DAY });
      expect(await desk.ledger.purge([id])).toEqual([{ kind: 'refused', because: 'not_dead' }]);
      expect(await desk.stateOf(id)).toBe('scheduled');
    });
  });
}

async function dies(desk: Desk, wish: Wish, code = 550, enhanced?: string): Promise<ReturnType<typeof nextJobId>> {
  await desk.put(wish);
  const lease = await desk.takeOne();
  await desk.settle(lease, REFUSED, { phase: 'rcpt', reply: { code, text: 'no', ...(enhanced !== undefined && { enhanced }) } });
  return lease.jobId;
}

/** After one failure that counted; the lease in hand is the first one's. */
async function leaseAgain(desk: Desk, id: ReturnType<typeof nextJobId>): ReturnType<Desk['takeOne']> {
  const { token } = await desk.job(id);
  await desk.settle({ jobId: id, token }, retryIn(0));
  return desk.takeOne();
}
