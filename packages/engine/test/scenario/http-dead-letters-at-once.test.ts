import { describe, expect, it } from 'vitest';
import { workOnOne } from '../../src/send/operations.ts';
import { createManualClock } from '../../src/testing/index.ts';
import { type Account, type HttpBench, type Json, openHttpBench } from './http-bench.ts';

const DEAD = { kind: 'dead', reason: 'permanent' } as const;

async function openWithDead(count: number) {
  const bench = await openHttpBench();
  const account = await bench.signUp();
  const inbox = await account.openInbox('ann');
  const ids: string[] = [];
  for (let number = 0; number < count; number += 1) {
    ids.push(await account.send(inbox, { subject: `dead ${number}`, to: `r${number}@d${number % 2}.example` }));
    await bench.endNext(DEAD);
    await bench.clock.advance(1_000);
  }
  return { bench, account, inbox, ids };
}

const partsOf = (bench: HttpBench, owner = 'one') => ({
  ledger: bench.ledger,
  store: bench.store,
  clock: createManualClock(),
  log: { debug() {}, info() {}, warn() {}, error() {} },
  owner,
});
const begin = async (account: Account, act: string, body: Json = {}, key?: string): Promise<Json> =>
  (await account.ask('POST', `/v1/dead-letters/${act}`, { body, ...(key !== undefined && { headers: { 'idempotency-key': key } }) })).body;
const look = async (account: Account, { id }: Json): Promise<Json> => (await account.ask('GET', `/v1/operations/${String(id)}`)).body;
const statusOf = async (account: Account, id: string): Promise<unknown> => (await account.ask('GET', `/v1/emails/${id}`)).body['status'];

