import { describe, expect, it } from 'vitest';
import { openHttpBench } from './http-bench.ts';

describe('opening an inbox', () => {
  it('answers in the shape clients know', async () => {
    const bench = await openHttpBench();
    const account = await bench.signUp();
    const { status, body } = await account.ask('POST', '/v1/inboxes', {
      body: { localPart: 'billing-bot', displayName: 'Billing', domain: 'shoal.localhost' },
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      address: 'billing-bot@shoal.localhost',
      localPart: 'billing-bot',
      domain: 'shoal.localhost',
      displayName: 'Billing',
      isActive: true,
      emailCount: 0,
      createdAt: '2026-01-01T00:00:00.000Z',
      lastEmailAt: null,
      expiresAt: null,
      account: { canSend: true, maxInboxes: null },
      hints: [],
    });
    expect(body).not.toHaveProperty('warnings');
  });

  it('takes a random name when none is wished for, with an empty object or no body at all', async () => {
    const account = await (await openHttpBench()).signUp();
    const addresses = [];
    for (const asking of [{}, { body: {} }, { body: { localPart: null, preferred: [] } }]) {
      const { status, body } = await account.ask('POST', '/v1/inboxes', asking);
      expect(status).toBe(201);
      addresses.push(body['address']);
    }
    expect(new Set(addresses).size).toBe(3);
  });

  it('refuses a taken name with the code that clients try the next one on', async () => {
    const bench = await openHttpBench();
    const [first, second] = [await bench.signUp(), await bench.signUp()];
    await first.openInbox('outreach-worker');
    const { status, body } = await second.ask('POST', '/v1/inboxes', { body: { localPart: 'outreach-worker' } });
    expect({ status, error: body['error'] }).toEqual({ status: 409, error: 'address_collision' });
    expect(body['message']).toBe('outreach-worker@shoal.localhost is taken');
    expect(body['hint']).not.toBe('');
  });

  it('finds the first free form of a name in one call', async () => {
    const account = await (await openHttpBench()).signUp();
    const opened = [];
    for (let n = 0; n < 5; n += 1) {
      const { body } = await account.ask('POST', '/v1/inboxes', { body: { name: 'Sarah Shield', org: 'Palisade' } });
      opened.push(body['localPart']);
    }
    expect(opened).toEqual(['sarah-shield', 'sarah-shield-palisade', 's-shield', 'sarah-shield1', 'sarah-shield2']);
  });

  it('tries preferred names first and gives a random one when all are taken', async () => {
    const account = await (await openHttpBench()).signUp();
    const open = async () => (await account.ask('POST', '/v1/inboxes', { body: { preferred: ['Billing Bot!', 'ab'] } })).body['localPart'];
    expect(await open()).toBe('billing-bot');
    expect(await open()).toMatch(/^agent-[0-9a-z]{8}$/);
  });

  it('gives two agents that race for one name two addresses', async () => {
    const bench = await openHttpBench();
    const account = await bench.signUp();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => account.ask('POST', '/v1/inboxes', { body: { name: 'outreach-worker' } })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(201));
    expect(new Set(answers.map(({ body }) => body['address'])).size).toBe(20);
  });

  it.each([
    [{ localPart: 'ab' }, 'localPart'],
    [{ localPart: 'Sarah' }, 'localPart'],
    [{ localPart: 'sarah..shield' }, 'localPart'],
    [{ localPart: '' }, 'localPart'],
    [{ localPart: 'sarah@shield' }, 'localPart'],
    [{ localPart: 'postmaster' }, 'localPart'],
    [{ localPart: 'no.reply' }, 'localPart'],
    [{ domain: 'elsewhere.example' }, 'domain'],
    [{ displayName: 'x'.repeat(101) }, 'displayName'],
    [{ displayName: 'Ann\r\nBcc: eve@example.net' }, 'displayName'],
    [{ displayName: 'Ann\u0085' }, 'displayName'],
    [{ displayName: 'Ann\u2028' }, 'displayName'],
  ])('S6, S7: refuses %j and names the field', async (body, field) => {
    const account = await (await openHttpBench()).signUp();
    const answer = await account.ask('POST', '/v1/inboxes', { body });
    expect(answer).toMatchObject({ status: 422, body: { error: 'refused_value', details: { [field]: expect.any(String) } } });
  });

  it('says what a refused name could be written as', async () => {
    const account = await (await openHttpBench()).signUp();
    const { body } = await account.ask('POST', '/v1/inboxes', { body: { localPart: 'Sarah Shield' } });
    expect(body['message']).toContain('"sarah-shield" would do');
  });

  it('calls a value of another type malformed', async () => {
    const account = await (await openHttpBench()).signUp();
    const answer = await account.ask('POST', '/v1/inboxes', { body: { localPart: 5 } });
    expect(answer).toMatchObject({
      status: 400,
      body: { error: 'bad_request', details: { localPart: 'must be of type string, not number' } },
    });
  });

  it('ignores an unknown field and names it', async () => {
    const account = await (await openHttpBench()).signUp();
    const { status, body } = await account.ask('POST', '/v1/inboxes', { body: { localpart: 'ann', ttl: 5 } });
    expect(status).toBe(201);
    expect(body['warnings']).toEqual(['unknown field ignored: localpart (did you mean localPart?)', 'unknown field ignored: ttl']);
  });
});

