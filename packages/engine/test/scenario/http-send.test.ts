import { describe, expect, it } from 'vitest';
import { ShoalError } from '../../src/model/errors.ts';
import { openHttpBench } from './http-bench.ts';

const MAIL = { to: 'bob@example.net', subject: 'Follow-up', text: 'Here are the details.' };

async function openSender() {
  const bench = await openHttpBench();
  const account = await bench.signUp();
  const inbox = await account.openInbox('outreach-worker');
  const send = (body: unknown, headers: Readonly<Record<string, string>> = {}) => account.ask('POST', '/v1/emails/send', { body, headers });
  return { bench, account, inbox, send, from: 'outreach-worker@shoal.localhost' };
}

describe('a send', () => {
  it('is answered with 202 once it is in the ledger', async () => {
    const { bench, send, from, inbox } = await openSender();
    const { status, body } = await send({ from, ...MAIL });
    expect(status).toBe(202);
    expect(body).toMatchObject({ status: 'queued', deduplicated: false, messageId: expect.stringMatching(/^<.+@shoal\.localhost>$/) });
    const { jobs } = await bench.ledger.list({ max: 10 });
    expect(jobs).toMatchObject([{ id: body['jobId'], messageId: body['id'], lane: inbox, envelope: { from, to: ['bob@example.net'] } }]);
    expect(body).not.toHaveProperty('warnings');
  });

  it('takes the sender by address, by inbox id, or from the path', async () => {
    const { account, inbox, send, from } = await openSender();
    expect(await send({ ...MAIL, from, subject: '1' })).toMatchObject({ status: 202 });
    expect(await send({ ...MAIL, inboxId: inbox, subject: '2' })).toMatchObject({ status: 202 });
    expect(await send({ ...MAIL, inboxId: inbox, from, subject: '3' })).toMatchObject({ status: 202 });
    expect(await account.ask('POST', `/v1/inboxes/${inbox}/send`, { body: { ...MAIL, subject: '4' } })).toMatchObject({ status: 202 });
    expect(await account.ask('POST', `/v1/inboxes/${encodeURIComponent(from)}/send`, { body: { ...MAIL, subject: '5' } })).toMatchObject({
      status: 202,
    });
  });

  it('S7: has the envelope of its checked fields: to, cc and bcc, each once, as text or as arrays', async () => {
    const { bench, send, from } = await openSender();
    await send({
      from,
      to: ['a@example.net'],
      cc: 'b@example.net',
      bcc: ['c@example.net', 'a@example.net'],
      replyTo: ['r@example.net'],
      subject: 'x',
      body: { text: 't', html: '<p>t</p>' },
    });
    const { jobs } = await bench.ledger.list({ max: 10 });
    expect(jobs.map(({ envelope }) => envelope.to)).toEqual([['a@example.net', 'b@example.net', 'c@example.net']]);
  });

  it('takes empty arrays and null for absent fields', async () => {
    const { send, from } = await openSender();
    const { status, body } = await send({ from, ...MAIL, cc: [], bcc: null, replyTo: [], attachments: [], sendAt: null });
    expect({ status, warnings: body['warnings'] }).toEqual({ status: 202, warnings: undefined });
  });

  it('waits for its time, given as ISO text or as epoch milliseconds', async () => {
    const { send, from } = await openSender();
    const at = Date.UTC(2026, 0, 2, 8);
    for (const sendAt of ['2026-01-02T08:00:00Z', '2026-01-02T09:00:00+01:00', at])
      expect((await send({ from, ...MAIL, sendAt, allowDuplicate: true })).body).toMatchObject({
        status: 'queued',
        dueAt: '2026-01-02T08:00:00.000Z',
      });
    const { body } = await send({ from, ...MAIL, expiresAt: at, subject: 'expires' });
    expect(body['expiresAt']).toBe('2026-01-02T08:00:00.000Z');
  });

  it('is one mail under one key, however often it is asked for', async () => {
    const { bench, send, from } = await openSender();
    const key = { 'idempotency-key': 'order-17' };
    const answers = [await send({ from, ...MAIL }, key), await send({ from, ...MAIL }, key)];
    expect(answers.map(({ status, body }) => [status, body['deduplicated']])).toEqual([
      [202, false],
      [202, true],
    ]);
    expect(answers[1]?.body).toMatchObject({
      id: answers[0]?.body['id'],
      jobId: answers[0]?.body['jobId'],
      messageId: answers[0]?.body['messageId'],
    });
    expect((await bench.ledger.list({ max: 10 })).jobs).toHaveLength(1);
  });

  it('answers a repeat with the state of the first', async () => {
    const { bench, send, from } = await openSender();
    const key = { 'idempotency-key': 'order-17' };
    await send({ from, ...MAIL }, key);
    await bench.endNext({ kind: 'sent' });
    expect((await send({ from, ...MAIL }, key)).body).toMatchObject({ status: 'sent', deduplicated: true });
  });

  it('is refused under a key of another mail, and told what differs', async () => {
    const { send, from } = await openSender();
    const key = { 'idempotency-key': 'order-17' };
    await send({ from, ...MAIL }, key);
    const { status, body } = await send({ from, ...MAIL, subject: 'Another', to: 'eve@example.net' }, key);
    expect({ status, error: body['error'], differs: body['differs'] }).toEqual({
      status: 409,
      error: 'key_reused',
      differs: ['to', 'subject'],
    });
  });

  it('is one mail without a key as well, unless the caller means two', async () => {
    const { send, from } = await openSender();
    await send({ from, ...MAIL });
    expect((await send({ from, ...MAIL })).body).toMatchObject({ deduplicated: true });
    expect((await send({ from, ...MAIL, allowDuplicate: true })).body).toMatchObject({ deduplicated: false });
  });

  it('names unknown fields, at the top and inside body, and goes all the same', async () => {
    const { send, from } = await openSender();
    const { status, body } = await send({
      from,
      to: 'bob@example.net',
      subject: 'x',
      body: { text: 't', markdown: '*t*' },
      threadId: 'thd_1',
      replyto: 'r@example.net',
    });
    expect(status).toBe(202);
    expect(body['warnings']).toEqual([
      'unknown field ignored: body.markdown',
      'unknown field ignored: threadId',
      'unknown field ignored: replyto (did you mean replyTo?)',
    ]);
  });
});

