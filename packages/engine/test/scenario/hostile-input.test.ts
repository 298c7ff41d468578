import { describe, expect, it } from 'vitest';
import { expectEnvelope, expectOnlyAskedFor, FROM, inALabels, MAIL, openHostileBench } from './hostile-bench.ts';
import type { Json } from './http-bench.ts';

/** Security S6 and S7 on every field of a send that ends in a header or in a command; what arrives is looked at byte by byte. */

const MARKS = ['\r', '\n', '\r\n', '\r\n\r\n', '\0', '\t', '\u001b', '\u007f', '\u0085', '\u009b', '\u2028', '\u2029', '\ud800', '\udc00'];
const FILE = { filename: 'a.txt', contentType: 'text/plain', content: 'aGk=' };

/** A field, the name under which its fault is told, and a mail that has this text in it. */
const FIELDS: readonly (readonly [field: string, told: string, mail: (text: string) => Json])[] = [
  ['to', 'to.0', (text) => ({ to: `bob@example.net${text}` })],
  ['one of to', 'to.1', (text) => ({ to: ['bob@example.net', `x${text}@example.net`] })],
  ['cc', 'cc.0', (text) => ({ cc: [`bob@example.net${text}`] })],
  ['bcc', 'bcc.0', (text) => ({ bcc: `bob${text}@example.net` })],
  ['replyTo', 'replyTo', (text) => ({ replyTo: `bob@example.net${text}` })],
  ['subject', 'subject', (text) => ({ subject: `Hello${text}` })],
  ['inReplyTo', 'inReplyTo', (text) => ({ inReplyTo: `<a@example.net>${text}` })],
  ['the inside of inReplyTo', 'inReplyTo', (text) => ({ inReplyTo: `<a${text}@example.net>` })],
  ['a header', 'headers.X-Campaign', (text) => ({ headers: { 'X-Campaign': `spring${text}` } })],
  ['List-Unsubscribe', 'headers.List-Unsubscribe', (text) => ({ headers: { 'List-Unsubscribe': `<https://example.net/${text}>` } })],
  ['References', 'headers.References', (text) => ({ headers: { References: `<a@example.net>${text}<b@example.net>` } })],
  ['filename', 'attachments.0.filename', (text) => ({ attachments: [{ ...FILE, filename: `a${text}.txt` }] })],
  ['contentType', 'attachments.0.contentType', (text) => ({ attachments: [{ ...FILE, contentType: `text/plain${text}` }] })],
  ['contentId', 'attachments.0.contentId', (text) => ({ html: '<p>', attachments: [{ ...FILE, contentId: `logo${text}` }] })],
  ['content', 'attachments.0.content', (text) => ({ attachments: [{ ...FILE, content: `aGk=${text}` }] })],
];

describe.each(FIELDS)('S6: %s', (_, told, mail) => {
  it('takes no line end, control character or half character, alone or in a batch', async () => {
    const bench = await openHostileBench();
    for (const mark of MARKS) {
      for (const text of [mark, `${mark}Bcc: eve@evil.example`, `${mark}RCPT TO:<eve@evil.example>${mark}`]) {
        const hostile = { ...MAIL, ...mail(text) };
        const single = await bench.attempt(hostile);
        expect(single).toMatchObject({
          kind: 'refused',
          status: 422,
          body: { error: 'refused_value', details: { [told]: expect.any(String) } },
        });
        const { status, body } = await bench.ask('POST', '/v1/emails/batch', { emails: [hostile] });
        expect({ status, body }).toMatchObject({ status: 202, body: { accepted: 0, data: [{ ok: false, error: 'refused_value' }] } });
        expect(JSON.stringify([single, body])).not.toContain('evil.example'); // no error throws the text back
      }
    }
    await bench.expectNothing();
  });
});

it('S6: a header name is one of the list, or is refused whatever its letter case', async () => {
  const bench = await openHostileBench();
  const names = [
    ...['From', 'To', 'Cc', 'Bcc', 'Sender', 'Reply-To', 'Return-Path', 'Received', 'Message-ID', 'Date', 'Subject', 'In-Reply-To'],
    ...['DKIM-Signature', 'ARC-Seal', 'Authentication-Results', 'Received-SPF', 'MIME-Version', 'Content-Type', 'Content-Disposition'],
    ...['Content-Transfer-Encoding', 'Resent-To', 'Resent-Bcc', 'Resent-From', 'Errors-To', 'Apparently-To', 'Delivered-To', 'Disposition'],
    ...['X-Shoal-Id', 'X-SMTPAPI', 'X-MC-BccAddress', 'X-PM-Bcc', 'X-SES-CONFIGURATION-SET', 'X-MSYS-API', 'X-Mailgun-Variables'],
    ...['X-Bcc', 'X-Original-To', 'X-Envelope-To', 'X-Spam-Status', 'X-Google-DKIM-Signature', 'X-MS-Exchange-Organization-SCL'],
    ...['', ' ', 'X', 'X-', 'X--A', 'X-A ', ' X-A', 'X-A:', 'X-A: b\r\nBcc', 'X-A\r\nBcc', 'X-A\nBcc', 'X-A\0', 'X-Ä', 'X-A\u2028', 'Х-A'],
    ...['constructor', 'toString', 'X-a_b', `X-${'a'.repeat(80)}`, 'x'.repeat(100_000)],
  ];
  for (const name of names)
    for (const written of new Set([name, name.toLowerCase(), name.toUpperCase()])) {
      const attempt = await bench.attempt({ ...MAIL, headers: { [written]: 'eve@evil.example' } });
      expect({ written, ...attempt }).toMatchObject({ written, kind: 'refused', status: 422, body: { error: 'refused_value' } });
      if (attempt.kind === 'refused') expect(Object.keys(attempt.body['details'] as Json)[0]).toMatch(/^headers\.[!-~]{0,64}$/);
    }
  const twice = await bench.attempt({ ...MAIL, headers: { 'x-a': '1', 'X-A': '2' } });
  expect(twice).toMatchObject({ kind: 'refused', body: { details: { 'headers.X-A': expect.stringContaining('twice') } } });
  await bench.expectNothing();
});

