import { describe, expect, it } from 'vitest';
import { senderId, workerId } from '../../src/model/ids.ts';
import { senderScope } from '../../src/model/scope.ts';
import { openAgentsBench } from './agents-bench.ts';

const SENDER = senderScope(senderId('default'));

describe('/v1/queue', () => {
  it('shows what waits, for what, and until when', async () => {
    const { operate, hire, ledger, endNext } = await openAgentsBench();
    const agent = await hire('worker');
    await ledger.limit([{ scope: SENDER, limits: { rules: [{ unit: 'messages', max: 1, windowMs: 3_600_000, marginMs: 0 }] } }]);
    for (let mails = 0; mails < 3; mails += 1) await agent.send();
    await endNext({ kind: 'sent' });
    await ledger.beat({
      id: workerId(`wrk_${'1'.repeat(12)}`),
      host: 'here',
      pid: 7,
      version: '1.0.0',
      concurrency: 50,
      sending: 3,
      endedPerSecond: 12.34,
    });
    const { status, body } = await operate('GET', '/v1/queue');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      depth: { ready: 2, sent: 1 },
      senders: [
        {
          name: 'default',
          ready: 2,
          waiting: { kind: 'limit', because: 'sender default may send 1 mails in any hour', until: '2026-01-01T01:00:00.000Z' },
          doneAt: '2026-01-01T02:00:00.000Z',
          limits: [{ unit: 'messages', max: 1, used: 1, left: 0 }],
        },
      ],
      workers: [{ id: `wrk_${'1'.repeat(12)}`, host: 'here', sending: 3, endedPerSecond: 12.3, seenSecondsAgo: 0 }],
      next: null,
    });
  });

  it('says who is held by a person, although nothing waits yet', async () => {
    const { operate, ledger } = await openAgentsBench();
    await ledger.hold([{ scope: SENDER, why: 'pause', note: 'maintenance' }]);
    const { body } = await operate('GET', '/v1/queue');
    expect(body['senders']).toMatchObject([
      { name: 'default', ready: 0, waiting: { kind: 'pause', because: 'sender default is held: maintenance', until: null } },
    ]);
  });

  it('gives senders page by page', async () => {
    const { operate, ledger } = await openAgentsBench();
    for (const name of ['ann', 'bob', 'eve']) await ledger.hold([{ scope: senderScope(senderId(name)), why: 'pause', note: '' }]);
    const first = await operate('GET', '/v1/queue?limit=2');
    expect(first.body).toMatchObject({ senders: [{ name: 'ann' }, { name: 'bob' }], next: 'bob' });
    expect((await operate('GET', '/v1/queue?limit=2&after=bob')).body).toMatchObject({ senders: [{ name: 'eve' }], next: null });
  });

  it('is for the operator alone', async () => {
    const { hire } = await openAgentsBench();
    expect((await (await hire('worker')).ask('GET', '/v1/queue')).status).toBe(403);
  });
});

describe('limits of an inbox', () => {
  it('make its mail wait, and not that of others, and are shown as used', async () => {
    const { operate, hire, endNext, ledger } = await openAgentsBench();
    const chatty = await hire('chatty');
    const calm = await hire('calm');
    const changed = await operate('PATCH', `/v1/inboxes/${chatty.inbox}`, { limits: { perHour: 1 }, weight: 3 });
    expect(changed.status).toBe(200);
    await chatty.send();
    await endNext({ kind: 'sent' });
    const second = await chatty.send();
    expect(second.body['forecast']).toMatchObject({ kind: 'limit', at: '2026-01-01T01:01:00.000Z' }); // and the margin of an hour
    const other = await calm.send();
    expect((await endNext({ kind: 'sent' })).messageId).toBe(other.body['id']);
    expect((await ledger.stats()).byState.ready).toBe(1);
    expect((await chatty.ask('GET', `/v1/inboxes/${chatty.inbox}`)).body).toMatchObject({
      weight: 3,
      limits: [{ unit: 'messages', max: 1, windowSeconds: 3_600, used: 1, left: 0 }],
    });
  });

  it('stay when only the weight is changed, and go when they are empty', async () => {
    const { operate, hire } = await openAgentsBench();
    const { inbox } = await hire('worker');
    await operate('PATCH', `/v1/inboxes/${inbox}`, { limits: { perDay: 10 } });
    await operate('PATCH', `/v1/inboxes/${inbox}`, { weight: 2 });
    expect((await operate('GET', `/v1/inboxes/${inbox}`)).status).toBe(404); // of another account: only changing is for the operator
    await operate('PATCH', `/v1/inboxes/${inbox}`, { limits: {} });
  });

  it('are refused with their place when they are wrong', async () => {
    const { operate, hire } = await openAgentsBench();
    const { inbox } = await hire('worker');
    for (const [body, place] of [
      [{ limits: { perDay: 0 } }, 'limits.perDay'],
      [{ limits: { perFortnight: 5 } }, 'limits.perFortnight'],
      [{ limits: { connections: 2 } }, 'limits.connections'],
      [{ weight: 0 }, 'weight'],
      [{ weight: 1.5 }, 'weight'],
    ] as const)
      expect(await operate('PATCH', `/v1/inboxes/${inbox}`, body)).toMatchObject({
        status: 422,
        body: { details: { [place]: expect.any(String) } },
      });
  });

  it('are not for an agent to set', async () => {
    const { hire } = await openAgentsBench();
    const agent = await hire('worker');
    expect((await agent.ask('PATCH', `/v1/inboxes/${agent.inbox}`, { limits: { perDay: 1_000 } })).status).toBe(403);
  });
});
