import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { laneId, senderId } from '../../model/ids.ts';
import type { LimitRule, Limits, LimitUnit } from '../../model/limit.ts';
import { inboxScope, type Scope, senderScope } from '../../model/scope.ts';
import type { Lease } from '../../ports/ledger.ts';
import {
  DAY,
  type Desk,
  expectAbout,
  type Given,
  HOUR,
  LEASE,
  leaseRequest,
  MINUTE,
  newJob,
  OTHER_WORKER,
  REFUSED,
  retryIn,
  SECOND,
  SENT,
  SHUTDOWN,
  UNSEEN,
} from './desk.ts';

export const SENDER = senderScope(senderId('default'));

export const rule = (max: number, windowMs: number, unit: LimitUnit = 'messages', marginMs = 0): LimitRule => ({
  unit,
  max,
  windowMs,
  marginMs,
});
export const limitTo = (desk: Desk, scope: Scope, ...rules: readonly LimitRule[]): Promise<void> =>
  desk.ledger.limit([{ scope, limits: { rules } }]);
const setLimits = (desk: Desk, scope: Scope, limits: Limits): Promise<void> => desk.ledger.limit([{ scope, limits }]);

/** Leases what may go now, and sends it. */
export async function sendAll(desk: Desk): Promise<readonly Lease[]> {
  const leases = await desk.take();
  for (const lease of leases) {
    expect(await desk.commit(lease)).toBe('granted');
    await desk.settle(lease, SENT);
  }
  return leases;
}
const fill = (desk: Desk, count: number, wish: Parameters<typeof newJob>[0] = {}) =>
  desk.ledger.enqueue(Array.from({ length: count }, () => newJob(wish)));
const addresses = (count: number, name = 'reader'): string[] => Array.from({ length: count }, (_, n) => `${name}${n}@example.com`);