describe('dead letters', () => {
  it('are grouped by what they died of, with their count, first, last and a sample', async () => {
    const { account, ids, bench, inbox } = await openWithDead(2);
    await account.send(inbox);
    await bench.endNext({ kind: 'dead', reason: 'expired' });
    const { body } = await account.ask('GET', '/v1/dead-letters/groups');
    expect(body['data']).toMatchObject([
      { reason: 'permanent', failure: null, code: 250, count: 2, sample: { emailId: ids[1], subject: 'dead 1' } },
      { reason: 'expired', count: 1 },
    ]);
    const stranger = await bench.signUp();
    expect((await stranger.ask('GET', '/v1/dead-letters/groups')).body['data']).toEqual([]);
  });

  it('can be narrowed by reason, inbox, sender, domain and time', async () => {
    const { account, inbox, ids, bench } = await openWithDead(3);
    const other = await account.openInbox('bob');
    const found = async (query: string): Promise<unknown[]> =>
      ((await account.ask('GET', `/v1/dead-letters?${query}`)).body['data'] as Json[]).map(({ emailId }) => emailId);
    expect(await found('reason=permanent&reason=poison')).toHaveLength(3);
    expect(await found('reason=poison')).toEqual([]);
    expect(await found(`inbox=${inbox}`)).toHaveLength(3);
    expect(await found(`inbox=${other}`)).toEqual([]);
    expect(await found('sender=default')).toHaveLength(3);
    expect(await found('domain=D1.example')).toEqual([ids[1]]);
    const middle = new Date(bench.clock.now() - 2_000).toISOString();
    expect(await found(`since=${middle}`)).toEqual([ids[2], ids[1]]);
    expect(await found(`until=${middle}`)).toEqual([ids[0]]);
    expect(await account.ask('GET', '/v1/dead-letters?reason=bored')).toMatchObject({ status: 400 });
  });

  it('go back by filter, page by page, and what died again after the operation began is left dead', async () => {
    const { bench, account, ids } = await openWithDead(3);
    const begun = await begin(account, 'requeue', { domain: 'd0.example' });
    expect(begun).toMatchObject({ kind: 'requeue', status: 'running', matched: 2, done: 0 });
    await bench.clock.advance(5_000);
    await account.ask('POST', `/v1/dead-letters/${ids[0]}/requeue`);
    await bench.endNext(DEAD); // again, and after the operation began
    expect(await workOnOne(partsOf(bench))).toBe(true);
    expect(await look(account, begun)).toMatchObject({ status: 'done', matched: 2, done: 1, failed: 0 });
    expect(await Promise.all(ids.map((id) => statusOf(account, id)))).toEqual(['failed', 'failed', 'queued']);
    expect(await workOnOne(partsOf(bench))).toBe(false);
  });

  it('are the same operation under the same Idempotency-Key, which is refused for another one', async () => {
    const { account } = await openWithDead(1);
    const first = await begin(account, 'requeue', {}, 'k');
    expect(await begin(account, 'requeue', {}, 'k')).toEqual(first);
    expect(await begin(account, 'purge', {}, 'k')).toMatchObject({ error: 'key_reused' });
  });

  it('are gone for good once purged: bytes, text, attempts and key', async () => {
    const { bench, account, inbox } = await openWithDead(0);
    const mail = { to: 'bob@example.net', subject: 'secret', text: 'canary' };
    const send = () => account.ask('POST', `/v1/inboxes/${inbox}/send`, { body: mail, headers: { 'idempotency-key': 'k' } });
    const { body } = await send();
    await bench.endNext(DEAD);
    const path = `/v1/emails/${String(body['id'])}`;
    await begin(account, 'purge');
    await workOnOne(partsOf(bench));
    expect((await account.ask('GET', '/v1/dead-letters')).body['data']).toEqual([]);
    expect((await account.ask('GET', path)).body).toMatchObject({ status: 'failed', body: '', text: null, jobs: [] });
    expect(await account.ask('GET', `${path}/raw`)).toMatchObject({ status: 404 });
    const again = (await send()).body;
    expect(again).toMatchObject({ deduplicated: false });
    expect(again['id']).not.toBe(body['id']);
  });

  it('leave no trace of an operation a week after its end, once there is another one', async () => {
    const { bench, account } = await openWithDead(1);
    const first = await begin(account, 'requeue');
    await workOnOne(partsOf(bench));
    await bench.clock.advance(6 * 86_400_000);
    const second = await begin(account, 'requeue');
    expect(await look(account, first)).toMatchObject({ status: 'done' });
    await bench.clock.advance(86_400_000 + 60_000);
    await begin(account, 'requeue');
    expect(await look(account, first)).toMatchObject({ error: 'not_found' });
    expect(await look(account, second)).toMatchObject({ status: 'running' });
  });

  it('can be purged one by one', async () => {
    const { account, ids } = await openWithDead(1);
    expect(await account.ask('DELETE', `/v1/dead-letters/${ids[0]}`)).toMatchObject({ status: 200, body: { deleted: true } });
    expect(await account.ask('DELETE', `/v1/dead-letters/${ids[0]}`)).toMatchObject({ status: 404 });
  });

  it('are counted right when the process that worked on them was killed in the middle of a slice', async () => {
    const { bench, account } = await openWithDead(3);
    const begun = await begin(account, 'requeue');
    const killed = { ...partsOf(bench), store: { ...bench.store, saveOperation: savesOnce(bench) } };
    await expect(workOnOne(killed)).rejects.toThrow('killed');
    expect(await workOnOne(partsOf(bench, 'two'))).toBe(false); // the lease of the dead one
    await bench.clock.advance(16_000);
    expect(await workOnOne(partsOf(bench, 'two'))).toBe(true);
    expect(await look(account, begun)).toMatchObject({ status: 'done', matched: 3, done: 3, failed: 0 });
  });
});

/** The slice is on record and worked off; its end never is. */
function savesOnce({ store }: HttpBench): HttpBench['store']['saveOperation'] {
  let saves = 0;
  return async (...args) => {
    saves += 1;
    if (saves > 1) throw new Error('killed');
    return store.saveOperation(...args);
  };
}
