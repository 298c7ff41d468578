import { describe, expect } from 'vitest';
import type { JobId } from '../../model/ids.ts';
import type { ChildJob } from '../../ports/ledger.ts';
import {
  DAY,
  type Desk,
  expectAbout,
  type Given,
  HOUR,
  LEASE,
  leaseRequest,
  MINUTE,
  nextJobId,
  REFUSED,
  retryIn,
  SECOND,
  SENT,
  UNSEEN,
} from './desk.ts';

/** Trying again, giving up, and the mail that kills its worker. */
export function retryAndPoison(given: Given): void {
  describe('case 9: retry and poison', () => {
    given('tries again after the delay and not before', async (desk) => {
      const { id } = await desk.put();
      await desk.settle(await desk.takeOne(), retryIn(10 * MINUTE));
      const waiting = await desk.job(id);
      expect(waiting).toMatchObject({ state: 'scheduled', attempts: 1 });
      expectAbout(waiting.dueAt, (await desk.now()) + 10 * MINUTE);
      await desk.advance(9 * MINUTE);
      await desk.sweep();
      expect(await desk.take()).toEqual([]);
      await desk.advance(2 * MINUTE);
      expect(await desk.sweep()).toMatchObject({ madeReady: 1 });
      expect((await desk.take()).map((lease) => lease.jobId)).toEqual([id]);
    });

    given('makes a job ready at once when the delay is nothing', async (desk) => {
      const { id } = await desk.put();
      expect(await desk.settle(await desk.takeOne(), retryIn(0))).toEqual({ kind: 'settled', state: 'ready' });
      expect(await desk.stateOf(id)).toBe('ready');
    });

    given('takes a clear not-yet after the commit as a retry, not as a doubt', async (desk) => {
      await desk.put();
      const lease = await desk.takeAndCommit();
      expect(await desk.settle(lease, retryIn(MINUTE, 'deferred'))).toEqual({ kind: 'settled', state: 'scheduled' });
      await desk.advance(2 * MINUTE);
      expect(await desk.takeAndCommit()).toMatchObject({ token: 2, attempts: 1 });
    });

    given('counts failures by class, and the time since the first of them', async (desk) => {
      const { id } = await desk.put();
      for (const failure of ['network', 'greylist', 'network', 'deferred'] as const) {
        await desk.settle(await desk.takeOne(), retryIn(MINUTE, failure));
        await desk.advance(2 * MINUTE);
      }
      expect(await desk.job(id)).toMatchObject({ attempts: 4, failures: { network: 2, greylist: 1, deferred: 1 } });
      const lease = await desk.takeOne();
      expect(lease).toMatchObject({ attempts: 4, failures: { network: 2, greylist: 1, deferred: 1 } });
      expectAbout(lease.failingMs, 8 * MINUTE);
      expectAbout((await desk.job(id)).firstFailedAt, (await desk.now()) - 8 * MINUTE);
    });

    given('keeps the schedule of a retry over a restart', async (desk) => {
      const { id } = await desk.put();
      await desk.settle(await desk.takeOne(), retryIn(HOUR));
      const before = await desk.job(id);
      await desk.reopen();
      expect(await desk.job(id)).toEqual(before);
      await desk.advance(50 * MINUTE);
      expect(await desk.take()).toEqual([]);
      await desk.advance(11 * MINUTE);
      expect(await desk.take()).toHaveLength(1);
    });

    given('keeps a dead letter with its reason, its bytes and every attempt, and never sends it by itself', async (desk) => {
      const { id, messageId } = await desk.put();
      await desk.settle(await desk.takeOne(), retryIn(0));
      expect(await desk.settle(await desk.takeAndCommit(), REFUSED)).toEqual({ kind: 'settled', state: 'dead' });
      await desk.advance(365 * DAY);
      await desk.sweep();
      expect(await desk.take()).toEqual([]);
      const dead = await desk.job(id);
      expect(dead).toMatchObject({ state: 'dead', reason: 'permanent', attempts: 2 });
      expect(dead).toHaveProperty('finishedAt');
      expect(await desk.payload(messageId)).toBeDefined();
      expect((await desk.attempts(id)).map((attempt) => attempt.end)).toEqual(['retry', 'dead']);
      expect((await desk.story(id)).filter((kind) => kind === 'dead')).toHaveLength(1);
    });

    given('sets a job apart from its second crash on, after a wait', async (desk) => {
      const { id } = await desk.put();
      await crash(desk, false);
      expect(await desk.job(id)).toMatchObject({ state: 'ready', crashes: 1, runsApart: false });
      await crash(desk, false);
      const waiting = await desk.job(id);
      expect(waiting).toMatchObject({ state: 'scheduled', crashes: 2, crashesApart: 0, runsApart: true });
      expectAbout(waiting.dueAt, (await desk.now()) + APART_DELAYS_MS[0]);
    });

    given('gives a job that was set apart to a worker for those alone, and other jobs not to it', async (desk) => {
      const apart = await desk.put();
      await crash(desk, false);
      await crash(desk, false);
      await desk.advance(APART_DELAYS_MS[0] + SECOND);
      const healthy = await desk.put();
      const ordinary = await desk.ledger.lease(leaseRequest({ apart: false }));
      expect(ordinary.leases.map((lease) => lease.jobId)).toEqual([healthy.id]);
      expect(ordinary.apartReady).toBe(1);
      const lone = await desk.ledger.lease(leaseRequest({ apart: true }));
      expect(lone.leases).toMatchObject([{ jobId: apart.id, crashes: 2 }]);
      expect(lone.apartReady).toBe(0);
    });

    given('declares a job poison after two crashes apart: it and nothing else', async (desk) => {
      const { id } = await desk.put();
      await crash(desk, false);
      await crash(desk, false);
      await desk.advance(APART_DELAYS_MS[0] + SECOND);
      await crash(desk, true);
      const once = await desk.job(id);
      expect(once).toMatchObject({ state: 'scheduled', crashes: 3, crashesApart: 1, runsApart: true });
      expectAbout(once.dueAt, (await desk.now()) + APART_DELAYS_MS[1]);
      await desk.advance(APART_DELAYS_MS[1] + SECOND);
      expect(await crash(desk, true)).toMatchObject({ poisoned: 1 });
      const dead = await desk.job(id);
      expect(dead).toMatchObject({ state: 'dead', reason: 'poison', crashes: 4, crashesApart: 2, attempts: 0 });
      expect(dead).toHaveProperty('finishedAt');
      expect((await desk.attempts(id)).map((attempt) => attempt.end)).toEqual(['crash', 'crash', 'crash', 'crash']);
    });

    given('lets the last wait before a run apart repeat', async (desk) => {
      const { id } = await desk.put();
      for (let n = 0; n < 2; n++) {
        await desk.takeOne();
        await desk.advance(LEASE + SECOND);
        await desk.sweep({ apartDelaysMs: [7 * MINUTE] });
      }
      await desk.advance(8 * MINUTE);
      await desk.takeOne({ apart: true });
      await desk.advance(LEASE + SECOND);
      await desk.sweep({ apartDelaysMs: [7 * MINUTE] });
      expectAbout((await desk.job(id)).dueAt, (await desk.now()) + 7 * MINUTE);
    });

    given('lets no healthy job die of its neighbour’s crashes', async (desk) => {
      const neighbours: JobId[] = [];
      for (let n = 0; n < 5; n++) neighbours.push((await desk.put()).id);
      for (let n = 0; n < 2; n++) {
        expect(await desk.take()).toHaveLength(5); // all in one worker, which one of them kills
        await desk.advance(LEASE + SECOND);
        await desk.sweep();
      }
      await desk.advance(HOUR);
      for (let n = 0; n < 4; n++) await desk.settle(await desk.takeAndCommit({ apart: true }), SENT);
      const states = await Promise.all(neighbours.map((id) => desk.stateOf(id)));
      expect(states.filter((state) => state === 'sent')).toHaveLength(4);
      expect(states).not.toContain('dead');
    });

    given('does not count crashes in a row: a job that was deferred in between goes on where it was', async (desk) => {
      const { id } = await desk.put();
      await crash(desk, false);
      await desk.settle(await desk.takeOne(), retryIn(0));
      await crash(desk, false);
      expect(await desk.job(id)).toMatchObject({ crashes: 2, runsApart: true, attempts: 1 });
    });

    given('gives a requeued dead letter a new life with the same bytes and the same message', async (desk) => {
      const { id, messageId, envelope } = await desk.put({ payload: 'the very bytes' });
      await desk.settle(await desk.takeOne(), retryIn(0, 'deferred'));
      await desk.settle(await desk.takeOne(), REFUSED);
      expect(await desk.ledger.requeue([id])).toEqual([{ kind: 'requeued' }]);
      const job = await desk.job(id);
      expect(job).toMatchObject({ state: 'ready', attempts: 0, failures: {}, crashes: 0, crashesApart: 0, runsApart: false });
      for (const absent of ['reason', 'finishedAt', 'firstFailedAt']) expect(job).not.toHaveProperty(absent);
      const lease = await desk.takeOne();
      expect(lease).toMatchObject({ jobId: id, messageId, envelope, token: 3, attempts: 0, failingMs: 0 });
      expect(new TextDecoder().decode(lease.payload)).toBe('the very bytes');
      expect(await desk.attempts(id)).toHaveLength(2);
    });

    given('counts the age of a requeued dead letter from its requeue, so that it is not given up at once', async (desk) => {
      const { id } = await desk.put();
      await desk.settle(await desk.takeOne(), REFUSED);
      await desk.advance(30 * DAY);
      await desk.ledger.requeue([id]);
      await desk.advance(MINUTE);
      expectAbout((await desk.takeOne()).ageMs, MINUTE);
    });

    given('runs requeued poison among the others again', async (desk) => {
      const { id } = await desk.put();
      await crash(desk, false);
      await crash(desk, false);
      await desk.advance(HOUR);
      await crash(desk, true);
      await desk.advance(HOUR);
      await crash(desk, true);
      await desk.ledger.requeue([id]);
      expect((await desk.take()).map((lease) => lease.jobId)).toEqual([id]);
    });

    given('requeues dead letters only', async (desk) => {
      const { id } = await desk.put();
      expect(await desk.ledger.requeue([id])).toEqual([{ kind: 'refused', because: 'not_dead' }]);
      await desk.settle(await desk.takeAndCommit(), UNSEEN);
      expect(await desk.ledger.requeue([id])).toEqual([{ kind: 'refused', because: 'not_dead' }]);
      await desk.ledger.resolve([{ jobId: id, verdict: 'sent', note: '' }]);
      expect(await desk.ledger.requeue([id])).toEqual([{ kind: 'refused', because: 'not_dead' }]);
      expect(await desk.stateOf(id)).toBe('sent');
    });

    given('carries on with the refused recipients only, and never sends to the accepted again', async (desk) => {
      const expiresAt = (await desk.now()) + DAY;
      const wish = {
        to: ['a@example.com', 'b@example.com', 'c@example.com', 'd@example.com'],
        sender: 'workspace',
        lane: 'sales',
        onDoubt: 'resend',
        expiresAt,
      } as const;
      const parent = await desk.put({ ...wish, payload: 'the very bytes' });
      const later = childOf('c@example.com', { kind: 'retry', failure: 'deferred', delayMs: 10 * MINUTE });
      const never = childOf('d@example.com', { kind: 'dead', reason: 'permanent' });
      const more = { keeps: ['a@example.com', 'b@example.com'], children: [later, never] };
      expect(await desk.settle(await desk.takeAndCommit(), SENT, more)).toEqual({ kind: 'settled', state: 'sent' });

      expect((await desk.job(parent.id)).envelope).toEqual({ ...parent.envelope, to: ['a@example.com', 'b@example.com'] });
      const waiting = await desk.job(later.id);
      const inherited = {
        messageId: parent.messageId,
        tenant: parent.tenant,
        sender: 'workspace',
        lane: 'sales',
        kind: 'send',
        onDoubt: 'resend',
        expiresAt,
        sizeBytes: parent.sizeBytes,
      };
      expect(waiting).toMatchObject({ ...inherited, parentId: parent.id, state: 'scheduled', attempts: 1, failures: { deferred: 1 } });
      expect(waiting.envelope).toEqual({ ...parent.envelope, to: ['c@example.com'] });
      expectAbout(waiting.dueAt, (await desk.now()) + 10 * MINUTE);
      expect(await desk.job(never.id)).toMatchObject({ ...inherited, parentId: parent.id, state: 'dead', reason: 'permanent' });

      await desk.advance(11 * MINUTE);
      const [lease, ...others] = await desk.take();
      expect(others).toEqual([]);
      expect(lease).toMatchObject({ jobId: later.id, envelope: { to: ['c@example.com'] }, attempts: 1 });
      expect(new TextDecoder().decode(lease?.payload)).toBe('the very bytes');
    });

    given('shows in a child’s timeline the refusal that made it', async (desk) => {
      await desk.put({ to: ['a@example.com', 'b@example.com'] });
      const child = childOf('b@example.com', { kind: 'dead', reason: 'permanent' });
      await desk.settle(await desk.takeAndCommit(), SENT, { keeps: ['a@example.com'], children: [child] });
      expect(await desk.attempts(child.id)).toMatchObject([
        { jobId: child.id, end: 'dead', counted: true, note: child.note, recipients: child.recipients },
      ]);
      expect(await desk.story(child.id)).toContain('dead');
    });

    given('gives a child a life of its own: it can be leased, requeued and canceled', async (desk) => {
      await desk.put({ to: ['a@example.com', 'b@example.com', 'c@example.com'] });
      const dead = childOf('b@example.com', { kind: 'dead', reason: 'permanent' });
      const later = childOf('c@example.com', { kind: 'retry', failure: 'network', delayMs: HOUR });
      await desk.settle(await desk.takeAndCommit(), SENT, { keeps: ['a@example.com'], children: [dead, later] });
      expect(await desk.cancel(later.id)).toBe('canceled');
      expect(await desk.ledger.requeue([dead.id])).toEqual([{ kind: 'requeued' }]);
      expect(await desk.settle(await desk.takeAndCommit(), SENT)).toEqual({ kind: 'settled', state: 'sent' });
      expect(await desk.stateOf(dead.id)).toBe('sent');
    });
  });
}

/** The suite's sweeps wait this long before a first and a second run apart. */
const APART_DELAYS_MS = [5 * MINUTE, 20 * MINUTE] as const;

/** A worker takes all it can get and dies. */
async function crash(desk: Desk, apart: boolean): ReturnType<Desk['sweep']> {
  expect(await desk.take({ apart })).not.toEqual([]);
  await desk.advance(LEASE + SECOND);
  return desk.sweep({ apartDelaysMs: APART_DELAYS_MS });
}

function childOf(to: string, outcome: ChildJob['outcome']): ChildJob {
  const reply = { code: outcome.kind === 'dead' ? 550 : 450, text: 'no' };
  return { id: nextJobId(), to: [to], outcome, note: `${to} was refused.`, recipients: [{ address: to, reply }] };
}
