import { describe, expect } from 'vitest';
import { DAY, expectAbout, type Given, LEASE, MINUTE, SECOND, SENT, UNSEEN } from './desk.ts';

/** A worker is lost, or sees no reply, after the commit: the dot may be at the server. */
export function crashInTheWindow(given: Given): void {
  describe('case 2: crash in the window between commit and settle', () => {
    given('puts the job in doubt when its worker is lost after the commit', async (desk) => {
      const { id } = await desk.put();
      await desk.takeAndCommit();
      expect(await desk.stateOf(id)).toBe('sending');
      await desk.advance(LEASE + SECOND);
      expect(await desk.sweep()).toMatchObject({ inDoubt: 1, crashed: 0 });
      expect(await desk.job(id)).toMatchObject({ state: 'in_doubt', doubt: 'worker-lost', crashes: 0 });
      expect(await desk.attempts(id)).toMatchObject([{ token: 1, end: 'worker-lost' }]);
      expect(await desk.story(id)).toEqual(['queued', 'in_doubt']);
    });

    given('never sends again under hold, however long it waits', async (desk) => {
      const { id, messageId } = await desk.put({ onDoubt: 'hold' });
      await desk.takeAndCommit();
      for (let day = 0; day < 30; day++) {
        await desk.advance(DAY);
        await desk.sweep();
        expect(await desk.take()).toEqual([]);
        expect(await desk.take({ apart: true })).toEqual([]);
      }
      expect(await desk.stateOf(id)).toBe('in_doubt');
      expect(await desk.payload(messageId)).toBeDefined();
    });

    given('sends exactly once more under resend, after the wait, with the same bytes and envelope', async (desk) => {
      const { id, messageId, envelope } = await desk.put({ onDoubt: 'resend', payload: 'the very bytes' });
      await desk.takeAndCommit();
      await desk.advance(LEASE + SECOND);
      await desk.sweep({ resendMs: 10 * MINUTE });
      expectAbout((await desk.job(id)).dueAt, (await desk.now()) + 10 * MINUTE);
      await desk.advance(9 * MINUTE);
      await desk.sweep();
      expect(await desk.take()).toEqual([]);
      await desk.advance(2 * MINUTE);
      expect(await desk.sweep()).toMatchObject({ resending: 1 });
      const again = await desk.takeAndCommit();
      expect(again).toMatchObject({ jobId: id, token: 2, messageId, envelope, resends: 1, crashes: 0 });
      expect(new TextDecoder().decode(again.payload)).toBe('the very bytes');
      expect(await desk.story(id)).toEqual(['queued', 'in_doubt', 'resending']);
    });

    given('holds a job whose second copy is in doubt, too', async (desk) => {
      const { id } = await desk.put({ onDoubt: 'resend' });
      for (let copy = 0; copy < 2; copy++) {
        await desk.takeAndCommit();
        await desk.advance(LEASE + SECOND);
        await desk.sweep();
        await desk.advance(DAY);
        await desk.sweep();
      }
      expect(await desk.take()).toEqual([]);
      expect(await desk.job(id)).toMatchObject({ state: 'in_doubt', resends: 1 });
    });

    given('keeps what the worker could not know as a doubt with its cause', async (desk) => {
      const { id } = await desk.put();
      const lease = await desk.takeAndCommit();
      expect(await desk.settle(lease, UNSEEN)).toEqual({ kind: 'settled', state: 'in_doubt' });
      expect(await desk.job(id)).toMatchObject({ state: 'in_doubt', doubt: 'timeout', attempts: 1 });
      await desk.advance(30 * DAY);
      await desk.sweep();
      expect(await desk.take()).toEqual([]);
    });

    given('sends a settled doubt once more when the worker asks for it, not before its time', async (desk) => {
      const { id } = await desk.put({ onDoubt: 'resend' });
      await desk.settle(await desk.takeAndCommit(), { kind: 'doubt', cause: 'cut', resendMs: 5 * MINUTE });
      await desk.advance(4 * MINUTE);
      await desk.sweep();
      expect(await desk.stateOf(id)).toBe('in_doubt');
      await desk.advance(2 * MINUTE);
      await desk.sweep();
      expect(await desk.takeOne()).toMatchObject({ jobId: id, resends: 1 });
      expect(await desk.job(id)).not.toHaveProperty('doubt');
    });

    given('leaves a job alone that is being sent while its worker lives', async (desk) => {
      const { id } = await desk.put();
      const lease = await desk.takeAndCommit();
      for (let heartbeat = 0; heartbeat < 20; heartbeat++) {
        await desk.advance(LEASE / 2);
        expect(await desk.extend(lease)).toBe('extended');
        expect(await desk.sweep()).toMatchObject({ inDoubt: 0 });
        expect(await desk.take()).toEqual([]);
      }
      expect(await desk.settle(lease, SENT)).toEqual({ kind: 'settled', state: 'sent' });
      expect(await desk.stateOf(id)).toBe('sent');
    });

    given('takes a decision for sent, and nothing is sent after it', async (desk) => {
      const { id } = await desk.put({ onDoubt: 'resend' });
      await desk.settle(await desk.takeAndCommit(), { kind: 'doubt', cause: 'cut', resendMs: MINUTE });
      expect(await desk.ledger.resolve([{ jobId: id, verdict: 'sent', note: 'The reader answered.' }])).toEqual([
        { kind: 'resolved', state: 'sent' },
      ]);
      await desk.advance(DAY);
      await desk.sweep();
      expect(await desk.take()).toEqual([]);
      const job = await desk.job(id);
      expect(job).toMatchObject({ state: 'sent' });
      expect(job).not.toHaveProperty('doubt');
      expect(job).toHaveProperty('finishedAt');
      expect(await desk.story(id)).toEqual(['queued', 'in_doubt', 'resolved']);
    });

    given('takes a decision to send again, at once', async (desk) => {
      const { id } = await desk.put();
      await desk.settle(await desk.takeAndCommit(), UNSEEN);
      expect(await desk.ledger.resolve([{ jobId: id, verdict: 'resend', note: 'The server says it has nothing.' }])).toEqual([
        { kind: 'resolved', state: 'ready' },
      ]);
      expect(await desk.takeOne()).toMatchObject({ jobId: id, token: 2, resends: 1 });
    });

    given('takes a decision to give up, which can be taken back', async (desk) => {
      const { id } = await desk.put();
      await desk.settle(await desk.takeAndCommit(), UNSEEN);
      expect(await desk.ledger.resolve([{ jobId: id, verdict: 'dead', note: 'No longer wanted.' }])).toEqual([
        { kind: 'resolved', state: 'dead' },
      ]);
      expect(await desk.job(id)).toMatchObject({ state: 'dead', reason: 'decided' });
      expect(await desk.ledger.requeue([id])).toEqual([{ kind: 'requeued' }]);
    });

    given('keeps the note of a decision in the timeline', async (desk) => {
      const { id } = await desk.put();
      await desk.settle(await desk.takeAndCommit(), UNSEEN);
      await desk.ledger.resolve([{ jobId: id, verdict: 'sent', note: 'The reader answered.' }]);
      expect((await desk.attempts(id)).map((attempt) => attempt.note).join(' ')).toContain('The reader answered.');
    });

    given('takes decisions on jobs in doubt only', async (desk) => {
      const ready = await desk.put();
      expect(await desk.ledger.resolve([{ jobId: ready.id, verdict: 'sent', note: '' }])).toEqual([
        { kind: 'refused', because: 'not_in_doubt' },
      ]);
      await desk.takeAndCommit();
      expect(await desk.ledger.resolve([{ jobId: ready.id, verdict: 'resend', note: '' }])).toEqual([
        { kind: 'refused', because: 'not_in_doubt' },
      ]);
      expect(await desk.stateOf(ready.id)).toBe('sending');
    });
  });
}
