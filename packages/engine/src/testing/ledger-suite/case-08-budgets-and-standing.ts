import { describe, expect } from 'vitest';
import { laneId, senderId, workerId } from '../../model/ids.ts';
import { budgetScope, inboxScope, senderScope, tenantScope } from '../../model/scope.ts';
import type { Enqueued } from '../../ports/ledger.ts';
import { type Forecast, WORKER_SEEN_MS } from '../../ports/ledger-scopes.ts';
import { limitTo, rule, sendAll } from './case-08-limits.ts';
import { ALICE, type Desk, expectAbout, type Given, HOUR, MINUTE, newJob, SECOND, SLACK_MS } from './desk.ts';

const SENDER = senderScope(senderId('default'));
const TOKEN = budgetScope('tok_1');
const INBOX = budgetScope('ibx_1');

const submit = async (desk: Desk, wish: Parameters<typeof newJob>[0] = {}): Promise<Enqueued> => {
  const [answer] = await desk.ledger.enqueue([newJob({ budgets: [TOKEN, INBOX], ...wish })]);
  if (answer === undefined) throw new Error('enqueue answered nothing');
  return answer;
};
const forecast = async (desk: Desk, wish: Parameters<typeof newJob>[0] = {}) => {
  const [answer] = await desk.ledger.enqueue([newJob(wish)]);
  if (answer?.kind !== 'created') throw new Error(`expected a new job, got ${JSON.stringify(answer)}`);
  return answer.forecast;
};

