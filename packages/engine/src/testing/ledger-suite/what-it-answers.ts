import { describe, expect } from 'vitest';
import { BATCH_MAX, PAGE_MAX } from '../../model/limits.ts';
import type { Ledger } from '../../ports/ledger.ts';
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
  nextJobId,
  nextMessageId,
  REFUSED,
  retryIn,
  SECOND,
  SENT,
  sweepOptions,
  WORKER,
} from './desk.ts';

/** The plain promises: what was put in can be read, in order, within the limits. */
export function whatItAnswers(given: Given): void {
  describe('what it answers', () => {
    given('reads a job back as it was enqueued', async (desk) => {
      const wish = newJob({ to: ['a@example.com', 'b@example.com'], onDoubt: 'resend', sender: 'workspace', lane: 'sales' });
      const now = await desk.now();
      await desk.ledger.enqueue([{ ...wish, expiresAt: now + HOUR }]);
      const job = await desk.job(wish.id);
      expect(job).toMatchObject({
        id: wish.id,
        kind: 'send',
        tenant: ALICE,
        sender: 'workspace',
        lane: 'sales',
        messageId: wish.messageId,
        envelope: wish.envelope,
        state: 'ready',
        token: 0,
        attempts: 0,
        failures: {},
        crashes: 0,
        crashesApart: 0,
        runsApart: false,
        resends: 0,
        onDoubt: 'resend',
        expiresAt: now + HOUR,
        sizeBytes: wish.payload.byteLength,
      });
      expectAbout(job.createdAt, now);
      for (const absent of ['reason', 'doubt', 'leasedUntil', 'worker', 'firstFailedAt', 'finishedAt', 'parentId'])
        expect(job).not.toHaveProperty(absent);
    });

    given('answers a created job as it then reads it', async (desk) => {
      const job = await desk.put({ dueAt: (await desk.now()) + HOUR });
      expect(await desk.job(job.id)).toEqual(job);
    });

    given('keeps every octet of the bytes, whatever becomes of the caller’s buffer', async (desk) => {
      const payload = Uint8Array.from({ length: 256 }, (_, octet) => octet);
      const job = { ...newJob(), payload };
      await desk.ledger.enqueue([job]);
      payload.fill(0);
      const [kept] = await desk.ledger.payloads([job.messageId]);
      expect([...(kept ?? [])]).toEqual(Array.from({ length: 256 }, (_, octet) => octet));
      expect([...(await desk.takeOne()).payload]).toEqual([...(kept ?? [])]);
    });

    given('keeps the bytes of a message once, for all its jobs', async (desk) => {
      const messageId = nextMessageId();
      await desk.put({ messageId, payload: 'the bytes', to: ['a@one.example'] });
      await desk.put({ messageId, payload: 'the bytes', to: ['b@two.example'] });
      const leases = await desk.take();
      expect(leases.map((lease) => new TextDecoder().decode(lease.payload))).toEqual(['the bytes', 'the bytes']);
    });

    given('makes a job ready that is due, and schedules one that is not', async (desk) => {
      const now = await desk.now();
      expect(await desk.put()).toMatchObject({ state: 'ready' });
      expect(await desk.put({ dueAt: now - HOUR })).toMatchObject({ state: 'ready' });
      expect(await desk.put({ dueAt: now + HOUR })).toMatchObject({ state: 'scheduled', dueAt: now + HOUR });
    });

    given('gives the worker what it needs to decide: the envelope, the bytes, the history and the time left', async (desk) => {
      const now = await desk.now();
      const job = await desk.put({ to: ['a@example.com'], expiresAt: now + 5 * HOUR, onDoubt: 'resend' });
      await desk.advance(10 * MINUTE);
      const fresh = await desk.takeOne();
      expect(fresh).toMatchObject({
        jobId: job.id,
        token: 1,
        kind: 'send',
        tenant: ALICE,
        sender: 'default',
        messageId: job.messageId,
        envelope: job.envelope,
        leaseMs: MINUTE,
        onDoubt: 'resend',
        attempts: 0,
        failures: {},
        resends: 0,
        crashes: 0,
        failingMs: 0,
      });
      expectAbout(fresh.ageMs, 10 * MINUTE);
      expectAbout(fresh.expiresInMs, 5 * HOUR - 10 * MINUTE);
      await desk.settle(fresh, retryIn(30 * MINUTE, 'deferred'));
      await desk.advance(31 * MINUTE);
      const again = await desk.takeOne();
      expect(again).toMatchObject({ token: 2, attempts: 1, failures: { deferred: 1 } });
      expectAbout(again.failingMs, 31 * MINUTE);
      expectAbout(again.ageMs, 41 * MINUTE);
    });

    given('leaves the time left out of the lease of a job that never expires', async (desk) => {
      await desk.put();
      expect(await desk.takeOne()).not.toHaveProperty('expiresInMs');
    });

    given('says who holds a job and until when, only while somebody does', async (desk) => {
      const { id } = await desk.put();
      const lease = await desk.takeOne();
      const held = await desk.job(id);
      expect(held).toMatchObject({ state: 'leased', worker: WORKER, token: 1 });
      expectAbout(held.leasedUntil, (await desk.now()) + MINUTE);
      await desk.settle(lease, retryIn(HOUR));
      const waiting = await desk.job(id);
      expect(waiting).not.toHaveProperty('worker');
      expect(waiting).not.toHaveProperty('leasedUntil');
    });

    given('keeps the timeline of a job: every attempt, oldest first, with all that was seen', async (desk) => {
      const { id } = await desk.put();
      const startedAt = await desk.now();
      const first = await desk.takeOne();
      await desk.advance(2 * SECOND);
      const reply = { code: 451, enhanced: '4.7.1', text: 'try again later' };
      const recipients = [{ address: 'reader@example.com', reply }];
      const facts = { peer: '127.0.0.1:25', tls: 'TLSv1.3', isReused: true, durationMs: 2_000 };
      await desk.settle(first, retryIn(MINUTE, 'greylist'), { note: 'The server asks to wait.', phase: 'rcpt', reply, recipients, facts });
      await desk.advance(2 * MINUTE);
      await desk.settle(await desk.takeAndCommit(), SENT, { note: 'Taken.' });
      const [retried, sent, ...others] = await desk.attempts(id);
      expect(others).toEqual([]);
      expect(retried).toMatchObject({ jobId: id, token: 1, worker: WORKER, end: 'retry', counted: true, note: 'The server asks to wait.' });
      expect(retried).toMatchObject({ phase: 'rcpt', reply, recipients, facts });
      expectAbout(retried?.startedAt, startedAt);
      expect(retried?.endedAt).toBeGreaterThanOrEqual((retried?.startedAt ?? 0) + 2 * SECOND);
      expect(sent).toMatchObject({ token: 2, end: 'sent', counted: true, note: 'Taken.' });
      expect(sent).not.toHaveProperty('reply');
    });

    given('tells every change of a job as a numbered event, oldest first', async (desk) => {
      const one = await desk.put({ tenant: ALICE });
      const two = await desk.put({ tenant: BOB });
      await desk.settle(await desk.takeOne(), retryIn(MINUTE));
      await desk.cancel(two.id);
      const events = await desk.ledger.events(0, 100);
      expect(events.map(({ jobId, kind, state, tenant, messageId }) => [jobId, kind, state, tenant, messageId])).toEqual([
        [one.id, 'queued', 'ready', ALICE, one.messageId],
        [two.id, 'queued', 'ready', BOB, two.messageId],
        [one.id, 'retrying', 'scheduled', ALICE, one.messageId],
        [two.id, 'canceled', 'canceled', BOB, two.messageId],
      ]);
      const numbers = events.map((event) => event.seq);
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      expect(new Set(numbers).size).toBe(numbers.length);
    });

    given('pages through the events without a gap', async (desk) => {
      for (let n = 0; n < 7; n++) await desk.put();
      const all = await desk.ledger.events(0, 100);
      const paged = [];
      for (let after = 0; ; ) {
        const page = await desk.ledger.events(after, 3);
        expect(page.length).toBeLessThanOrEqual(3);
        if (page.length === 0) break;
        paged.push(...page);
        after = page.at(-1)?.seq ?? 0;
      }
      expect(paged).toEqual(all);
      expect(paged).toHaveLength(7);
    });

    given('lists the newest first, page by page, without gap or repeat while new jobs come in', async (desk) => {
      const ids = [];
      for (let n = 0; n < 7; n++) ids.unshift((await desk.put()).id);
      const listed = [];
      let cursor: string | undefined;
      do {
        const page = await desk.ledger.list({ max: 3, ...(cursor !== undefined && { cursor }) });
        listed.push(...page.jobs.map((job) => job.id));
        cursor = page.cursor;
        await desk.put();
      } while (cursor !== undefined);
      expect(listed).toEqual(ids);
    });

    given('lists by tenant, by message and by state', async (desk) => {
      const hers = await desk.put({ tenant: ALICE });
      const his = await desk.put({ tenant: BOB });
      await desk.cancel(his.id);
      const idsOf = async (query: Parameters<Ledger['list']>[0]): Promise<string[]> =>
        (await desk.ledger.list(query)).jobs.map((job) => job.id);
      expect(await idsOf({ max: 10, tenant: ALICE })).toEqual([hers.id]);
      expect(await idsOf({ max: 10, messageIds: [his.messageId] })).toEqual([his.id]);
      expect(await idsOf({ max: 10, states: ['ready', 'dead'] })).toEqual([hers.id]);
      expect(await idsOf({ max: 10, states: ['ready', 'canceled'] })).toEqual([his.id, hers.id]);
      expect(await idsOf({ max: 10, tenant: ALICE, states: ['canceled'] })).toEqual([]);
      expect(await idsOf({ max: 10, messageIds: [] })).toEqual([]);
    });

    given('counts the jobs of each state, the age of the oldest that could run, and the senders that wait', async (desk) => {
      const now = await desk.now();
      await desk.put({ sender: 'one' });
      await desk.put({ sender: 'two', dueAt: now + MINUTE });
      await desk.put({ sender: 'three', dueAt: now + HOUR });
      await desk.advance(10 * MINUTE);
      const { byState, oldestReadyMs, sendersWithBacklog } = await desk.ledger.stats();
      expect(byState.ready + byState.scheduled).toBe(3);
      expect(byState).toMatchObject({ leased: 0, sending: 0, in_doubt: 0, sent: 0, dead: 0, canceled: 0 });
      expectAbout(oldestReadyMs, 10 * MINUTE);
      expect(sendersWithBacklog).toBeGreaterThanOrEqual(1);
      await desk.take();
      await desk.sweep();
      expect(await desk.ledger.stats()).toMatchObject({ oldestReadyMs: 0, sendersWithBacklog: 0 });
      expect((await desk.ledger.stats()).byState).toMatchObject({ leased: 2, scheduled: 1, ready: 0 });
    });

    given('answers in the order it was asked, also about what it does not know', async (desk) => {
      const known = await desk.put();
      const unknown = nextJobId();
      const lease = await desk.takeOne();
      const ref = { jobId: unknown, token: 1 };
      const mine = { jobId: known.id, token: lease.token };
      expect((await desk.ledger.get([unknown, known.id])).map((job) => job?.id)).toEqual([undefined, known.id]);
      expect(await desk.ledger.attempts([unknown])).toEqual([[]]);
      expect(await desk.ledger.payloads([nextMessageId()])).toEqual([undefined]);
      expect(await desk.ledger.extend([ref, mine], MINUTE)).toEqual([{ kind: 'lost', because: 'unknown' }, { kind: 'extended' }]);
      expect(
        await desk.ledger.commit([
          { ...ref, nonce: 'a' },
          { ...mine, nonce: 'b' },
        ]),
      ).toEqual([{ kind: 'refused', because: 'lost' }, { kind: 'granted' }]);
      const settled = await desk.ledger.settle([
        { ...ref, outcome: REFUSED, note: '' },
        { ...mine, outcome: REFUSED, note: '' },
      ]);
      expect(settled.settled).toEqual([
        { kind: 'refused', because: 'unknown' },
        { kind: 'settled', state: 'dead' },
      ]);
      expect(await desk.ledger.cancel([unknown])).toEqual([{ kind: 'refused', because: 'unknown' }]);
      expect(await desk.ledger.resolve([{ jobId: unknown, verdict: 'sent', note: '' }])).toEqual([{ kind: 'refused', because: 'unknown' }]);
      expect(await desk.ledger.requeue([unknown, known.id])).toEqual([{ kind: 'refused', because: 'unknown' }, { kind: 'requeued' }]);
    });

    given('answers nothing to nothing', async ({ ledger }) => {
      expect(await ledger.findKeys([])).toEqual([]);
      expect(await ledger.enqueue([])).toEqual([]);
      expect(await ledger.extend([], MINUTE)).toEqual([]);
      expect(await ledger.commit([])).toEqual([]);
      expect(await ledger.settle([])).toEqual({ settled: [] });
      expect(await ledger.cancel([])).toEqual([]);
      expect(await ledger.resolve([])).toEqual([]);
      expect(await ledger.requeue([])).toEqual([]);
      expect(await ledger.get([])).toEqual([]);
      expect(await ledger.attempts([])).toEqual([]);
      expect(await ledger.payloads([])).toEqual([]);
    });

    given('refuses more than a batch, and limits that are no limits', async ({ ledger }) => {
      const many = <T>(item: T): T[] => Array.from({ length: BATCH_MAX + 1 }, () => item);
      const ref = { jobId: nextJobId(), token: 1 };
      const refused: (() => Promise<unknown>)[] = [
        () => ledger.findKeys(many({ tenant: ALICE, key: 'k' })),
        () => ledger.enqueue(many(newJob())),
        () => ledger.extend(many(ref), MINUTE),
        () => ledger.commit(many({ ...ref, nonce: 'n' })),
        () => ledger.settle(many({ ...ref, outcome: SENT, note: '' })),
        () => ledger.cancel(many(ref.jobId)),
        () => ledger.resolve(many({ jobId: ref.jobId, verdict: 'sent', note: '' })),
        () => ledger.requeue(many(ref.jobId)),
        () => ledger.get(many(ref.jobId)),
        () => ledger.lease(leaseRequest({ max: BATCH_MAX + 1 })),
        () => ledger.lease(leaseRequest({ max: 0 })),
        () => ledger.lease(leaseRequest({ max: Number.NaN })),
        () => ledger.lease(leaseRequest({ leaseMs: 0 })),
        () => ledger.sweep(sweepOptions({ max: 0 })),
        () => ledger.list({ max: PAGE_MAX + 1 }),
        () => ledger.list({ max: 0 }),
      ];
      for (const [index, call] of refused.entries()) await expect(call(), `call ${index}: ${call}`).rejects.toThrow(RangeError);
      expect((await ledger.stats()).byState).toMatchObject({ ready: 0 });
    });

    given('takes a whole batch in one call', async (desk) => {
      const jobs = Array.from({ length: BATCH_MAX }, () => newJob());
      expect((await desk.ledger.enqueue(jobs)).every((answer) => answer.kind === 'created')).toBe(true);
      const leases = await desk.take({ max: BATCH_MAX });
      expect(leases.map((lease) => lease.jobId)).toEqual(jobs.map((job) => job.id));
    });

    given('wakes a waiting worker when a job comes in', async (desk) => {
      const woken = wakeOf(desk, HOUR);
      await desk.put();
      await woken;
    });

    given('wakes a worker that looked just before the job came in', async (desk) => {
      expect(await desk.take()).toEqual([]);
      await desk.put();
      await wakeOf(desk, HOUR);
    });

    given('wakes a waiting worker when a job comes back: released, resolved, requeued', async (desk) => {
      await desk.put();
      const lease = await desk.takeOne();
      const released = wakeOf(desk, HOUR);
      await desk.settle(lease, { kind: 'release', why: 'busy', delayMs: 0 });
      await released;
      const again = await desk.takeAndCommit();
      await desk.settle(again, { kind: 'doubt', cause: 'cut' });
      const resolved = wakeOf(desk, HOUR);
      await desk.ledger.resolve([{ jobId: lease.jobId, verdict: 'resend', note: '' }]);
      await resolved;
      await desk.settle(await desk.takeOne(), REFUSED);
      const requeued = wakeOf(desk, HOUR);
      await desk.ledger.requeue([lease.jobId]);
      await requeued;
    });

    given('wakes a waiting worker when its time is up', async (desk) => {
      const woken = wakeOf(desk, 200);
      await desk.advance(200);
      await woken;
    });

    given('wakes a waiting worker at once when it is told to stop, also before it began to wait', async (desk) => {
      const stop = new AbortController();
      const woken = wakeOf(desk, HOUR, stop.signal);
      stop.abort();
      await woken;
      await wakeOf(desk, HOUR, stop.signal);
    });
  });
}

/** Waits for the doorbell, and says what is missing if it stays silent. The limit is real time: nothing is waited for in a green run. */
async function wakeOf(desk: Desk, maxMs: number, signal = new AbortController().signal): Promise<void> {
  let limit: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    limit = setTimeout(() => reject(new Error('nobody rang within 5 s')), 5_000);
  });
  await Promise.race([desk.ledger.wake(maxMs, signal), late]).finally(() => clearTimeout(limit));
}
