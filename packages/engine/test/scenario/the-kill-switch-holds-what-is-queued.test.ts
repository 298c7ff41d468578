import { expect, it } from 'vitest';
import { workerId } from '../../src/model/ids.ts';
import { type AgentsBench, openAgentsBench } from './agents-bench.ts';

const WORKER = workerId(`wrk_${'1'.repeat(12)}`);

async function leased({ ledger }: AgentsBench): Promise<number> {
  const { leases } = await ledger.lease({ worker: WORKER, kinds: ['send'], max: 10, leaseMs: 60_000, apart: false });
  return leases.length;
}

it.each(['account', 'inbox'] as const)('P7: a stopped %s takes no mail and sends none, until an operator starts it', async (what) => {
  const bench = await openAgentsBench();
  const { hire, operate } = bench;
  const [agent, other] = [await hire('worker'), await hire('bystander')];
  await agent.send();
  const path = what === 'account' ? '/v1/account' : `/v1/inboxes/${agent.inbox}`;
  const body = what === 'account' ? { account: agent.account } : {};
  expect(await agent.ask('POST', `${path}/stop`, { note: 'It writes nonsense.' })).toMatchObject({
    status: 200,
    body: { holds: [{ why: 'stop', note: `It writes nonsense. (agent ${agent.tokenId})`, since: expect.any(String), until: null }] },
  });
  expect(await agent.send()).toMatchObject({ status: 403, body: { error: 'sending_stopped', retryable: false } });
  expect(await leased(bench)).toBe(0);
  expect((await other.send()).status).toBe(202);
  expect(await leased(bench)).toBe(1);
  expect((await operate('POST', `${path}/start`, body)).body['holds']).toEqual([]);
  expect((await agent.send()).status).toBe(202);
  expect(await leased(bench)).toBe(2);
});

it('P7: refuses the commit of a mail that is under way when the stop comes', async () => {
  const bench = await openAgentsBench();
  const agent = await bench.hire('worker');
  await agent.send();
  const { leases } = await bench.ledger.lease({ worker: WORKER, kinds: ['send'], max: 1, leaseMs: 60_000, apart: false });
  await bench.operate('POST', '/v1/account/stop', { account: agent.account });
  const refs = leases.map(({ jobId, token }) => ({ jobId, token, nonce: 'n' }));
  expect(await bench.ledger.commit(refs)).toEqual([{ kind: 'refused', because: 'paused' }]);
});

it('a paused inbox accepts mail that waits, and every answer says so', async () => {
  const bench = await openAgentsBench();
  const { hire, operate } = bench;
  const agent = await hire('worker');
  await operate('POST', `/v1/inboxes/${agent.inbox}/pause`, { note: 'Until Monday.' });
  const { status, body } = await agent.send();
  const because = expect.stringContaining('Until Monday.');
  expect(status).toBe(202);
  expect(body['forecast']).toEqual({ at: null, kind: 'pause', because, ahead: 0 });
  expect((await agent.ask('GET', `/v1/emails/${String(body['id'])}`)).body['waiting']).toEqual({ at: null, kind: 'pause', because });
  expect((await agent.ask('GET', `/v1/inboxes/${agent.inbox}`)).body['holds']).toMatchObject([{ why: 'pause' }]);
  expect(await leased(bench)).toBe(0);
  expect((await operate('POST', `/v1/inboxes/${agent.inbox}/resume`)).body['holds']).toEqual([]);
  expect(await leased(bench)).toBe(1);
});

it('P7: a stopped token sends nothing more, and what it handed in goes on', async () => {
  const bench = await openAgentsBench();
  const { hire, operate } = bench;
  const agent = await hire('worker');
  await agent.send();
  expect(await operate('POST', `/v1/tokens/${agent.tokenId}/stop`)).toMatchObject({ status: 200, body: { isStopped: true } });
  expect(await agent.send()).toMatchObject({ status: 403, body: { error: 'sending_stopped' } });
  expect((await agent.ask('GET', '/v1/account')).body['token']).toMatchObject({ id: agent.tokenId, isStopped: true });
  expect(await leased(bench)).toBe(1);
  await operate('POST', `/v1/tokens/${agent.tokenId}/start`);
  expect((await agent.send()).status).toBe(202);
});

it('T1: an operator reaches every account, an agent only its own', async () => {
  const { hire, operate } = await openAgentsBench();
  const [agent, other] = [await hire('worker'), await hire('bystander')];
  expect(await agent.ask('POST', '/v1/account/stop', { account: other.account })).toMatchObject({ status: 403 });
  expect(await agent.ask('POST', `/v1/inboxes/${other.inbox}/stop`)).toMatchObject({ status: 404 });
  expect(await agent.ask('POST', `/v1/tokens/${other.tokenId}/stop`)).toMatchObject({ status: 404 });
  expect((await agent.ask('GET', '/v1/tokens')).body['data']).toMatchObject([{ id: agent.tokenId, role: 'agent', account: agent.account }]);
  expect((await operate('GET', '/v1/tokens')).body['data']).toHaveLength(3);
  expect(JSON.stringify((await operate('GET', '/v1/tokens')).body)).not.toMatch(/hash|shoal_sk_/);
  const unknown = `acct_${'0'.repeat(26)}`;
  expect(await operate('POST', '/v1/account/stop', { account: unknown })).toMatchObject({ status: 404 });
  expect(await operate('PATCH', '/v1/inboxes/nobody@shoal.localhost', { caps: { perHour: 1 } })).toMatchObject({ status: 404 });
  expect((await operate('PATCH', '/v1/inboxes/bystander@shoal.localhost', { caps: { perHour: 1 } })).body['id']).toBe(other.inbox);
});

it('a paused account accepts mail that waits, and only an operator lets it go on', async () => {
  const bench = await openAgentsBench();
  const agent = await bench.hire('worker');
  expect((await agent.ask('POST', '/v1/account/pause', { note: 'Lunch.' })).body['holds']).toMatchObject([{ why: 'pause' }]);
  expect(await agent.send()).toMatchObject({ status: 202, body: { forecast: { kind: 'pause' } } });
  expect(await leased(bench)).toBe(0);
  expect((await agent.ask('POST', '/v1/account/resume')).status).toBe(403);
  await bench.operate('POST', '/v1/account/resume', { account: agent.account });
  expect(await leased(bench)).toBe(1);
});
