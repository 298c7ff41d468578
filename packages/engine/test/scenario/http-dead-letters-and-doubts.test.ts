import { describe, expect, it } from 'vitest';
import { openHttpBench } from './http-bench.ts';

async function openSender() {
  const bench = await openHttpBench();
  const account = await bench.signUp();
  const inbox = await account.openInbox('ann');
  return { bench, account, inbox };
}

describe('dead letters', () => {
  it('are listed newest first, with every attempt and enough of the mail to know it by', async () => {
    const { bench, account, inbox } = await openSender();
    const first = await account.send(inbox, { subject: 'first' });
    await bench.endNext({ kind: 'dead', reason: 'permanent' }, 'no such user');
    await account.send(inbox, { subject: 'second' });
    await bench.endNext({ kind: 'dead', reason: 'exhausted' });
    await account.send(inbox, { subject: 'sent' });
    await bench.endNext({ kind: 'sent' });
    const { body } = await account.ask('GET', '/v1/dead-letters');
    expect(body['data']).toMatchObject([
      { subject: 'second', reason: 'exhausted' },
      {
        id: expect.stringMatching(/^job_/),
        emailId: first,
        inboxId: inbox,
        from: 'ann@shoal.localhost',
        subject: 'first',
        reason: 'permanent',
        recipients: ['bob@example.net'],
        attempts: [{ end: 'dead', note: 'no such user', reply: { code: 250, text: 'as scripted' } }],
      },
    ]);
    const { body: page } = await account.ask('GET', '/v1/dead-letters?limit=1');
    expect((await account.ask('GET', `/v1/dead-letters?limit=1&cursor=${page['cursor']}`)).body['data']).toMatchObject([
      { subject: 'first' },
    ]);
  });

  it('go back into the queue by the id of the job or of the email', async () => {
    const { bench, account, inbox } = await openSender();
    const id = await account.send(inbox);
    for (let n = 0; n < 2; n += 1) {
      const { jobId } = await bench.endNext({ kind: 'dead', reason: 'permanent' });
      const { status, body } = await account.ask('POST', `/v1/dead-letters/${n === 0 ? jobId : id}/requeue`);
      expect({ status, body }).toEqual({ status: 200, body: { requeued: [jobId] } });
    }
    expect((await account.ask('GET', `/v1/emails/${id}`)).body).toMatchObject({ status: 'queued' });
  });

  it('are refused when nothing of them is dead', async () => {
    const { account, inbox } = await openSender();
    const id = await account.send(inbox);
    expect(await account.ask('POST', `/v1/dead-letters/${id}/requeue`)).toMatchObject({ status: 409, body: { error: 'wrong_state' } });
    for (const unknown of [`job_${'0'.repeat(26)}`, `eml_${'0'.repeat(26)}`, 'x'])
      expect(await account.ask('POST', `/v1/dead-letters/${unknown}/requeue`)).toMatchObject({ status: 404, body: { error: 'not_found' } });
  });
});

describe('doubts', () => {
  it.each([
    ['sent', 'sent'],
    ['resend', 'ready'],
    ['dead', 'dead'],
  ] as const)('are decided with %s', async (verdict, state) => {
    const { bench, account, inbox } = await openSender();
    const id = await account.send(inbox);
    const { jobId } = await bench.endNext({ kind: 'doubt', cause: 'cut' });
    expect((await account.ask('GET', '/v1/doubts')).body['data']).toMatchObject([
      { id: jobId, emailId: id, doubt: 'cut', subject: 'Hello' },
    ]);
    const { status, body } = await account.ask('POST', `/v1/doubts/${id}/resolve`, { body: { verdict, note: 'asked Bob' } });
    expect({ status, body }).toEqual({ status: 200, body: { resolved: [{ id: jobId, state }] } });
    expect((await account.ask('GET', '/v1/doubts')).body['data']).toEqual([]);
  });

  it('are decided once', async () => {
    const { bench, account, inbox } = await openSender();
    const id = await account.send(inbox);
    await bench.endNext({ kind: 'doubt', cause: 'cut' });
    await account.ask('POST', `/v1/doubts/${id}/resolve`, { body: { verdict: 'dead' } });
    expect(await account.ask('POST', `/v1/doubts/${id}/resolve`, { body: { verdict: 'sent' } })).toMatchObject({
      status: 409,
      body: { error: 'wrong_state' },
    });
    expect(await account.ask('POST', `/v1/doubts/x/resolve`, { body: { verdict: 'sent' } })).toMatchObject({ status: 404 });
  });

  it.each([
    [undefined, 400],
    [{ verdict: 'lost' }, 422],
    [{ verdict: 5 }, 422],
    [{ verdict: 'sent', note: 'x'.repeat(501) }, 422],
  ])('are not decided with %j', async (body, status) => {
    const { bench, account, inbox } = await openSender();
    const id = await account.send(inbox);
    await bench.endNext({ kind: 'doubt', cause: 'cut' });
    expect(await account.ask('POST', `/v1/doubts/${id}/resolve`, { body })).toMatchObject({ status });
    expect((await account.ask('GET', `/v1/emails/${id}`)).body).toMatchObject({ status: 'in_doubt' });
  });
});