describe('an inbox', () => {
  it('is found by id, by address and by an encoded address', async () => {
    const account = await (await openHttpBench()).signUp();
    const id = await account.openInbox('ann');
    for (const reference of [id, 'ann@shoal.localhost', 'ann%40shoal.localhost', 'A.nn%40SHOAL.localhost'])
      expect(await account.ask('GET', `/v1/inboxes/${reference}`)).toMatchObject({
        status: 200,
        body: { id, address: 'ann@shoal.localhost' },
      });
  });

  it('is listed until it is deleted, and stays readable after', async () => {
    const account = await (await openHttpBench()).signUp();
    const id = await account.openInbox('ann');
    const listed = await account.ask('GET', '/v1/inboxes');
    expect(listed.body).toMatchObject({ data: [{ id }], pagination: { cursor: null, hasMore: false }, cursor: null });

    const empty = { 'content-type': 'application/json' };
    expect(await account.ask('DELETE', `/v1/inboxes/${id}`, { headers: empty })).toMatchObject({ status: 200, body: { deleted: true } });
    expect(await account.ask('DELETE', `/v1/inboxes/${id}`)).toMatchObject({ status: 200, body: { deleted: true } });
    expect((await account.ask('GET', '/v1/inboxes')).body).toMatchObject({ data: [] });
    expect((await account.ask('GET', '/v1/inboxes?active=false')).body).toMatchObject({ data: [{ id, isActive: false }] });
    expect(await account.ask('GET', `/v1/inboxes/${id}`)).toMatchObject({ status: 200, body: { isActive: false } });
    expect(await account.ask('POST', '/v1/inboxes', { body: { localPart: 'ann' } })).toMatchObject({ status: 409 });
  });

  it('comes up once in a list read page by page, and all do in a list without a limit', async () => {
    const account = await (await openHttpBench()).signUp();
    for (let n = 0; n < 25; n += 1) await account.openInbox(`agent-${n}`);
    const seen: unknown[] = [];
    for (let cursor: unknown = ''; cursor !== null; ) {
      const { body } = await account.ask('GET', `/v1/inboxes?limit=10${cursor === '' ? '' : `&cursor=${cursor}`}`);
      seen.push(...(body['data'] as readonly { id: string }[]).map(({ id }) => id));
      cursor = body['cursor'];
    }
    expect(new Set(seen).size).toBe(25);
    expect(seen).toHaveLength(25);
    expect((await account.ask('GET', '/v1/inboxes')).body['data']).toHaveLength(25);
  });

  it.each([
    ['limit=0', 422],
    ['limit=101', 422],
    ['limit=ten', 400],
    ['limit=', 400],
    ['active=perhaps', 422],
    ['cursor=elsewhere', 400],
  ])('refuses %s in a list with %i', async (query, status) => {
    const account = await (await openHttpBench()).signUp();
    expect(await account.ask('GET', `/v1/inboxes?${query}`)).toMatchObject({ status, body: { details: expect.anything() } });
  });
});
