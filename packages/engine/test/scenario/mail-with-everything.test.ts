import PostalMime from 'postal-mime';
import { describe, expect, it } from 'vitest';
import { ATTACHMENT_BYTES_MAX } from '../../src/model/limits.ts';
import { type HttpBench, type Json, openHttpBench } from './http-bench.ts';

const MAIL = { from: 'ann@shoal.localhost', to: 'bob@example.net', subject: 'Report', text: 'Hello' };
const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64');
const PDF = { filename: 'Bericht für Köln – 名前.pdf', contentType: 'application/pdf', content: base64('%PDF-1.4\n') };
const LOGO = { filename: 'logo.png', contentType: 'image/png', content: base64(Uint8Array.of(137, 80, 78, 71)), contentId: 'logo' };

async function openSender() {
  const bench = await openHttpBench();
  const account = await bench.signUp();
  const inbox = await account.openInbox('ann');
  const send = (more: Json, headers: Readonly<Record<string, string>> = {}) =>
    account.ask('POST', '/v1/emails/send', { body: { ...MAIL, ...more }, headers });
  return { bench, account, inbox, send };
}

async function parsed({ ledger }: HttpBench, id: unknown) {
  const [payload = new Uint8Array()] = await ledger.payloads([id as never]);
  return { wire: Buffer.from(payload).toString('latin1'), mail: await PostalMime.parse(payload) };
}

describe('attachments', () => {
  it('go with text, with html, and as images that the html shows', async () => {
    const { bench, send } = await openSender();
    for (const body of [
      {},
      { text: 'Grüße' },
      { html: '<p>Hello' },
      { html: '<img src="cid:logo">', attachments: [PDF, LOGO] },
      { html: '<img src="cid:logo">', attachments: [LOGO] },
    ]) {
      const given = { attachments: [PDF], ...body };
      const { status, body: answer } = await send({ ...given, allowDuplicate: true });
      expect(status).toBe(202);
      const { mail, wire } = await parsed(bench, answer['id']);
      expect(mail.text?.trim()).toBe('text' in body ? 'Grüße' : 'Hello');
      expect(mail.html?.trim()).toBe('html' in body ? body.html : undefined);
      expect(
        mail.attachments.map((file) => ({
          filename: file.filename,
          contentType: file.mimeType,
          content: base64(Buffer.from(file.content as ArrayBuffer)),
        })),
      ).toEqual(
        // What is shown belongs to the body, and so stands before what is enclosed.
        [...given.attachments]
          .sort((a, b) => Number('contentId' in b) - Number('contentId' in a))
          .map(({ filename, contentType, content }) => ({ filename, contentType, content })),
      );
      const shown = mail.attachments.filter(({ related }) => related === true);
      expect(shown.map(({ contentId, disposition }) => ({ contentId, disposition }))).toEqual(
        given.attachments.includes(LOGO) ? [{ contentId: '<logo>', disposition: 'inline' }] : [],
      );
      expect(Math.max(...wire.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(78);
    }
  });

  it('are listed with the mail, and given back byte for byte', async () => {
    const { account, send } = await openSender();
    const odd = { filename: `"quoted" 100% ; name.bin`, content: base64(Uint8Array.from({ length: 1_000 }, (_, n) => n % 256)) };
    const { body } = await send({ html: '<p>', attachments: [PDF, LOGO, odd] });
    const email = await account.ask('GET', `/v1/emails/${body['id']}`);
    expect(email.body).toMatchObject({
      hasAttachments: true,
      attachments: [
        { index: 0, filename: PDF.filename, contentType: 'application/pdf', sizeBytes: 9, contentId: null, s3Key: 'att_0' },
        { index: 1, filename: 'logo.png', contentType: 'image/png', sizeBytes: 4, contentId: 'logo' },
        { index: 2, filename: odd.filename, contentType: 'application/octet-stream', sizeBytes: 1_000, contentId: null },
      ],
    });
    expect(JSON.stringify(email.body)).not.toContain('fromByte'); // where it stands is nobody's business
    for (const [index, { content }] of [PDF, LOGO, odd].entries()) {
      const answer = await account.ask('GET', `/v1/emails/${body['id']}/attachments/${index}`);
      expect({ status: answer.status, text: answer.body['text'] }).toEqual({
        status: 200,
        text: Buffer.from(content, 'base64').toString(),
      });
    }
    for (const index of ['3', '-1', '01x', '1e0', '9999', '__proto__'])
      expect(await account.ask('GET', `/v1/emails/${body['id']}/attachments/${index}`)).toMatchObject({
        status: 404,
        body: { error: 'not_found' },
      });
  });

  it('M6: are downloaded as files that no browser runs or renames', async () => {
    const { account, send } = await openSender();
    const { body } = await send({ attachments: [{ ...PDF, contentType: 'text/html' }] });
    const { headers } = await account.ask('GET', `/v1/emails/${body['id']}/attachments/0`);
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'text/html',
      'content-disposition': `attachment; filename="Bericht f_r K_ln _ __.pdf"; filename*=UTF-8''${encodeURIComponent(PDF.filename)}`,
      'x-content-type-options': 'nosniff',
      'content-security-policy': "sandbox; default-src 'none'",
    });
  });

  it('make another mail of the same text: by content, name, type and place', async () => {
    const { send } = await openSender();
    const key = { 'idempotency-key': 'k' };
    const first = await send({ html: 'x', attachments: [LOGO] }, key);
    expect((await send({ html: 'x', attachments: [{ ...LOGO }] }, key)).body).toMatchObject({ id: first.body['id'], deduplicated: true });
    const { contentId: _, ...enclosed } = LOGO;
    for (const other of [
      { ...LOGO, content: 'iVBOSA==' },
      { ...LOGO, filename: 'b.png' },
      { ...LOGO, contentType: 'image/gif' },
      { ...LOGO, contentId: 'other' },
      enclosed,
    ])
      expect(await send({ html: 'x', attachments: [other] }, key)).toMatchObject({
        status: 409,
        body: { error: 'key_reused', differs: ['attachments'] },
      });
    expect(await send({ html: 'x', attachments: [LOGO], headers: { 'X-A': '1' } }, key)).toMatchObject({
      status: 409,
      body: { differs: ['headers'] },
    });
  });

  it('may have 25 MB together and not a byte more, and it is said how many there were', { timeout: 60_000 }, async () => {
    const { account, send } = await openSender();
    const half = { filename: 'half.bin', content: Buffer.alloc(ATTACHMENT_BYTES_MAX / 2, 7).toString('base64') };
    const { status, body } = await send({ attachments: [half, half] });
    expect(status).toBe(202);
    expect((await account.ask('GET', `/v1/emails/${body['id']}`)).body).toMatchObject({
      attachments: [{ sizeBytes: 12_500_000 }, { sizeBytes: 12_500_000 }],
    });
    expect(await send({ attachments: [half, half, { filename: 'one.bin', content: 'AA==' }] })).toMatchObject({
      status: 413,
      body: { error: 'too_large', message: 'the attachments have 25000001 bytes together; at most 25000000 are sent' },
    });
  });

  it('need an html for a contentId, and each another one', async () => {
    const { send } = await openSender();
    expect(await send({ attachments: [LOGO] })).toMatchObject({
      status: 422,
      body: { details: { 'attachments.0.contentId': expect.stringContaining('html') } },
    });
    expect(await send({ html: 'x', attachments: [LOGO, LOGO] })).toMatchObject({
      status: 422,
      body: { details: { 'attachments.1.contentId': expect.any(String) } },
    });
  });
});

