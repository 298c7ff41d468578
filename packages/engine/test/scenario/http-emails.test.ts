import { describe, expect, it } from 'vitest';
import { jobIdIn, messageId, workerId } from '../../src/model/ids.ts';
import { type Account, type HttpBench, type Json, openHttpBench } from './http-bench.ts';

async function openSender(): Promise<{ bench: HttpBench; account: Account; inbox: string }> {
  const bench = await openHttpBench();
  const account = await bench.signUp();
  return { bench, account, inbox: await account.openInbox('ann') };
}
const WORKER = workerId(`wrk_${'0'.repeat(12)}`);
const idsOf = (body: Json): unknown[] => (body['data'] as readonly Json[]).map((item) => item['id']);

describe('an email', () => {
  it('is read whole, with the jobs it became and every attempt of each', async () => {
    const { bench, account, inbox } = await openSender();
    const id = await account.send(inbox, { cc: 'cat@example.net', html: '<p>Hello, Bob</p>' });
    await bench.endNext({ kind: 'retry', failure: 'greylist', delayMs: 0 }, 'greylisted: trying again');
    await bench.clock.advance(1_000);
    await bench.endNext({ kind: 'sent' }, 'taken');
    const { status, body } = await account.ask('GET', `/v1/emails/${id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id,
      inboxId: inbox,
      direction: 'outbound',
      from: 'ann@shoal.localhost',
      to: ['bob@example.net'],
      cc: ['cat@example.net'],
      bcc: null,
      subject: 'Hello',
      body: 'Hello, Bob',
      text: 'Hello, Bob',
      html: '<p>Hello, Bob</p>',
      status: 'sent',
      security: { injectionRiskScore: 0, flags: [] },
      attachments: [],
    });
    expect(body['jobs']).toMatchObject([
      {
        state: 'sent',
        recipients: ['bob@example.net', 'cat@example.net'],
        attempts: [
          { number: 1, end: 'retry', counted: true, phase: 'dot', reply: { code: 250 }, note: 'greylisted: trying again' },
          { number: 2, end: 'sent', startedAt: '2026-01-01T00:00:01.000Z', note: 'taken' },
        ],
      },
    ]);
  });

  it('shows its status: queued, sending, in_doubt, sent, failed or canceled', async () => {
    const { bench, account, inbox } = await openSender();
    const statusOf = async (id: string): Promise<unknown> => (await account.ask('GET', `/v1/emails/${id}`)).body['status'];
    const doubt = await account.send(inbox, { subject: '1' });
    await bench.endNext({ kind: 'doubt', cause: 'cut' });
    const dead = await account.send(inbox, { subject: '2' });
    await bench.endNext({ kind: 'dead', reason: 'permanent' });
    const queued = await account.send(inbox, { subject: '3' });
    expect([await statusOf(doubt), await statusOf(dead), await statusOf(queued)]).toEqual(['in_doubt', 'failed', 'queued']);
  });

  it('keeps its status, its bytes and its place in lists when the ledger drops its record', async () => {
    const { bench, account, inbox } = await openSender();
    const [sent, canceled] = [await account.send(inbox), await account.send(inbox, { subject: 'stopped', sendAt: '2026-02-01T00:00:00Z' })];
    await bench.endNext({ kind: 'sent' });
    await account.ask('POST', `/v1/emails/${canceled}/cancel`);
    await bench.clock.advance(8 * 24 * 3_600_000);
    await bench.ledger.sweep({ max: 100, apartDelaysMs: [0], resendMs: 0, retentionMs: 7 * 24 * 3_600_000 });
    expect((await account.ask('GET', `/v1/emails/${sent}`)).body).toMatchObject({ status: 'sent', jobs: [], subject: 'Hello' });
    expect((await account.ask('GET', `/v1/emails/${canceled}`)).body).toMatchObject({ status: 'canceled', jobs: [] });
    expect(idsOf((await account.ask('GET', '/v1/emails?status=sent')).body)).toEqual([sent]);
    expect(idsOf((await account.ask('GET', '/v1/emails?status=canceled&status=queued')).body)).toEqual([canceled]);
    expect(await account.ask('GET', `/v1/emails/${sent}/raw`)).toMatchObject({
      status: 200,
      body: { text: expect.stringContaining('Hello, Bob') },
    });
    expect(await account.ask('POST', `/v1/emails/${sent}/cancel`)).toMatchObject({ status: 409, body: { error: 'wrong_state' } });
  });

  it('is found in its own inbox and in no other', async () => {
    const { account, inbox } = await openSender();
    const id = await account.send(inbox);
    const other = await account.openInbox('ben');
    expect(await account.ask('GET', `/v1/inboxes/${inbox}/emails/${id}`)).toMatchObject({ status: 200, body: { id, body: 'Hello, Bob' } });
    expect(await account.ask('GET', `/v1/inboxes/${other}/emails/${id}`)).toMatchObject({ status: 404 });
  });

  it('gives back the very bytes that go on the wire', async () => {
    const { bench, account, inbox } = await openSender();
    const id = await account.send(inbox);
    const response = await bench.app.fetch(
      new Request(`http://127.0.0.1/v1/emails/${id}/raw`, { headers: { authorization: `Bearer ${account.token}` } }),
    );
    expect(response.headers.get('content-type')).toBe('message/rfc822');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    const [payload] = await bench.ledger.payloads([messageId(id)]);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.from(payload ?? []));
  });

  it.each(['GET /v1/emails/:id', 'GET /v1/emails/:id/raw', 'POST /v1/emails/:id/cancel'])(
    'is not found by %s when there is none',
    async (route) => {
      const { account } = await openSender();
      const [method = '', path = ''] = route.split(' ');
      for (const id of [`eml_${'0'.repeat(26)}`, 'eml_', 'search', '%00', "'; drop table messages"])
        expect(await account.ask(method, path.replace(':id', encodeURIComponent(id)))).toMatchObject({
          status: 404,
          body: { error: 'not_found' },
        });
    },
  );
});

