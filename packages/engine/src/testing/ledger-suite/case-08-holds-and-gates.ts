import { describe, expect } from 'vitest';
import { laneId, senderId } from '../../model/ids.ts';
import { identityScope, inboxScope, type Scope, senderScope, tenantScope } from '../../model/scope.ts';
import type { Lease } from '../../ports/ledger.ts';
import type { Effect, Hold } from '../../ports/ledger-scopes.ts';
import { sendAll } from './case-08-limits.ts';
import {
  ALICE,
  BOB,
  type Desk,
  expectAbout,
  type Given,
  HOUR,
  leaseRequest,
  MINUTE,
  newJob,
  OTHER_WORKER,
  REFUSED,
  retryIn,
  SECOND,
  SENT,
  SHUTDOWN,
} from './desk.ts';

const SENDER = senderScope(senderId('default'));
const hold = (desk: Desk, scope: Scope, wish: Partial<Hold> = {}): Promise<void> =>
  desk.ledger.hold([{ scope, why: 'pause', note: 'Held by a test.', ...wish }]);
const lift = async (desk: Desk, scope: Scope, why: Hold['why'] = 'pause'): Promise<boolean | undefined> =>
  (await desk.ledger.lift([{ scope, why }]))[0];

const FAILED: Effect = { kind: 'failed', baseMs: 30 * SECOND, spread: 0.5, note: 'Connection refused.' };
const THROUGH: Effect = { kind: 'through', isTaken: true };
const throttled = (askedMs = 0): Effect => ({ kind: 'throttled', askedMs, baseMs: 30 * SECOND, spread: 0.5, note: 'Too fast.' });
const giveBack = (desk: Desk, lease: Lease, effect: Effect) =>
  desk.settle(lease, { kind: 'release', why: 'throttled', delayMs: 0 }, { effects: [effect] });
const gateOf = async (desk: Desk) => (await desk.ledger.standing([SENDER]))[0]?.sender?.gate;