describe('a mail with all there is', () => {
  it('takes every field at once, and names those it does not know', async () => {
    const { bench, account, send } = await openSender();
    const { status, body } = await send(
      {
        to: ['bob@example.net', 'carol@example.net'],
        cc: 'dave@example.net',
        bcc: ['erin@example.net'],
        replyTo: 'office@example.net',
        inReplyTo: '<first@example.net>',
        text: undefined,
        body: { text: 'Grüße', html: '<p>Grüße <img src="cid:logo">' },
        headers: { 'X-Campaign': 'spring', 'List-Unsubscribe': '<mailto:leave@example.net>' },
        attachments: [{ ...LOGO, colour: 'red' }, PDF],
        sendAt: '2026-01-02T08:00:00Z',
        expiresAt: '2026-01-03T08:00:00Z',
        priority: 'high',
        onDoubt: 'resend',
        allowDuplicate: true,
        threadId: 'thd_1',
      },
      { 'idempotency-key': 'all' },
    );
    expect({ status, body }).toMatchObject({
      status: 202,
      body: {
        status: 'queued',
        dueAt: '2026-01-02T08:00:00.000Z',
        expiresAt: '2026-01-03T08:00:00.000Z',
        priority: 'high',
        warnings: ['unknown field ignored: attachments.0.colour', 'unknown field ignored: threadId'],
      },
    });
    const { mail, wire } = await parsed(bench, body['id']);
    expect(mail).toMatchObject({
      inReplyTo: '<first@example.net>',
      references: '<first@example.net>',
      replyTo: [{ address: 'office@example.net' }],
    });
    expect(wire).not.toContain('erin@');
    const { jobs } = await bench.ledger.list({ max: 10 });
    expect(jobs).toMatchObject([
      { onDoubt: 'resend', envelope: { to: ['bob@example.net', 'carol@example.net', 'dave@example.net', 'erin@example.net'] } },
    ]);
    expect((await account.ask('GET', `/v1/emails/${body['id']}`)).body).toMatchObject({
      headers: { 'X-Campaign': 'spring', 'List-Unsubscribe': '<mailto:leave@example.net>' },
      bcc: ['erin@example.net'],
      hasAttachments: true,
    });
  });
});