describe('a send that is refused', () => {
  it.each([
    ['no body at all', {}],
    ['an empty text', { text: '' }],
    ['an empty body', { body: {} }],
    ['an empty text and html', { body: { text: '', html: '' } }],
  ])('names body.text when there is %s', async (_, bodies) => {
    const { bench, send, from } = await openSender();
    const { text: _text, ...rest } = MAIL;
    const { status, body } = await send({ from, ...rest, ...bodies });
    expect({ status, error: body['error'] }).toEqual({ status: 400, error: 'body_missing' });
    expect(body['message']).toContain('body.text');
    expect((await bench.ledger.list({ max: 10 })).jobs).toEqual([]);
  });

  it.each([
    [{ to: undefined }, 'to', 'is required'],
    [{ to: [] }, 'to', 'is required'],
    [{ to: 5 }, 'to', 'must be text or an array of texts'],
    [{ to: [{ address: 'a@example.net' }] }, 'to', 'must be text or an array of texts'],
    [{ subject: undefined }, 'subject', 'is required'],
    [{ subject: 5 }, 'subject', 'must be of type string, not number'],
    [{ sendAt: 'tomorrow' }, 'sendAt', 'must be an ISO 8601 time'],
    [{ sendAt: '2026-01-02T08:00:00' }, 'sendAt', 'must be an ISO 8601 time'],
    [{ allowDuplicate: 'yes' }, 'allowDuplicate', 'must be of type boolean'],
    [{ from: undefined }, 'from', 'is required'],
    [{ body: 'Hello' }, 'body', 'must be of type object'],
    [{ replyTo: ['a@example.net', 'b@example.net'] }, 'replyTo', 'must be one address'],
  ])('is malformed with %j, and says so', async (change, field, fault) => {
    const { bench, send, from } = await openSender();
    const { status, body } = await send({ from, ...MAIL, ...change });
    expect({ status, error: body['error'] }).toEqual({ status: 400, error: 'bad_request' });
    expect(body['details']).toEqual({ [field]: expect.stringContaining(fault) });
    expect(body['message']).toContain(`${field} ${fault}`);
    expect((await bench.ledger.list({ max: 10 })).jobs).toEqual([]);
  });

  it.each([
    [{ onDoubt: 'perhaps' }, 'onDoubt'],
    [{ sendAt: 1_767_225_600 }, 'sendAt'],
    [{ body: { text: 'another' } }, 'text'],
    [{ attachments: [{ filename: 'a.txt', content: 'aGk' }] }, 'attachments.0.content'],
    [{ headers: { Bcc: 'eve@example.net' } }, 'headers.Bcc'],
  ])('has a value that is not allowed: %j', async (change, field) => {
    const { bench, send, from } = await openSender();
    const { status, body } = await send({ from, ...MAIL, ...change });
    expect({ status, error: body['error'], details: body['details'] }).toEqual({
      status: 422,
      error: 'refused_value',
      details: { [field]: expect.any(String) },
    });
    expect((await bench.ledger.list({ max: 10 })).jobs).toEqual([]);
  });

  it.each([
    [{ text: { path: '/etc/passwd' } }, 400],
    [{ text: undefined, body: { text: { href: 'http://127.0.0.1/' } } }, 400],
    [{ html: { path: '/etc/passwd' } }, 400],
    [{ attachments: [{ path: '/etc/passwd' }] }, 400],
    [{ attachments: [{ filename: 'x', href: 'http://127.0.0.1/' }] }, 400],
    [{ attachments: [{ filename: 'x', raw: 'Subject: x' }] }, 400],
    [{ attachments: [{ filename: 'x', content: { path: '/etc/passwd' } }] }, 400],
    [{ attachments: [{ filename: 'x', content: 'data:text/plain,x' }] }, 422],
  ])('S8: may not name a file or a URL: %j', async (change, status) => {
    const { bench, send, from } = await openSender();
    expect(await send({ from, ...MAIL, ...change })).toMatchObject({ status });
    expect((await bench.ledger.list({ max: 10 })).jobs).toEqual([]);
  });

  it('S8: takes such a name elsewhere for an unknown field', async () => {
    const { bench, send, from } = await openSender();
    const { status, body } = await send({ from, ...MAIL, raw: { path: '/etc/passwd' }, path: '/etc/passwd' });
    expect({ status, warnings: body['warnings'] }).toMatchObject({
      status: 202,
      warnings: [expect.stringContaining('raw'), expect.stringContaining('path')],
    });
    const { jobs } = await bench.ledger.list({ max: 10 });
    const [payload] = await bench.ledger.payloads(jobs.map(({ messageId }) => messageId));
    expect(new TextDecoder().decode(payload)).not.toContain('root:');
  });

  it.each([
    'a@b@example.net',
    'a@example.net\r\nRCPT TO:<x@example.net>',
    '"quoted"@example.net',
    'g: a@example.net;',
    'Ann <a@example.net>',
  ])('S7: has no odd address: %j', async (to) => {
    const { bench, send, from } = await openSender();
    expect(await send({ from, ...MAIL, to })).toMatchObject({ status: 422, body: { error: 'refused_value' } });
    expect((await bench.ledger.list({ max: 10 })).jobs).toEqual([]);
  });

  it.each(['\r', '\n', '\r\n', '\u0000', '\u0085', '\u2028'])('S6: has no %j in its subject', async (mark) => {
    const { bench, send, from } = await openSender();
    expect(await send({ from, ...MAIL, subject: `Hello${mark}Bcc: eve@example.net` })).toMatchObject({ status: 422 });
    expect((await bench.ledger.list({ max: 10 })).jobs).toEqual([]);
  });

  it('may go to 100 recipients and not to 101', async () => {
    const { send, from } = await openSender();
    const to = Array.from({ length: 101 }, (_, n) => `r${n}@example.net`);
    expect(await send({ from, ...MAIL, to: to.slice(1) })).toMatchObject({ status: 202 });
    expect(await send({ from, ...MAIL, to })).toMatchObject({ status: 422 });
  });

  it('has a key of 1 to 256 characters', async () => {
    const { send, from } = await openSender();
    for (const key of ['', 'k'.repeat(257)])
      expect(await send({ from, ...MAIL }, { 'idempotency-key': key })).toMatchObject({
        status: 400,
        body: { details: { 'Idempotency-Key': expect.any(String) } },
      });
    expect(await send({ from, ...MAIL }, { 'idempotency-key': 'k'.repeat(256) })).toMatchObject({ status: 202 });
  });

  it('T1: leaves from no inbox but an active one of the token, and does not say which others there are', async () => {
    const { bench, account, inbox, send, from } = await openSender();
    const stranger = await bench.signUp();
    const foreign = await stranger.ask('POST', '/v1/emails/send', { body: { ...MAIL, from } });
    const unknown = await stranger.ask('POST', '/v1/emails/send', { body: { ...MAIL, from: 'nobody@shoal.localhost' } });
    expect(foreign).toMatchObject({ status: 403, body: { error: 'forbidden' } });
    expect({ ...unknown.body, requestId: '' }).toEqual({ ...foreign.body, requestId: '' });

    const foreignId = await stranger.ask('POST', '/v1/emails/send', { body: { ...MAIL, inboxId: inbox } });
    const unknownId = await stranger.ask('POST', '/v1/emails/send', { body: { ...MAIL, inboxId: `ibx_${'0'.repeat(26)}` } });
    expect(foreignId).toMatchObject({ status: 404, body: { error: 'not_found' } });
    expect({ ...unknownId.body, requestId: '' }).toEqual({ ...foreignId.body, requestId: '' });

    await account.ask('DELETE', `/v1/inboxes/${inbox}`);
    expect(await send({ ...MAIL, from })).toMatchObject({ status: 403 });
    expect(await send({ ...MAIL, inboxId: inbox })).toMatchObject({ status: 403 });
    expect(await account.ask('POST', `/v1/inboxes/${inbox}/send`, { body: MAIL })).toMatchObject({ status: 403 });
    expect((await bench.ledger.list({ max: 10 })).jobs).toEqual([]);
  });

  it('names two different inboxes', async () => {
    const { account, send, from } = await openSender();
    const other = await account.openInbox('other-worker');
    expect(await send({ ...MAIL, from, inboxId: other })).toMatchObject({ status: 422, body: { details: { from: expect.any(String) } } });
  });
});