/** What an agent may ask for, and what everybody is told about how things stand. */
export function budgetsAndStanding(given: Given): void {
  describe('case 8: budgets', () => {
    given('counts what is submitted, and refuses what is too much until there is room', async (desk) => {
      await limitTo(desk, TOKEN, rule(2, HOUR));
      const first = await submit(desk);
      expect(first).toMatchObject({ kind: 'created', budgets: [{ scope: TOKEN, used: 1, left: 1 }] });
      await submit(desk);
      const refused = await submit(desk, { key: 'once' });
      expect(refused).toMatchObject({ kind: 'over-budget', cost: 1, allowance: { scope: TOKEN, used: 2, left: 0 } });
      if (refused.kind === 'over-budget') expectAbout(refused.freeAt, (await desk.now()) + HOUR);
      expect((await desk.ledger.stats()).byState.ready).toBe(2);
      expect(await desk.ledger.findKeys([{ tenant: ALICE, key: 'once' }])).toEqual([{ kind: 'free', generation: 0 }]);
      await desk.advance(HOUR + 5 * SECOND);
      expect(await submit(desk, { key: 'once' })).toMatchObject({ kind: 'created' });
    });

    given('counts a mail under all of its budgets or under none', async (desk) => {
      await limitTo(desk, TOKEN, rule(5, HOUR));
      await limitTo(desk, INBOX, rule(1, HOUR));
      await submit(desk);
      for (let n = 0; n < 3; n++) expect(await submit(desk)).toMatchObject({ kind: 'over-budget', allowance: { scope: INBOX } });
      expect(await desk.ledger.standing([TOKEN])).toMatchObject([{ allowances: [{ used: 1, left: 4 }] }]);
    });

    given('counts a repeat once', async (desk) => {
      await limitTo(desk, TOKEN, rule(5, HOUR));
      const job = newJob({ budgets: [TOKEN], key: 'once' });
      await desk.ledger.enqueue([job]);
      await desk.ledger.enqueue([job]);
      expect(await desk.ledger.standing([TOKEN])).toMatchObject([{ allowances: [{ used: 1 }] }]);
    });

    given('counts recipients and those never mailed before', async (desk) => {
      await limitTo(desk, TOKEN, rule(3, HOUR, 'recipients'), rule(2, HOUR, 'newRecipients'));
      expect(await submit(desk, { to: ['a@example.com', 'b@example.com'] })).toMatchObject({ kind: 'created' });
      expect(await submit(desk, { to: ['a@example.com'] })).toMatchObject({ kind: 'created' });
      expect(await submit(desk, { to: ['a@example.com'] })).toMatchObject({
        kind: 'over-budget',
        allowance: { rule: { unit: 'recipients' } },
      });
      await desk.advance(2 * HOUR);
      expect(await submit(desk, { to: ['a@example.com', 'c@example.com', 'd@example.com'] })).toMatchObject({ kind: 'created' });
      await desk.advance(2 * HOUR);
      expect(await submit(desk, { to: ['e@example.com', 'f@example.com', 'g@example.com'] })).toMatchObject({
        kind: 'over-budget',
        cost: 3,
        allowance: { rule: { unit: 'newRecipients' } },
      });
    });

    given('says no time when a mail is larger than a whole budget', async (desk) => {
      await limitTo(desk, TOKEN, rule(1, HOUR, 'recipients'));
      const refused = await submit(desk, { to: ['a@example.com', 'b@example.com'] });
      expect(refused).toMatchObject({ kind: 'over-budget', cost: 2 });
      expect(refused).not.toHaveProperty('freeAt');
    });

    given('refuses what a stopped budget asks for', async (desk) => {
      await desk.ledger.hold([{ scope: TOKEN, why: 'stop', note: 'This agent is stopped.' }]);
      expect(await submit(desk)).toMatchObject({ kind: 'stopped', hold: { scope: TOKEN } });
      expect(await submit(desk, { budgets: [INBOX] })).toMatchObject({ kind: 'created' });
    });

    given('keeps budgets over a restart', async (desk) => {
      await limitTo(desk, TOKEN, rule(1, HOUR));
      await submit(desk);
      await desk.reopen();
      expect(await submit(desk)).toMatchObject({ kind: 'over-budget' });
    });
  });

  describe('case 8: what is said', () => {
    given('forecasts that a mail goes at once when nothing is in its way', async (desk) => {
      const said = await forecast(desk);
      expect(said).toMatchObject({ ahead: 0 });
      expect(said).not.toHaveProperty('because');
      expectAbout(said.at, await desk.now());
    });

    given('forecasts when a mail will go under the limits, others before it', async (desk) => {
      await limitTo(desk, SENDER, rule(2, HOUR));
      const said: Forecast[] = [];
      for (let n = 0; n < 6; n++) said.push(await forecast(desk));
      const now = await desk.now();
      expect(said.map(({ ahead }) => ahead)).toEqual([0, 1, 2, 3, 4, 5]);
      for (const [n, hours] of [0, 0, 1, 1, 2, 2].entries()) expectAbout(said[n]?.at, now + hours * HOUR);
      expect(said[5]?.because).toMatchObject({ kind: 'limit', scope: SENDER, rule: { max: 2 } });
      await sendAll(desk);
      await desk.advance(30 * MINUTE);
      expectAbout((await forecast(desk)).at, now + 3 * HOUR); // four before it, two an hour
    });

    given('forecasts what a hold, a gate and a due time mean', async (desk) => {
      const now = await desk.now();
      expect(await forecast(desk, { dueAt: now + HOUR })).toMatchObject({ because: { kind: 'due' } });
      await desk.ledger.hold([{ scope: SENDER, why: 'throttled', forMs: 2 * HOUR, note: 'Slowly.' }]);
      const held = await forecast(desk, { dueAt: now + HOUR });
      expect(held.because).toEqual({ kind: 'hold', scope: SENDER, why: 'throttled', note: 'Slowly.' });
      expectAbout(held.at, now + 2 * HOUR);
      await desk.ledger.hold([{ scope: SENDER, why: 'pause', note: 'By a person.' }]);
      const paused = await forecast(desk);
      expect(paused).not.toHaveProperty('at');
      expect(paused.because).toMatchObject({ kind: 'hold', why: 'pause' });
    });

    given('says of a sender what is used and left, what waits, and until when', async (desk) => {
      await limitTo(desk, SENDER, rule(2, HOUR), rule(10, HOUR, 'recipients'));
      await desk.ledger.enqueue(Array.from({ length: 5 }, () => newJob()));
      await desk.put({ dueAt: (await desk.now()) + HOUR });
      const now = await desk.now();
      await sendAll(desk);
      await desk.take(); // so that a ledger which looks at limits only then has looked
      const [standing] = await desk.ledger.standing([SENDER]);
      expect(standing).toMatchObject({
        scope: SENDER,
        allowances: [
          { rule: { unit: 'messages' }, used: 2, left: 0 },
          { rule: { unit: 'recipients' }, used: 2, left: 8 },
        ],
        sender: { ready: 3, scheduled: 1, underWay: 0, because: { kind: 'limit', rule: { unit: 'messages' } } },
      });
      expectAbout(standing?.allowances[0]?.nextFreeAt, now + HOUR);
      expectAbout(standing?.sender?.nextAt, now + HOUR);
      expect(standing?.sender?.doneAt).toBeGreaterThan(now + 2 * HOUR - 2 * SLACK_MS);
    });

    given('says nothing of a scope that nobody knows', async (desk) => {
      expect(await desk.ledger.standing([inboxScope(laneId('nobody')), senderScope(senderId('nobody'))])).toMatchObject([
        { allowances: [], holds: [] },
        { allowances: [], holds: [], sender: { ready: 0, scheduled: 0, underWay: 0 } },
      ]);
    });

    given('lists the scopes of a kind that have jobs, limits or holds', async (desk) => {
      await desk.put({ sender: 'busy' });
      await limitTo(desk, senderScope(senderId('limited')), rule(1, HOUR));
      await desk.ledger.hold([{ scope: senderScope(senderId('held')), why: 'pause', note: '' }]);
      expect(await desk.ledger.scopes({ kind: 'sender', max: 10 })).toEqual(['sender:busy', 'sender:held', 'sender:limited']);
      expect(await desk.ledger.scopes({ kind: 'sender', max: 1, after: 'busy' })).toEqual(['sender:held']);
      expect(await desk.ledger.scopes({ kind: 'tenant', max: 10 })).toEqual([tenantScope(ALICE)]);
    });

    given('names the workers that were heard of lately', async (desk) => {
      const beat = { host: 'here', pid: 7, version: '1.0.0', concurrency: 50, sending: 3, endedPerSecond: 12.5 };
      const [one, two] = ['1', '2'].map((digit) => workerId(`wrk_${digit.repeat(12)}`));
      if (one === undefined || two === undefined) return;
      await desk.ledger.beat({ id: one, ...beat });
      await desk.advance(WORKER_SEEN_MS - 15 * SECOND);
      await desk.ledger.beat({ id: two, ...beat, sending: 0 });
      expect(await desk.ledger.workers()).toMatchObject([
        { id: one, sending: 3, host: 'here' },
        { id: two, sending: 0 },
      ]);
      await desk.advance(20 * SECOND);
      expect((await desk.ledger.workers()).map(({ id }) => id)).toEqual([two]);
    });
  });
}
