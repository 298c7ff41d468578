import { expect, it } from 'vitest';
import { senderId } from '../../src/model/ids.ts';
import { senderScope } from '../../src/model/scope.ts';
import { openAgentsBench } from './agents-bench.ts';

const SENDER = senderScope(senderId('default'));

it('tells a mail that goes at once from one that waits for a limit, how many go before it, and until when', async () => {
  const { hire, ledger, endNext, clock } = await openAgentsBench();
  const agent = await hire('worker');
  await ledger.limit([{ scope: SENDER, limits: { rules: [{ unit: 'messages', max: 1, windowMs: 3_600_000, marginMs: 0 }] } }]);
  const first = await agent.send();
  expect(first.body).toMatchObject({
    forecast: { at: '2026-01-01T00:00:00.000Z', kind: null, because: null, ahead: 0 },
    budget: [],
    priority: 'normal',
  });
  await endNext({ kind: 'sent' });
  await clock.advance(60_000);
  const second = await agent.send();
  const because = 'sender default may send 1 mails in any hour';
  expect(second.body['forecast']).toEqual({ at: '2026-01-01T01:00:00.000Z', kind: 'limit', because, ahead: 0 });
  const third = await agent.send();
  expect(third.body['forecast']).toEqual({ at: '2026-01-01T02:00:00.000Z', kind: 'limit', because, ahead: 1 });
  const { body } = await agent.ask('GET', `/v1/emails/${String(second.body['id'])}`);
  expect(body['waiting']).toEqual({ at: '2026-01-01T01:00:00.000Z', kind: 'limit', because });
  const sent = await agent.ask('GET', `/v1/emails/${String(first.body['id'])}`);
  expect(sent.body).toMatchObject({ status: 'sent', waiting: null });
});

it('says of a mail for later when that is', async () => {
  const { hire } = await openAgentsBench();
  const agent = await hire('worker');
  const { body } = await agent.send({ sendAt: '2026-01-01T08:00:00Z' });
  expect(body['forecast']).toMatchObject({ at: '2026-01-01T08:00:00.000Z', kind: 'due' });
  const whole = await agent.ask('GET', `/v1/emails/${String(body['id'])}`);
  expect(whole.body['waiting']).toMatchObject({ at: '2026-01-01T08:00:00.000Z', kind: 'due' });
});

it('sends mail of high priority first, and says so', async () => {
  const { hire, endNext } = await openAgentsBench();
  const agent = await hire('worker');
  await agent.send({ priority: 'low' });
  const urgent = await agent.send({ priority: 'high' });
  expect(urgent.body).toMatchObject({ priority: 'high', forecast: { ahead: 0 } });
  expect((await endNext({ kind: 'sent' })).messageId).toBe(urgent.body['id']);
  expect((await agent.send({ priority: 'urgent' })).status).toBe(422);
});

it('refuses a mail with more recipients than its sender may ever mail', async () => {
  const { hire, ledger } = await openAgentsBench();
  const agent = await hire('worker');
  await ledger.limit([{ scope: SENDER, limits: { rules: [{ unit: 'recipients', max: 2, windowMs: 86_400_000, marginMs: 60_000 }] } }]);
  expect(await agent.send({ to: ['a@example.net', 'b@example.net', 'c@example.net'] })).toMatchObject({
    status: 422,
    body: { error: 'over_limit', details: { limit: 'sender default: 2 recipients in any 24 hours', needed: '3' } },
  });
});