describe('when something breaks', () => {
  it('answers 202 for a mail in the ledger, even if the store cannot be read any more', async () => {
    const bench = await openHttpBench({
      decorate: (deps) => ({ store: { ...deps.store, getMessage: () => Promise.reject(new Error('disk on fire')) } }),
    });
    const account = await bench.signUp();
    const inbox = await account.openInbox('ann');
    const { status, body } = await account.ask('POST', `/v1/inboxes/${inbox}/send`, { body: MAIL });
    expect({ status, messageId: body['messageId'] }).toEqual({ status: 202, messageId: null });
  });

  it('says that nothing was accepted when the ledger cannot be reached', async () => {
    const bench = await openHttpBench({
      decorate: () => ({ submit: { submit: () => Promise.reject(new ShoalError('ledger_unreachable', 'no ledger')) } }),
    });
    const account = await bench.signUp();
    const inbox = await account.openInbox('ann');
    const { status, headers, body } = await account.ask('POST', `/v1/inboxes/${inbox}/send`, { body: MAIL });
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toBe('1');
    expect(body).toMatchObject({ error: 'ledger_unreachable', retryable: true, hint: expect.stringContaining('same Idempotency-Key') });
  });

  it('tells the operator what was not foreseen, and the caller only where to look', async () => {
    const bench = await openHttpBench({ decorate: () => ({ submit: { submit: () => Promise.reject(new Error('secret detail')) } }) });
    const account = await bench.signUp();
    const inbox = await account.openInbox('ann');
    const { status, body } = await account.ask('POST', `/v1/inboxes/${inbox}/send`, { body: MAIL });
    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain('secret detail');
    const line = bench.logged.find((text) => text.includes('secret detail'));
    expect(line).toContain(String(body['requestId']));
    expect(bench.logged.join('\n')).not.toContain(MAIL.text);
  });
});