it('S6: a header with a name that every object has is no way round the list', async () => {
  const bench = await openHostileBench();
  const written =
    '{"from":"agent@shoal.localhost","to":"bob@example.net","subject":"x","text":"x","headers":{"__proto__":{"Bcc":"eve@evil.example"}}}';
  const attempt = await bench.attempt(JSON.parse(written) as Json);
  if (attempt.kind === 'arrived') expectOnlyAskedFor(attempt);
  expect(JSON.stringify(attempt)).not.toContain('evil.example');
});

it('S6: brings the headers of the list across, and no other', async () => {
  const bench = await openHostileBench();
  const headers = {
    'Auto-Submitted': 'auto-generated',
    Comments: 'Grüße: not a header=?utf-8?q?=0ABcc?=',
    'Feedback-ID': 'spring:shop:mail',
    'List-ID': 'News <news.example.net>',
    'List-Unsubscribe': '<https://example.net/leave?u=1>, <mailto:leave@example.net>',
    'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    Precedence: 'bulk',
    References: '<a@example.net> <b@example.net>',
    'X-Campaign': `${'long words '.repeat(60)}${'x'.repeat(800)}`.trim(),
    'X-Entity-Ref-ID': 'Bcc: eve@evil.example',
    'X-Priority': '1',
  };
  const attempt = await bench.attempt({ ...MAIL, headers, inReplyTo: '<b@example.net>' });
  if (attempt.kind !== 'arrived') throw new Error(JSON.stringify(attempt.body));
  expectOnlyAskedFor(attempt, [...Object.keys(headers), 'In-Reply-To']);
  expectEnvelope(attempt, ['bob@example.net']);
  const shown = new Map(attempt.parsed.headers.map(({ key, value }) => [key, value]));
  for (const [name, value] of Object.entries(headers).filter(([name]) => name !== 'Comments'))
    expect(shown.get(name.toLowerCase())).toBe(value);
  expect(attempt.mail.bytes.toString('latin1')).not.toMatch(/^Bcc/im);
});

const ADDRESSES: readonly unknown[] = [
  ...[
    'g: eve@evil.example, bob@example.net;',
    'bob@example.net (eve@evil.example)',
    '(eve)bob@example.net',
    'bob@example.net,eve@evil.example',
  ],
  ...[
    'bob@example.net;eve@evil.example',
    'bob@example.net eve@evil.example',
    '<bob@example.net>',
    'Eve <eve@evil.example>',
    '"eve@evil.example" <bob@example.net>',
  ],
  ...[
    '"bob"@example.net',
    '"eve@evil.example"@example.net',
    '"bob eve"@example.net',
    'bob\\@evil.example@example.net',
    'bob@example.net@evil.example',
  ],
  ...[
    '@evil.example:bob@example.net',
    '@evil.example,@relay.example:bob@example.net',
    'bob%evil.example@example.net',
    'evil.example!bob@example.net',
  ],
  ...[
    'bob@[127.0.0.1]',
    'bob@[IPv6:::1]',
    'bob@127.0.0.1',
    'bob@2130706433',
    'bob@localhost',
    'bob@example.net.',
    'bob@.example.net',
    'bob@-example.net',
  ],
  ...[
    'bob@example.net>',
    'bob@example.net> NOTIFY=NEVER',
    'bob@example.net>\r\nRCPT TO:<eve@evil.example',
    'bob@example.net SIZE=1',
    'bob@example.net\0',
    '.bob@example.net',
  ],
  ...[
    'bob.@example.net',
    'bo..b@example.net',
    '@example.net',
    'bob@',
    'bob',
    '',
    ' ',
    'bob＠example.net',
    'bob@ex\u202eample.net',
    'bob@exаmple.net',
    'bob@example。net',
  ],
  ...[
    `${'b'.repeat(65)}@example.net`,
    `bob@${'e'.repeat(64)}.net`,
    `bob@${'example.'.repeat(40)}net`,
    'jörg@example.net',
    'bob+tag@example.net',
    "o'bob@example.net",
  ],
  ...[
    { address: 'bob@example.net', name: 'x\r\nBcc: eve@evil.example' },
    ['bob@example.net', 'eve@evil.example'],
    5,
    true,
    { toString: 'bob@example.net' },
  ],
];