describe('a list of emails', () => {
  it('is newest first, holds previews, and keeps body null', async () => {
    const { account, inbox } = await openSender();
    const long = 'x'.repeat(500);
    const first = await account.send(inbox, { subject: '1', text: long });
    const second = await account.send(inbox, { subject: '2' });
    const { body } = await account.ask('GET', '/v1/emails');
    expect(idsOf(body)).toEqual([second, first]);
    expect(body['data']).toMatchObject([
      { body: null, preview: 'Hello, Bob', status: 'queued' },
      { body: null, preview: 'x'.repeat(200) },
    ]);
  });

  it('gives each email once over its pages', async () => {
    const { account, inbox } = await openSender();
    const sent = [];
    for (let n = 0; n < 7; n += 1) sent.unshift(await account.send(inbox, { subject: `${n}` }));
    const seen = [];
    for (let cursor: unknown = ''; cursor !== null; ) {
      const { body } = await account.ask('GET', `/v1/inboxes/${inbox}/emails?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`);
      expect(body['pagination']).toEqual({ cursor: body['cursor'], hasMore: body['cursor'] !== null });
      seen.push(...idsOf(body));
      cursor = body['cursor'];
    }
    expect(seen).toEqual(sent);
  });

  it('can be of one status or of several, page by page', async () => {
    const { bench, account, inbox } = await openSender();
    const ends = ['sent', 'dead', 'sent', 'queued', 'sent'] as const;
    const ids: string[] = [];
    for (const [n, end] of ends.entries()) {
      const sendAt = end === 'queued' ? { sendAt: '2026-02-01T00:00:00Z' } : {};
      ids.push(await account.send(inbox, { subject: `${n}`, ...sendAt }));
      if (end === 'sent') await bench.endNext({ kind: 'sent' });
      if (end === 'dead') await bench.endNext({ kind: 'dead', reason: 'permanent' });
    }
    const listed = async (query: string): Promise<unknown[]> => idsOf((await account.ask('GET', `/v1/emails?${query}`)).body);
    expect(await listed('status=sent')).toEqual([ids[4], ids[2], ids[0]]);
    expect(await listed('status=failed')).toEqual([ids[1]]);
    expect(await listed('status=failed&status=queued')).toEqual([ids[3], ids[1]]);
    const { body: open } = await account.ask('GET', '/v1/emails?status=failed&status=queued&limit=1');
    expect(await listed(`status=failed&status=queued&limit=1&cursor=${open['cursor']}`)).toEqual([ids[1]]);
    expect(await listed(`status=${encodeURIComponent('["failed","queued"]')}`)).toEqual([ids[3], ids[1]]);
    const seen: unknown[] = [];
    for (let cursor: unknown = ''; cursor !== null; ) {
      const { body } = await account.ask('GET', `/v1/emails?status=sent&limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      seen.push(...idsOf(body));
      cursor = body['cursor'];
    }
    expect(seen).toEqual([ids[4], ids[2], ids[0]]);
    expect(await account.ask('GET', '/v1/emails?status=lost')).toMatchObject({
      status: 400,
      body: { details: { status: expect.any(String) } },
    });
  });

  it('counts an email of several jobs by its least settled one, and shows it once', async () => {
    const { bench, account, inbox } = await openSender();
    const id = await account.send(inbox, { to: ['bob@example.net', 'cat@example.net'] });
    await splitOff(bench, 'cat@example.net');
    const listed = async (status: string): Promise<unknown[]> => idsOf((await account.ask('GET', `/v1/emails?status=${status}`)).body);
    expect(await listed('failed')).toEqual([id]);
    expect(await listed('sent')).toEqual([]);
    expect(await listed('sent&status=failed')).toEqual([id]);
    expect(await listed('in_doubt&status=failed')).toEqual([id]);
    expect((await account.ask('GET', `/v1/emails/${id}`)).body['jobs']).toMatchObject([
      { state: 'dead', recipients: ['cat@example.net'], parentId: expect.any(String) },
      { state: 'sent', recipients: ['bob@example.net'], parentId: null },
    ]);
  });

  it('of an inbox ends where it is older than since, and holds no inbound mail in this version', async () => {
    const { bench, account, inbox } = await openSender();
    await account.send(inbox, { subject: 'old' });
    await bench.clock.advance(60_000);
    const young = await account.send(inbox, { subject: 'young' });
    const path = `/v1/inboxes/${inbox}/emails`;
    expect(idsOf((await account.ask('GET', `${path}?since=2026-01-01T00%3A00%3A00.001Z`)).body)).toEqual([young]);
    expect(idsOf((await account.ask('GET', `${path}?direction=inbound`)).body)).toEqual([]);
    expect(idsOf((await account.ask('GET', `${path}?direction=outbound`)).body)).toHaveLength(2);
    expect(await account.ask('GET', `${path}?since=yesterday`)).toMatchObject({ status: 400 });
  });
});

describe('canceling', () => {
  it('stops what is queued, and may be repeated', async () => {
    const { account, inbox } = await openSender();
    const id = await account.send(inbox);
    for (let n = 0; n < 2; n += 1)
      expect(await account.ask('POST', `/v1/emails/${id}/cancel`)).toMatchObject({
        status: 200,
        body: { id, status: 'canceled', kept: [] },
      });
  });

  it('comes too late once the final dot may be on the wire', async () => {
    const { bench, account, inbox } = await openSender();
    const id = await account.send(inbox);
    const { leases } = await bench.ledger.lease({ worker: WORKER, kinds: ['send'], max: 1, leaseMs: 60_000, apart: false });
    const [lease] = leases;
    if (lease === undefined) throw new Error('nothing to lease');
    await bench.ledger.commit([{ jobId: lease.jobId, token: lease.token, nonce: 'n1' }]);
    expect(await account.ask('POST', `/v1/emails/${id}/cancel`)).toMatchObject({
      status: 409,
      body: { error: 'too_late', retryable: false },
    });
  });

  it('is refused for what has ended, with its status', async () => {
    const { bench, account, inbox } = await openSender();
    const id = await account.send(inbox);
    await bench.endNext({ kind: 'sent' });
    const { status, body } = await account.ask('POST', `/v1/emails/${id}/cancel`);
    expect({ status, error: body['error'], message: body['message'] }).toEqual({
      status: 409,
      error: 'wrong_state',
      message: 'the mail can no longer be canceled: it is sent',
    });
  });
});

describe('captured mail', () => {
  it('T2: is shown to the account it belongs to, with a way to its bytes', async () => {
    const { bench, account, inbox } = await openSender();
    const stranger = await bench.signUp();
    const foreign = await stranger.send(await stranger.openInbox('eve'), { subject: 'secret' });
    const id = await account.send(inbox);
    for (const _ of [foreign, id]) await bench.captureNext();
    const { body } = await account.ask('GET', '/v1/captured');
    expect(body['data']).toEqual([
      expect.objectContaining({
        emailId: id,
        subject: 'Hello',
        to: ['bob@example.net'],
        capturedAt: '2026-01-01T00:00:00.000Z',
        raw: `/v1/emails/${id}/raw`,
      }),
    ]);
  });

  it('is paged newest first, past the mail of others, and keeps its pages while more comes', async () => {
    const { bench, account, inbox } = await openSender();
    const stranger = await bench.signUp();
    const foreignInbox = await stranger.openInbox('eve');
    const capture = async (from: Account, box: string, subject: string): Promise<string> => {
      const id = await from.send(box, { subject });
      await bench.captureNext();
      return id;
    };
    const ids: string[] = [];
    for (const round of ['a', 'b', 'c']) {
      ids.unshift(await capture(account, inbox, round));
      await capture(stranger, foreignInbox, `${round}, not yours`);
    }
    const met: unknown[] = [];
    for (let cursor: unknown = ''; cursor !== null; ) {
      const { body } = await account.ask('GET', `/v1/captured?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      expect(body['pagination']).toEqual({ cursor: body['cursor'], hasMore: body['cursor'] !== null });
      met.push(...(body['data'] as readonly Json[]).map((mail) => mail['emailId']));
      cursor = body['cursor'];
      await capture(account, inbox, `meanwhile ${met.length}`);
    }
    expect(met).toEqual(ids);
  });

  it.each(['x', 'c1', 'c1-2', 'c-1--1', `c1-1${'0'.repeat(40)}`, "c1-1'; DROP TABLE jobs", '%00', 's1'])(
    'refuses the cursor %j, which is none of it',
    async (cursor) => {
      const { account } = await openSender();
      const { status, body } = await account.ask('GET', `/v1/captured?cursor=${encodeURIComponent(cursor)}`);
      expect({ status, error: body['error'] }).toEqual({ status: 400, error: 'bad_request' });
      expect(body['message']).toContain('cursor');
    },
  );

  it('ends at once for a cursor of the right form from nowhere', async () => {
    const { account } = await openSender();
    expect(await account.ask('GET', '/v1/captured?cursor=czzzzzzzz-zzzzzzzz')).toMatchObject({
      status: 200,
      body: { data: [], cursor: null },
    });
  });
});

/** The next job is sent, but for one recipient, who is refused for good and gets a job of its own. */
async function splitOff(bench: HttpBench, recipient: string): Promise<void> {
  const { leases } = await bench.ledger.lease({ worker: WORKER, kinds: ['send'], max: 1, leaseMs: 60_000, apart: false });
  const [lease] = leases;
  if (lease === undefined) throw new Error('nothing to lease');
  const ref = { jobId: lease.jobId, token: lease.token };
  await bench.ledger.commit([{ ...ref, nonce: 'n1' }]);
  await bench.ledger.settle([
    {
      ...ref,
      outcome: { kind: 'sent' },
      note: 'taken for one',
      keeps: lease.envelope.to.filter((to) => to !== recipient),
      children: [
        {
          id: jobIdIn(0, new Uint8Array(15)),
          to: [recipient],
          outcome: { kind: 'dead', reason: 'permanent' },
          note: 'no such user',
          recipients: [],
        },
      ],
    },
  ]);
}
