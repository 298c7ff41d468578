import { expect, it } from 'vitest';
import { openAgentsBench } from './agents-bench.ts';

it('P6: a recipient off the list is refused wherever it stands, by name, and nothing is stored', async () => {
  const { hire, operate, ledger } = await openAgentsBench();
  const agent = await hire('worker');
  const policy = { recipients: 'listed', allow: ['example.net', '*.example.org'] };
  expect(await operate('PATCH', `/v1/inboxes/${agent.inbox}`, { policy })).toMatchObject({ status: 200, body: { policy } });
  for (const field of ['to', 'cc', 'bcc']) {
    const { status, body } = await agent.send({ [field]: ['bob@example.net', 'eve@example.com'] });
    expect(status).toBe(403);
    expect(body).toMatchObject({
      error: 'recipient_not_allowed',
      retryable: false,
      details: { [`${field}.1`]: 'eve@example.com is not on the allow list (policy of the inbox)' },
    });
  }
  expect((await ledger.stats()).byState.ready).toBe(0);
  expect((await agent.ask('GET', '/v1/emails')).body['data']).toEqual([]);
  expect((await agent.send({ cc: 'ann@team.example.org' })).status).toBe(202);
});

it('P6: an empty list lets nobody through, and is not taken for no list', async () => {
  const { hire } = await openAgentsBench();
  for (const [index, allow] of [[], null, undefined].entries()) {
    const agent = await hire(`worker${index}`, { policy: { recipients: 'listed', allow } });
    expect((await agent.send()).status).toBe(403);
  }
});

it('P6: a reply-only agent writes to nobody as long as nothing is received, but for its list', async () => {
  const { hire } = await openAgentsBench();
  const agent = await hire('worker', { policy: { recipients: 'reply-only', allow: ['boss@example.com'] } });
  expect((await agent.send()).body['details']).toEqual({ 'to.0': 'bob@example.net has not written to this inbox (policy of the token)' });
  expect((await agent.send({ to: 'boss@example.com' })).status).toBe(202);
});

it('takes a policy away when it is to be anybody again', async () => {
  const { hire, operate } = await openAgentsBench();
  const agent = await hire('worker', { policy: { recipients: 'listed' } });
  await operate('PATCH', `/v1/tokens/${agent.tokenId}`, { policy: { recipients: 'anybody' } });
  expect((await agent.send()).status).toBe(202);
});