describe.each(['to', 'cc', 'bcc', 'replyTo'])('S7: an odd address in %s', (field) => {
  it('is refused, or goes to exactly what was written', async () => {
    const bench = await openHostileBench();
    let refused = 0;
    for (const address of ADDRESSES) {
      const value = field === 'replyTo' ? address : [address];
      const attempt = await bench.attempt({ ...MAIL, to: 'first@example.net', [field]: value });
      if (attempt.kind === 'refused') {
        expect([400, 422]).toContain(attempt.status);
        expect(Object.keys(attempt.body['details'] as Json)[0]).toMatch(new RegExp(`^${field}(?:\\.0)?$`));
        refused += 1;
        continue;
      }
      const asked = [...(field === 'to' ? [] : ['first@example.net']), ...(field === 'replyTo' ? [] : [String(address)])];
      expectEnvelope(attempt, asked.map(inALabels));
      expectOnlyAskedFor(attempt, { cc: ['Cc'], replyTo: ['Reply-To'] }[field] ?? []);
      const shown = { to: attempt.parsed.to, cc: attempt.parsed.cc, replyTo: attempt.parsed.replyTo }[field];
      if (field !== 'bcc') expect(shown?.map((one) => one.address)).toEqual([inALabels(String(address))]);
      else expect(attempt.mail.bytes.includes(String(address))).toBe(false); // a blind copy stays blind
    }
    expect(refused).toBeGreaterThan(40);
  });
});

it.each<readonly [string, Json, string]>([
  ['subject', { subject: 'x'.repeat(999) }, 'subject'],
  ['text', { text: 'x'.repeat(1_000_001) }, 'text'],
  ['html', { html: 'x'.repeat(2_000_001) }, 'html'],
  ['inReplyTo', { inReplyTo: `<${'a'.repeat(900)}@example.net>` }, 'inReplyTo'],
  ['recipients', { to: Array.from({ length: 101 }, (_, n) => `r${n}@example.net`) }, 'to'],
  ['header value', { headers: { 'X-A': 'x'.repeat(4_097) } }, 'headers.X-A'],
  ['header word', { headers: { 'Feedback-ID': 'x'.repeat(901) } }, 'headers.Feedback-ID'],
  ['header count', { headers: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`X-${n}`, 'x'])) }, 'headers'],
  ['headers together', { headers: Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`X-${n}`, 'x'.repeat(4_000)])) }, 'headers'],
  ['filename', { attachments: [{ ...FILE, filename: 'ä'.repeat(128) }] }, 'attachments.0.filename'],
  ['contentType', { attachments: [{ ...FILE, contentType: `text/${'x'.repeat(128)}` }] }, 'attachments.0.contentType'],
  ['contentId', { html: 'x', attachments: [{ ...FILE, contentId: 'x'.repeat(201) }] }, 'attachments.0.contentId'],
  ['attachment count', { attachments: Array.from({ length: 101 }, () => FILE) }, 'attachments'],
])('refuses a mail with too much: %s', async (_, change, told) => {
  const bench = await openHostileBench();
  const attempt = await bench.attempt({ ...MAIL, ...change });
  expect(attempt).toMatchObject({ kind: 'refused', status: 422, body: { details: { [told]: expect.any(String) } } });
  await bench.expectNothing();
});

it('S6: a key, a sender and a display name are held to it too', async () => {
  const bench = await openHostileBench();
  for (const mark of MARKS) {
    const batch = await bench.ask('POST', '/v1/emails/batch', { emails: [{ ...MAIL, idempotencyKey: `k${mark}` }] });
    expect(batch.body).toMatchObject({ accepted: 0, data: [{ ok: false, error: 'refused_value' }] });
    for (const sender of [{ from: `${FROM}${mark}` }, { from: undefined, inboxId: `${bench.inbox}${mark}` }]) {
      const attempt = await bench.attempt({ ...MAIL, ...sender });
      expect({ mark, ...attempt }).toMatchObject({
        mark,
        kind: 'refused',
        body: { error: expect.stringMatching(/^(?:forbidden|not_found)$/) },
      });
    }
    const inbox = await bench.ask('POST', '/v1/inboxes', { localPart: 'other', displayName: `Eve${mark}Bcc: eve@evil.example` });
    expect(inbox.status).toBe(422);
  }
  const key = await bench.ask('POST', '/v1/emails/send', MAIL, { 'idempotency-key': 'k\u0085' });
  expect(key.status).toBe(422);
  await bench.expectNothing();
});