/** The rolling windows: exact, shared by everybody on the ledger, and no poll of what waits. */
export function limits(given: Given): void {
  describe('case 8: limits', () => {
    given('lets as many mails go as a rule allows, and the next when the oldest leaves the window', async (desk) => {
      await limitTo(desk, SENDER, rule(3, HOUR));
      await fill(desk, 10);
      expect(await sendAll(desk)).toHaveLength(3);
      await desk.advance(30 * MINUTE);
      const batch = await desk.ledger.lease(leaseRequest());
      expect(batch.leases).toEqual([]);
      expectAbout(batch.askAgainMs, 30 * MINUTE);
      await desk.advance(20 * MINUTE);
      expect(await sendAll(desk)).toEqual([]);
      await desk.advance(15 * MINUTE);
      expect(await sendAll(desk)).toHaveLength(3);
    });

    given('never allows more commits than a rule in any window, wherever it begins', async (desk) => {
      await limitTo(desk, SENDER, rule(4, MINUTE, 'messages', 10 * SECOND));
      const steps = fc.sample(
        fc.record({
          waitMs: fc.constantFrom(0, 5, 9, 14, 33, 61, 75),
          takes: fc.nat(3),
          end: fc.constantFrom('sent', 'sent', 'refused', 'back', 'doubt'),
        }),
        { numRuns: 60, seed: 7 },
      );
      await fill(desk, 200);
      const commits: number[] = [];
      for (const { waitMs, takes, end } of steps) {
        await desk.advance(waitMs * SECOND);
        for (const lease of await desk.take({ max: takes + 1 })) {
          if (end === 'back') {
            await desk.settle(lease, SHUTDOWN);
            continue;
          }
          expect(await desk.commit(lease)).toBe('granted');
          commits.push(await desk.now());
          await desk.settle(lease, end === 'sent' ? SENT : end === 'refused' ? REFUSED : UNSEEN);
        }
      }
      expect(commits.length).toBeGreaterThan(40);
      const tooMany = commits.filter((at, n) => n >= 4 && at - (commits[n - 4] ?? 0) < 70 * SECOND - 5);
      expect(tooMany, 'commits that come sooner than a window after the fourth before them').toEqual([]);
    });

    given('counts a mail from its commit, not from its lease', async (desk) => {
      await limitTo(desk, SENDER, rule(1, 10 * MINUTE));
      await fill(desk, 2);
      const lease = await desk.takeOne();
      await desk.advance(LEASE / 2);
      expect(await desk.commit(lease)).toBe('granted');
      await desk.settle(lease, SENT);
      await desk.advance(10 * MINUTE - LEASE / 4);
      expect(await desk.take()).toEqual([]);
      await desk.advance(LEASE / 2);
      expect(await desk.take()).toHaveLength(1);
    });

    given('counts a mail as long as it is under way, however long that is', async (desk) => {
      await limitTo(desk, SENDER, rule(1, 30 * SECOND));
      await fill(desk, 2);
      const lease = await desk.takeAndCommit();
      for (let beats = 0; beats < 4; beats++) {
        await desk.advance(LEASE / 2);
        expect(await desk.extend(lease)).toBe('extended');
        expect(await desk.take()).toEqual([]);
      }
      await desk.settle(lease, SENT);
      expect(await desk.take()).toHaveLength(1); // its commit is long past
    });

    given('gives the seat back when an attempt ends before its commit', async (desk) => {
      await limitTo(desk, SENDER, rule(1, DAY));
      await fill(desk, 4);
      await desk.settle(await desk.takeOne(), retryIn(HOUR));
      await desk.settle(await desk.takeOne(), REFUSED);
      const lease = await desk.takeOne();
      expect(await desk.cancel(lease.jobId)).toBe('canceled');
      expect(await desk.take()).toHaveLength(1);
    });

    given('gives the seat back when a worker dies before the commit, and keeps it when it dies after', async (desk) => {
      await limitTo(desk, SENDER, rule(2, DAY));
      await fill(desk, 4);
      await desk.takeOne();
      await desk.takeAndCommit();
      expect(await desk.take()).toEqual([]);
      await desk.advance(LEASE + 5 * SECOND);
      expect(await desk.sweep()).toMatchObject({ crashed: 1, inDoubt: 1 });
      expect(await desk.take()).toHaveLength(1);
    });

    given('keeps the seat of a refused or doubtful mail that had its commit', async (desk) => {
      await limitTo(desk, SENDER, rule(2, DAY));
      await fill(desk, 4);
      await desk.settle(await desk.takeAndCommit(), REFUSED);
      await desk.settle(await desk.takeAndCommit(), UNSEEN);
      expect(await desk.take()).toEqual([]);
    });

    given('holds to several rules at once', async (desk) => {
      await limitTo(desk, SENDER, rule(2, MINUTE), rule(3, HOUR));
      await fill(desk, 10);
      expect(await sendAll(desk)).toHaveLength(2);
      await desk.advance(MINUTE + 5 * SECOND);
      expect(await sendAll(desk)).toHaveLength(1);
      await desk.advance(10 * MINUTE);
      const batch = await desk.ledger.lease(leaseRequest());
      expect(batch.leases).toEqual([]);
      expectAbout(batch.askAgainMs, 49 * MINUTE - 5 * SECOND);
    });

    given('limits an inbox without holding up its neighbours, and a sender for all of them', async (desk) => {
      await limitTo(desk, SENDER, rule(5, HOUR));
      await limitTo(desk, inboxScope(laneId('chatty')), rule(1, HOUR));
      await fill(desk, 10, { lane: 'chatty' });
      await fill(desk, 10, { lane: 'calm' });
      const sent = await sendAll(desk);
      expect(sent.filter(({ lane }) => lane === 'chatty')).toHaveLength(1);
      expect(sent).toHaveLength(5);
    });

    given('leaves other senders alone, and touches no waiting mail before its time', async (desk) => {
      await limitTo(desk, SENDER, rule(2, HOUR));
      await fill(desk, 50);
      await sendAll(desk);
      for (let look = 0; look < 20; look++) {
        await desk.advance(MINUTE);
        await desk.put({ sender: 'other' });
        expect((await sendAll(desk)).map(({ sender }) => sender)).toEqual(['other']);
      }
      const waiting = (await desk.ledger.list({ max: 100, states: ['ready'] })).jobs;
      expect(waiting).toHaveLength(48);
      expect(waiting.every(({ token, attempts }) => token === 0 && attempts === 0)).toBe(true);
    });

    given('counts recipients, and makes a larger mail wait without letting a later one of its inbox pass', async (desk) => {
      await limitTo(desk, SENDER, rule(5, HOUR, 'recipients'));
      await desk.put({ to: addresses(3) });
      const large = await desk.put({ to: addresses(4) });
      const small = await desk.put({ to: addresses(1) });
      const other = await desk.put({ to: addresses(2), lane: 'other' });
      expect((await sendAll(desk)).map(({ jobId }) => jobId)).not.toContain(small.id);
      expect(await desk.stateOf(other.id)).toBe('sent');
      expect(await desk.stateOf(large.id)).toBe('ready');
      await desk.advance(HOUR + 5 * SECOND);
      await sendAll(desk);
      expect([await desk.stateOf(large.id), await desk.stateOf(small.id)]).toEqual(['sent', 'sent']);
    });

    given('counts a recipient once a window where a rule counts unique ones, from the last mail on', async (desk) => {
      await limitTo(desk, SENDER, rule(2, HOUR, 'uniqueRecipients'));
      const one = { to: ['One@example.com'] };
      await desk.put(one);
      await sendAll(desk);
      await desk.advance(30 * MINUTE);
      await desk.put({ to: ['one@example.com', 'two@example.com'] });
      expect(await sendAll(desk)).toHaveLength(1);
      const third = await desk.put({ to: ['three@example.com'] });
      await desk.put({ ...one, lane: 'other' });
      expect(await sendAll(desk)).toHaveLength(1);
      await desk.advance(40 * MINUTE); // the first mail to `one` is out of the window, the later ones are not
      expect(await sendAll(desk)).toEqual([]);
      await desk.advance(25 * MINUTE);
      await sendAll(desk);
      expect(await desk.stateOf(third.id)).toBe('sent');
    });

    given('counts only recipients outside the sender’s own domains where a rule says so', async (desk) => {
      await setLimits(desk, SENDER, { rules: [rule(1, HOUR, 'externalRecipients')], ownDomains: ['ours.example'] });
      await desk.put({ to: ['a@ours.example', 'b@ours.example', 'c@example.com'] });
      await desk.put({ to: ['d@ours.example'], lane: 'second' });
      await desk.put({ to: ['e@example.com'], lane: 'third' });
      expect(await sendAll(desk)).toHaveLength(2);
    });

    given('counts recipients that were never mailed before, and knows them for good', async (desk) => {
      await limitTo(desk, SENDER, rule(2, HOUR, 'newRecipients'));
      await desk.put({ to: ['one@example.com', 'two@example.com'] });
      await sendAll(desk);
      const known = await desk.put({ to: ['two@example.com'] });
      const fresh = await desk.put({ to: ['three@example.com'], lane: 'other' });
      await sendAll(desk);
      expect([await desk.stateOf(known.id), await desk.stateOf(fresh.id)]).toEqual(['sent', 'ready']);
      await desk.advance(5 * HOUR);
      await sendAll(desk);
      const again = await desk.put({ to: ['one@example.com', 'three@example.com', 'two@example.com'] });
      await sendAll(desk);
      expect(await desk.stateOf(again.id)).toBe('sent');
    });

    given('keeps its history when a limit is raised or lowered', async (desk) => {
      await limitTo(desk, SENDER, rule(4, HOUR));
      await fill(desk, 20);
      expect(await sendAll(desk)).toHaveLength(4);
      await limitTo(desk, SENDER, rule(6, HOUR));
      expect(await sendAll(desk)).toHaveLength(2);
      await limitTo(desk, SENDER, rule(3, HOUR));
      await desk.advance(59 * MINUTE);
      expect(await sendAll(desk)).toEqual([]);
      await desk.advance(2 * MINUTE);
      expect(await sendAll(desk)).toHaveLength(3);
    });

    given('gives a new window the history of the longest one of its unit', async (desk) => {
      await limitTo(desk, SENDER, rule(10, HOUR));
      await fill(desk, 20);
      const first = await desk.take({ max: 3 });
      for (const lease of first) {
        await desk.commit(lease);
        await desk.settle(lease, SENT);
      }
      await limitTo(desk, SENDER, rule(10, HOUR), rule(4, 30 * MINUTE));
      expect(await sendAll(desk)).toHaveLength(1);
    });

    given('takes limits away without a trace in the queue', async (desk) => {
      await limitTo(desk, SENDER, rule(1, DAY));
      await fill(desk, 3);
      expect(await sendAll(desk)).toHaveLength(1);
      await desk.ledger.limit([{ scope: SENDER }]);
      expect(await sendAll(desk)).toHaveLength(2);
    });

    given('counts across a restart', async (desk) => {
      await limitTo(desk, SENDER, rule(3, HOUR), rule(2, HOUR, 'uniqueRecipients'));
      await fill(desk, 6);
      const held = await desk.takeOne();
      await sendAll(desk);
      await desk.reopen();
      expect(await desk.take()).toEqual([]);
      expect(await desk.commit(held)).toBe('granted');
      await desk.settle(held, SENT);
      await desk.advance(HOUR + 5 * SECOND);
      expect(await sendAll(desk)).toHaveLength(3);
    });

    given('counts for all who share the ledger', async (desk) => {
      const second = await desk.second();
      await limitTo(desk, SENDER, rule(5, HOUR));
      await fill(desk, 20);
      const batches = await Promise.all(
        [1, 2, 3, 4].flatMap(() => [desk.ledger, second].map((ledger) => ledger.lease(leaseRequest({ max: 2 })))),
      );
      expect(batches.flatMap(({ leases }) => leases)).toHaveLength(5);
    });

    given('refuses a mail that could never fit, and ends one that no longer can', async (desk) => {
      await limitTo(desk, SENDER, rule(3, HOUR, 'recipients'));
      const [refused] = await desk.ledger.enqueue([newJob({ to: addresses(4), key: 'once' })]);
      expect(refused).toMatchObject({ kind: 'over-limit', scope: SENDER, cost: 4, rule: { unit: 'recipients', max: 3 } });
      expect((await desk.ledger.stats()).byState.ready).toBe(0);
      const { id } = await desk.put({ to: addresses(3), key: 'once' });
      const after = await desk.put();
      await limitTo(desk, SENDER, rule(2, HOUR, 'recipients'));
      expect((await sendAll(desk)).map(({ jobId }) => jobId)).toEqual([after.id]);
      expect(await desk.job(id)).toMatchObject({ state: 'dead', reason: 'over_limit' });
    });

    given('spreads mail out by a pace, with a burst after a rest', async (desk) => {
      await setLimits(desk, SENDER, { rules: [], pace: { everyMs: MINUTE, burst: 3 } });
      await fill(desk, 20);
      expect(await sendAll(desk)).toHaveLength(3);
      const batch = await desk.ledger.lease(leaseRequest());
      expect(batch.leases).toEqual([]);
      expectAbout(batch.askAgainMs, MINUTE);
      await desk.advance(MINUTE + 5 * SECOND);
      expect(await sendAll(desk)).toHaveLength(1);
      await desk.advance(10 * MINUTE);
      expect(await sendAll(desk)).toHaveLength(3);
    });

    given('gives the pace back when an attempt ends before its commit', async (desk) => {
      await setLimits(desk, SENDER, { rules: [], pace: { everyMs: HOUR, burst: 1 } });
      await fill(desk, 2);
      await desk.settle(await desk.takeOne(), SHUTDOWN);
      expect(await desk.take()).toHaveLength(1);
    });

    given('lets no more connections be used than a sender may have, and a worker use its own again', async (desk) => {
      await setLimits(desk, SENDER, { rules: [], connections: { max: 2, idleMs: 20 * SECOND } });
      await fill(desk, 20);
      const mine = await desk.take();
      expect(mine).toHaveLength(2);
      const [first, second] = mine;
      if (first === undefined || second === undefined) return;
      expect(await desk.take({ worker: OTHER_WORKER })).toEqual([]);
      await desk.settle(first, SHUTDOWN);
      expect(await desk.take({ worker: OTHER_WORKER })).toEqual([]); // its connection is still open
      expect(await desk.take()).toHaveLength(1);
      await desk.settle(second, SHUTDOWN);
      await desk.advance(25 * SECOND);
      expect(await desk.take({ worker: OTHER_WORKER })).toHaveLength(1);
    });

    given('comes back to an inbox that waits, after another mail of its sender has ended', async (desk) => {
      await setLimits(desk, SENDER, { rules: [], connections: { max: 5, idleMs: SECOND } });
      await limitTo(desk, inboxScope(laneId('slow')), rule(1, 10 * MINUTE));
      await fill(desk, 2, { lane: 'slow' });
      await desk.put({ lane: 'quick' });
      for (const lease of await desk.take()) {
        await desk.take(); // the second mail of the slow inbox is found to wait
        await desk.commit(lease);
        await desk.settle(lease, SENT);
      }
      await desk.advance(11 * MINUTE);
      expect(await desk.take()).toHaveLength(1);
    });

    given('comes back to an inbox that waits longer than its sender does', async (desk) => {
      await limitTo(desk, SENDER, rule(3, MINUTE));
      await limitTo(desk, inboxScope(laneId('slow')), rule(1, 10 * MINUTE));
      await fill(desk, 2, { lane: 'slow', priority: 'high' });
      await desk.put({ lane: 'quick' });
      expect(await sendAll(desk)).toHaveLength(2);
      await desk.put({ lane: 'quick' });
      expect(await sendAll(desk)).toHaveLength(1); // and with it the sender is full
      await desk.advance(2 * MINUTE);
      const batch = await desk.ledger.lease(leaseRequest());
      expect(batch.leases).toEqual([]);
      expectAbout(batch.askAgainMs, 8 * MINUTE);
      await desk.advance(9 * MINUTE);
      expect(await desk.take()).toHaveLength(1);
    });

    given('ends no more than a bounded number of mails in one lease', async (desk) => {
      for (let n = 0; n < 3; n++) await fill(desk, 1_000, { to: addresses(3) });
      await limitTo(desk, SENDER, rule(2, HOUR, 'recipients'));
      const { askAgainMs } = await desk.ledger.lease(leaseRequest({ max: 10 }));
      const { dead, ready } = (await desk.ledger.stats()).byState;
      if (ready > 0) expectAbout(askAgainMs, 0);
      for (let n = 0; n < 5; n++) await desk.take({ max: 10 });
      expect((await desk.ledger.stats()).byState.dead).toBe(3_000);
      expect(dead).toBeGreaterThan(0);
    });

    given('counts apart jobs as ready only when they may go', async (desk) => {
      await desk.put();
      for (let crash = 0; crash < 2; crash++) {
        await desk.takeOne();
        await desk.advance(2 * MINUTE);
        await desk.sweep({ apartDelaysMs: [0] });
      }
      expect((await desk.ledger.lease(leaseRequest())).apartReady).toBe(1);
      await desk.ledger.hold([{ scope: SENDER, why: 'pause', note: '' }]);
      expect((await desk.ledger.lease(leaseRequest())).apartReady).toBe(0);
    });

    given('wakes a worker when a settle gives another mail its seat', async (desk) => {
      await setLimits(desk, SENDER, { rules: [], connections: { max: 1, idleMs: SECOND } });
      await fill(desk, 2);
      const lease = await desk.takeOne();
      expect((await desk.ledger.lease(leaseRequest())).leases).toEqual([]);
      const woken = desk.ledger.wake(HOUR, new AbortController().signal);
      await desk.settle(lease, REFUSED);
      await woken;
      expect(await desk.take()).toHaveLength(1);
    });
  });
}