/** What holds mail back besides limits: a person, a broken account, a peer that asks for less. */
export function holdsAndGates(given: Given): void {
  describe('case 8: holds', () => {
    for (const [what, scope, free] of [
      ['a sender', SENDER, { sender: 'other' }],
      ['an inbox', inboxScope(laneId('inbox')), { lane: 'other' }],
      ['a tenant', tenantScope(ALICE), { tenant: BOB, lane: 'bobs' }],
      ['a domain', identityScope('shoal.example'), { from: 'agent@other.example', lane: 'elsewhere' }],
    ] as const) {
      given(`leases nothing of ${what} that is held, all else, and everything once it is lifted`, async (desk) => {
        await desk.put();
        await hold(desk, scope);
        await desk.put({ priority: 'high' });
        const other = await desk.put(free);
        expect((await desk.take()).map(({ jobId }) => jobId)).toEqual([other.id]);
        await desk.advance(HOUR);
        expect(await desk.take()).toEqual([]);
        expect(await lift(desk, scope)).toBe(true);
        expect(await desk.take()).toHaveLength(2);
        expect(await lift(desk, scope)).toBe(false);
      });
    }

    given('ends a hold by itself when its time is over, and says when to ask again', async (desk) => {
      await desk.put();
      await hold(desk, SENDER, { why: 'throttled', forMs: 10 * MINUTE });
      const batch = await desk.ledger.lease(leaseRequest());
      expect(batch.leases).toEqual([]);
      expectAbout(batch.askAgainMs, 10 * MINUTE);
      await desk.advance(11 * MINUTE);
      expect(await desk.take()).toHaveLength(1);
    });

    given('keeps holds of different reasons apart', async (desk) => {
      await desk.put();
      await hold(desk, SENDER);
      await hold(desk, SENDER, { why: 'account' });
      await lift(desk, SENDER);
      expect(await desk.take()).toEqual([]);
      await lift(desk, SENDER, 'account');
      expect(await desk.take()).toHaveLength(1);
    });

    given('refuses the commit of what was paused or stopped meanwhile, and grants it under any other hold', async (desk) => {
      for (const why of ['pause', 'stop', 'account', 'throttled'] as const) {
        await desk.put();
        const lease = await desk.takeOne();
        await hold(desk, tenantScope(ALICE), { why });
        expect(await desk.commit(lease)).toBe(why === 'pause' || why === 'stop' ? 'paused' : 'granted');
        await lift(desk, tenantScope(ALICE), why);
        await desk.settle(lease, REFUSED);
      }
    });

    given('holds what is scheduled as well, and lanes that are new', async (desk) => {
      await desk.put({ dueAt: (await desk.now()) + MINUTE });
      await hold(desk, tenantScope(ALICE));
      await desk.put({ lane: 'new' });
      await desk.advance(2 * MINUTE);
      expect(await desk.take()).toEqual([]);
      await lift(desk, tenantScope(ALICE));
      expect(await desk.take()).toHaveLength(2);
    });

    given('refuses new mail of what is stopped, and stores nothing of it', async (desk) => {
      await hold(desk, inboxScope(laneId('inbox')), { why: 'stop', note: 'Stopped by a person.' });
      const [answer] = await desk.ledger.enqueue([newJob({ key: 'once' })]);
      expect(answer).toMatchObject({ kind: 'stopped', hold: { why: 'stop', note: 'Stopped by a person.' } });
      expect((await desk.ledger.list({ max: 10 })).jobs).toEqual([]);
      expect(await desk.ledger.findKeys([{ tenant: ALICE, key: 'once' }])).toEqual([{ kind: 'free', generation: 0 }]);
      await lift(desk, inboxScope(laneId('inbox')), 'stop');
      await desk.put({ key: 'once' });
    });

    given('answers a repeat of what came in before the stop', async (desk) => {
      const job = newJob({ key: 'once' });
      await desk.ledger.enqueue([job]);
      await hold(desk, inboxScope(laneId('inbox')), { why: 'stop' });
      expect(await desk.ledger.enqueue([job])).toMatchObject([{ kind: 'existing' }]);
    });

    given('keeps holds over a restart', async (desk) => {
      await desk.put();
      await hold(desk, SENDER, { why: 'account', login: 'hash' });
      await desk.reopen();
      expect(await desk.take()).toEqual([]);
      expect((await desk.ledger.standing([SENDER]))[0]?.holds).toMatchObject([{ why: 'account', login: 'hash', note: 'Held by a test.' }]);
      await lift(desk, SENDER, 'account');
      expect(await desk.take()).toHaveLength(1);
    });

    given('keeps the longer hold when attempts find the same scope held', async (desk) => {
      const found = async (hold: Partial<Hold>): Promise<void> => {
        await desk.put();
        const lease = await desk.takeOne({ max: 1 });
        leases.push({ lease, effect: { kind: 'hold', hold: { scope: SENDER, why: 'account', note: 'Refused.', ...hold } } });
      };
      const leases: { lease: Lease; effect: Effect }[] = [];
      await found({ login: 'first' });
      await found({ forMs: 5 * MINUTE });
      for (const { lease, effect } of leases) await giveBack(desk, lease, effect);
      await desk.advance(HOUR);
      expect(await desk.take()).toEqual([]);
      expect((await desk.ledger.standing([SENDER]))[0]?.holds).toMatchObject([{ why: 'account', login: 'first' }]);
    });

    given('holds a scope as an attempt found it, in the same act as its end', async (desk) => {
      await desk.put();
      await desk.put();
      const effect: Effect = { kind: 'hold', hold: { scope: SENDER, why: 'account', note: 'The password is wrong.' } };
      await giveBack(desk, await desk.takeOne(), effect);
      await desk.advance(HOUR);
      expect(await desk.take()).toEqual([]);
      expect((await desk.ledger.standing([SENDER]))[0]?.holds).toMatchObject([{ why: 'account', note: 'The password is wrong.' }]);
    });
  });

  describe('case 8: gates', () => {
    given('stops a sender for everybody when its peer asks it to slow down, and no other', async (desk) => {
      await desk.ledger.enqueue(Array.from({ length: 5 }, () => newJob()));
      await giveBack(desk, await desk.takeOne(), throttled());
      expect(await desk.take({ worker: OTHER_WORKER })).toEqual([]);
      await desk.put({ sender: 'other' });
      expect(await desk.take({ worker: OTHER_WORKER })).toHaveLength(1);
      const batch = await desk.ledger.lease(leaseRequest());
      expectAbout(batch.askAgainMs, 30 * SECOND);
    });

    given('waits as long as the peer asked for', async (desk) => {
      await desk.put();
      await giveBack(desk, await desk.takeOne(), throttled(HOUR));
      await desk.advance(59 * MINUTE);
      expect(await desk.take()).toEqual([]);
      await desk.advance(2 * MINUTE);
      expect(await desk.take()).toHaveLength(1);
    });

    given('takes no mail for a probe that was leased before the gate closed, although its lease was given again since', async (desk) => {
      await desk.put();
      await desk.put();
      const asked = await desk.takeOne();
      const lost = await desk.takeOne();
      await giveBack(desk, asked, throttled());
      await desk.advance(40 * SECOND);
      const [again] = await desk.take({ knownLeases: [], max: 1 });
      expect(again).toMatchObject({ jobId: lost.jobId, token: lost.token });
      expect(await desk.commit(lost)).toBe('granted');
      await desk.settle(lost, SENT, { effects: [THROUGH] });
      expect(await gateOf(desk)).toMatchObject({ openMax: 1 });
    });

    given('lets one probe go in the whole fleet, and more with each mail that is taken', async (desk) => {
      await desk.ledger.enqueue(Array.from({ length: 40 }, () => newJob()));
      await giveBack(desk, await desk.takeOne(), throttled());
      await desk.advance(40 * SECOND);
      const probe = await desk.takeOne();
      expect(await desk.take({ worker: OTHER_WORKER })).toEqual([]);
      let under = [probe];
      for (const expected of [2, 4, 8]) {
        for (const lease of under) {
          await desk.commit(lease);
          await desk.settle(lease, SENT, { effects: [THROUGH] });
        }
        under = [...(await desk.take({ worker: OTHER_WORKER }))];
        expect(under).toHaveLength(expected);
      }
    });

    given('waits twice as long each time the probe is turned away, whatever the crowd before it said', async (desk) => {
      await desk.ledger.enqueue(Array.from({ length: 10 }, () => newJob()));
      const crowd = await desk.take({ max: 6 });
      for (const lease of crowd) await giveBack(desk, lease, throttled());
      expectAbout((await desk.ledger.lease(leaseRequest())).askAgainMs, 30 * SECOND);
      await desk.advance(40 * SECOND);
      await giveBack(desk, await desk.takeOne(), throttled());
      expectAbout((await desk.ledger.lease(leaseRequest())).askAgainMs, 60 * SECOND);
      await desk.advance(70 * SECOND);
      await giveBack(desk, await desk.takeOne(), FAILED);
      expectAbout((await desk.ledger.lease(leaseRequest())).askAgainMs, 120 * SECOND);
    });

    given('sends the probe again when its worker dies', async (desk) => {
      await desk.put();
      await desk.put();
      await giveBack(desk, await desk.takeOne(), throttled());
      await desk.advance(40 * SECOND);
      await desk.takeOne();
      await desk.advance(2 * MINUTE);
      await desk.sweep();
      expect(await desk.take({ worker: OTHER_WORKER })).toHaveLength(1);
    });

    given('sends the probe although much mail expired while the gate was closed', async (desk) => {
      await desk.put();
      await giveBack(desk, await desk.takeOne(), throttled());
      const expiresAt = (await desk.now()) + 20 * SECOND;
      await desk.ledger.enqueue(Array.from({ length: 25 }, () => newJob({ expiresAt, priority: 'high' })));
      await desk.advance(40 * SECOND);
      const leased = [];
      for (let n = 0; n < 5; n++) leased.push(...(await desk.take({ max: 10 })));
      expect(leased).toHaveLength(1);
    });

    given('closes when half of what is tried fails, and not for mail that was refused', async (desk) => {
      await desk.ledger.enqueue(Array.from({ length: 60 }, () => newJob()));
      for (const lease of await desk.take({ max: 20 }))
        await desk.settle(lease, REFUSED, { effects: [{ kind: 'through', isTaken: false }] });
      expect(await gateOf(desk)).toMatchObject({ closedUntil: 0 });
      const failing = await desk.take({ max: 20 });
      for (const lease of failing.slice(0, 19)) await desk.settle(lease, retryIn(HOUR), { effects: [FAILED] });
      expect(await gateOf(desk)).toMatchObject({ closedUntil: 0 });
      await desk.settle(failing[19] as Lease, retryIn(HOUR), { effects: [FAILED] });
      expect(await gateOf(desk)).toMatchObject({ why: 'failing', note: 'Connection refused.' });
      expect(await desk.take()).toEqual([]);
    });

    given('opens by hand', async (desk) => {
      await desk.put();
      await giveBack(desk, await desk.takeOne(), throttled(HOUR));
      expect(await desk.take()).toEqual([]);
      await lift(desk, SENDER);
      expect(await desk.take()).toHaveLength(1);
    });

    given('uses one connection fewer when the peer says that there are too many', async (desk) => {
      await desk.ledger.enqueue(Array.from({ length: 20 }, () => newJob()));
      const [first, ...others] = await desk.take({ max: 5 });
      await giveBack(desk, first as Lease, { kind: 'crowded' });
      expect(await desk.take()).toEqual([]);
      for (const lease of others.slice(0, 2)) await desk.settle(lease, SHUTDOWN);
      expect(await desk.take()).toHaveLength(2);
    });

    given('applies what an attempt said about its peer once, however often the settle is repeated', async (desk) => {
      await desk.put();
      const lease = await desk.takeOne();
      await giveBack(desk, lease, throttled());
      const before = await gateOf(desk);
      await desk.advance(SECOND);
      expect(await giveBack(desk, lease, throttled())).toMatchObject({ kind: 'repeated' });
      expect(await gateOf(desk)).toEqual(before);
    });

    given('keeps the gate over a restart', async (desk) => {
      await desk.put();
      await giveBack(desk, await desk.takeOne(), throttled(HOUR));
      await desk.reopen();
      expect(await desk.take()).toEqual([]);
      await desk.advance(HOUR + MINUTE);
      expect(await desk.take()).toHaveLength(1);
    });

    given('lets first attempts go while retries wait for their budget', async (desk) => {
      for (let round = 0; round < 2; round++) {
        await desk.ledger.enqueue(Array.from({ length: 100 }, () => newJob()));
        for (const lease of await desk.take({ max: 100 })) await desk.settle(lease, retryIn(HOUR, 'deferred'));
      }
      await desk.advance(HOUR + MINUTE);
      expect(await desk.take({ max: 1_000 })).toHaveLength(100);
      const fresh = await desk.put();
      expect((await desk.take({ max: 1_000 })).map(({ jobId }) => jobId)).toEqual([fresh.id]);
      await desk.advance(MINUTE);
      const later = await desk.take({ max: 1_000, worker: OTHER_WORKER });
      expect(later.length).toBeGreaterThanOrEqual(9);
      expect(later.length).toBeLessThanOrEqual(12);
    });

    given('asks no retry budget of greylisted mail', async (desk) => {
      for (let round = 0; round < 2; round++) {
        await desk.ledger.enqueue(Array.from({ length: 100 }, () => newJob()));
        for (const lease of await desk.take({ max: 100 })) await desk.settle(lease, retryIn(HOUR, 'greylist'));
      }
      await desk.advance(HOUR + MINUTE);
      expect(await desk.take({ max: 1_000 })).toHaveLength(200);
    });

    given('sends all as it did before once everything is well again', async (desk) => {
      await desk.ledger.enqueue(Array.from({ length: 200 }, () => newJob()));
      await giveBack(desk, await desk.takeOne(), throttled());
      await desk.advance(40 * SECOND);
      for (let round = 0; round < 12; round++) {
        for (const lease of await desk.take()) {
          await desk.commit(lease);
          await desk.settle(lease, SENT, { effects: [THROUGH] });
        }
      }
      expect((await desk.ledger.stats()).byState.sent).toBe(200);
      expect((await sendAll(desk)).length).toBe(0);
    });
  });
}
