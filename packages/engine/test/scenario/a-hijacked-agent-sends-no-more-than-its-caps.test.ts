import { expect, it } from 'vitest';
import { openAgentsBench } from './agents-bench.ts';

const HOUR_MS = 3_600_000;

it('P7: of a thousand mails of one token as many are taken as its cap allows, and the rest are told when to come again', async () => {
  const { hire, ledger, clock } = await openAgentsBench();
  const agent = await hire('worker', { caps: { perHour: { messages: 20, newRecipients: 5 }, perDay: 30 } });
  const answers = [];
  for (let count = 0; count < 1_000; count += 1) answers.push(await agent.send());
  const refused = answers.filter(({ status }) => status === 429);
  expect(answers.filter(({ status }) => status === 202)).toHaveLength(20);
  expect(refused).toHaveLength(980);
  expect((await ledger.stats()).byState.ready).toBe(20);
  const [first] = refused;
  expect(first?.body).toMatchObject({
    error: 'budget_used_up',
    retryable: true,
    details: { cap: `token ${agent.tokenId} may hand in 20 mails in any hour`, used: '20', left: '0', needed: '1' },
  });
  expect(first?.headers.get('retry-after')).toBe('3600');

  await clock.advance(HOUR_MS);
  const later = [];
  for (let count = 0; count < 20; count += 1) later.push(await agent.send());
  expect(later.filter(({ status }) => status === 202)).toHaveLength(10); // of 30 a day
  expect(later.at(-1)?.headers.get('retry-after')).toBe(String(23 * 3_600));
});

it('P7: strangers are counted once, and a mail to more of them than the cap allows is refused whole', async () => {
  const { hire } = await openAgentsBench();
  const agent = await hire('worker', { caps: { perHour: { newRecipients: 2 } } });
  expect((await agent.send({ to: ['ann@example.net', 'bob@example.net'] })).status).toBe(202);
  expect((await agent.send({ to: ['ann@example.net', 'bob@example.net'] })).status).toBe(202);
  expect((await agent.send({ to: ['ann@example.net', 'eve@example.net'] })).status).toBe(429);
  expect((await agent.send({ to: ['a@example.net', 'b@example.net', 'c@example.net'] })).body['error']).toBe('over_limit');
});

it('P7: an agent cannot widen what bounds it, by any route', async () => {
  const { hire } = await openAgentsBench();
  const agent = await hire('worker', { caps: { perHour: 1 } });
  const bounds = { caps: {}, policy: { recipients: 'anybody' } };
  for (const [method, path, body] of [
    ['PATCH', `/v1/tokens/${agent.tokenId}`, bounds],
    ['PATCH', `/v1/inboxes/${agent.inbox}`, bounds],
    ['POST', '/v1/tokens', {}],
    ['POST', `/v1/tokens/${agent.tokenId}/start`, {}],
    ['POST', '/v1/account/start', {}],
    ['POST', `/v1/inboxes/${agent.inbox}/start`, {}],
    ['POST', `/v1/inboxes/${agent.inbox}/resume`, {}],
  ] as const)
    expect(await agent.ask(method, path, body), path).toMatchObject({ status: 403, body: { error: 'forbidden' } });
  await agent.send();
  expect((await agent.ask('POST', '/v1/inboxes', { localPart: 'another' })).status).toBe(201);
  const mail = { from: 'another@shoal.localhost', to: 'eve@example.net', subject: 'Another way', text: 'Hello' };
  expect((await agent.ask('POST', '/v1/emails/send', mail)).status).toBe(429); // the cap is the token's, whichever inbox it sends from
});

it('changes a cap at once, and forgets nothing that was counted', async () => {
  const { hire, operate } = await openAgentsBench();
  const agent = await hire('worker', { caps: { perHour: 2 } });
  await agent.send();
  await agent.send();
  expect((await agent.send()).status).toBe(429);
  expect(await operate('PATCH', `/v1/tokens/${agent.tokenId}`, { caps: { perHour: 3 } })).toMatchObject({
    status: 200,
    body: { caps: { perHour: 3 } },
  });
  expect((await agent.send()).status).toBe(202);
  expect((await agent.send()).status).toBe(429);
  await operate('PATCH', `/v1/tokens/${agent.tokenId}`, { caps: {} });
  expect((await agent.send()).status).toBe(202);
});

it('counts an inbox over all tokens that send from it', async () => {
  const { hire, operate } = await openAgentsBench();
  const agent = await hire('worker');
  await operate('PATCH', `/v1/inboxes/${agent.inbox}`, { caps: { perDay: { recipients: 3 } } });
  expect((await agent.send({ to: ['a@example.net', 'b@example.net'] })).body['budget']).toEqual([
    { of: agent.inbox, unit: 'recipients', max: 3, windowSeconds: 86_400, used: 2, left: 1, nextFreeAt: '2026-01-02T00:00:00.000Z' },
  ]);
  expect((await agent.send({ to: ['a@example.net', 'b@example.net'] })).body['details']).toMatchObject({
    cap: `inbox ${agent.inbox} may hand in 3 recipients in any 24 hours`,
  });
});

it('counts a mail once, however often its request is repeated', async () => {
  const { hire } = await openAgentsBench();
  const agent = await hire('worker', { caps: { perHour: 1 } });
  const mail = { subject: 'Once' };
  const headers = { 'idempotency-key': 'once' };
  const first = await agent.send(mail, { headers });
  for (let count = 0; count < 3; count += 1)
    expect((await agent.send(mail, { headers })).body).toMatchObject({ id: first.body['id'], deduplicated: true });
});

it.each([
  [{ caps: { perHour: 0 } }, 'caps.perHour'],
  [{ caps: { perMinute: 1 } }, 'caps.perMinute'],
  [{ caps: { perHour: { message: 1 } } }, 'caps.perHour.message'],
  [{ policy: { recipients: 'listed', allow: ['nobody at all'] } }, 'policy.allow.0'],
  [{ policy: { allow: ['example.com'] } }, 'policy.recipients'],
])('refuses the bounds %j and names the place', async (bounds, place) => {
  const { hire, operate } = await openAgentsBench();
  const { tokenId } = await hire('worker');
  const { status, body } = await operate('PATCH', `/v1/tokens/${tokenId}`, bounds);
  expect(status).toBe(422);
  expect(Object.keys(body['details'] as object)).toEqual([place]);
});

it('says when a change changes nothing', async () => {
  const { hire, operate } = await openAgentsBench();
  const { inbox } = await hire('worker');
  expect(await operate('PATCH', `/v1/inboxes/${inbox}`, { caps: null })).toMatchObject({ status: 400, body: { error: 'bad_request' } });
});
