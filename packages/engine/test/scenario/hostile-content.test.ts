import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { expectEnvelope, expectOnlyAskedFor, MAIL, openHostileBench } from './hostile-bench.ts';
import type { Json } from './http-bench.ts';

/** Security S4 and S8 on what a mail holds: its texts and its files. */

const ENDS = ['\r\n', '\n', '\r', '\r\r\n', '\n\r'];
const SMUGGLED = 'MAIL FROM:<eve@evil.example>\r\nRCPT TO:<bob@example.net>\r\nDATA\r\nSubject: smuggled\r\n\r\nx';
const ENDINGS = [
  ...ENDS.flatMap((before) => ENDS.map((after) => `${before}.${after}`)),
  '.\r\n',
  '..',
  '\r\n..\r\n',
  '.\r',
  '\u0085.\u0085',
];
const LINE_ENDS = /\r\n|\r|\n/g;

describe.each(['text', 'html', 'body.text', 'both'])('S4: %s', (field) => {
  it('arrives as one mail, whatever stands round a dot in it', async () => {
    const bench = await openHostileBench();
    for (const ending of ENDINGS) {
      const text = `first${ending}${SMUGGLED}${ending}`;
      const given = { text: { text }, html: { html: text, text: 'x' }, 'body.text': { body: { text } }, both: { text, html: text } }[field];
      const attempt = await bench.attempt({ ...MAIL, text: undefined, ...given });
      if (attempt.kind !== 'arrived') throw new Error(JSON.stringify(attempt.body));
      expectOnlyAskedFor(attempt);
      expectEnvelope(attempt, ['bob@example.net']);
      const shown = field === 'html' ? attempt.parsed.html : attempt.parsed.text;
      expect(shown?.replace(LINE_ENDS, '\n').trimEnd()).toBe(text.replace(LINE_ENDS, '\n').trimEnd());
    }
  });
});

it('S4: a text file arrives byte for byte, whatever stands round a dot in it, and can be read back', async () => {
  const bench = await openHostileBench();
  for (const ending of [...ENDINGS, '\0', '\r\n--boundary--\r\n']) {
    const file = Buffer.from(`first${ending}${SMUGGLED}${ending}`);
    const attachments = [{ filename: 'a.txt', contentType: 'text/plain', content: file.toString('base64') }];
    const attempt = await bench.attempt({ ...MAIL, attachments });
    if (attempt.kind !== 'arrived') throw new Error(JSON.stringify(attempt.body));
    expectOnlyAskedFor(attempt);
    expect(attempt.parsed.attachments.map(({ content }) => Buffer.from(content as ArrayBuffer))).toEqual([file]);
  }
});

it.each(['text', 'html'])('S4: %s holds no NUL and no half character', async (field) => {
  const bench = await openHostileBench();
  for (const mark of ['\0', '\ud800', '\udc00x'])
    expect(await bench.attempt({ ...MAIL, [field]: `a${mark}b` })).toMatchObject({
      kind: 'refused',
      status: 422,
      body: { details: { [field]: expect.any(String) } },
    });
  await bench.expectNothing();
});

it('S4: what only looks like the structure of a mail stays text', async () => {
  const bench = await openHostileBench();
  const text = 'x\r\n----_Shoal-b-mixed\r\nContent-Type: text/html\r\n\r\n<b>x</b>\r\n--\r\nBcc: eve@evil.example\r\n\r\nFrom me';
  const attachments = [{ filename: "\"; name*=utf-8''x;.txt", content: Buffer.from(text).toString('base64') }];
  const attempt = await bench.attempt({ ...MAIL, text, html: '<p>x', attachments });
  if (attempt.kind !== 'arrived') throw new Error(JSON.stringify(attempt.body));
  expectOnlyAskedFor(attempt);
  expect(attempt.parsed.text?.replace(LINE_ENDS, '\n').trimEnd()).toBe(text.replace(LINE_ENDS, '\n'));
  expect(attempt.parsed.attachments.map(({ filename }) => filename)).toEqual(["\"; name*=utf-8''x;.txt"]);
});

interface Canary {
  readonly url: string;
  readonly path: string;
  /** Requests that came. */
  readonly hits: string[];
}
const SECRET = 'canary-5f1c0e';

async function openCanary(): Promise<Canary> {
  const dir = mkdtempSync(join(tmpdir(), 'shoal-canary-'));
  const path = join(dir, 'secret.txt');
  writeFileSync(path, SECRET);
  const hits: string[] = [];
  const server = createServer((request, response) => {
    hits.push(request.url ?? '');
    response.end(SECRET);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    rmSync(dir, { recursive: true });
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, path, hits };
}

const NAME = { filename: 'a.txt' };
const IN_PLACE: readonly (readonly [string, (canary: Canary) => Json])[] = [
  ['path', ({ path }) => ({ attachments: [{ ...NAME, path }] })],
  ['href', ({ url }) => ({ attachments: [{ ...NAME, href: url }] })],
  ['raw', ({ path }) => ({ attachments: [{ ...NAME, raw: { path } }] })],
  ['a path in content', ({ path }) => ({ attachments: [{ ...NAME, content: { path } }] })],
  ['a path in raw text', ({ path }) => ({ attachments: [{ ...NAME, raw: `Content-Type: text/plain\r\n\r\n${path}` }] })],
  ['a path for the list', ({ path }) => ({ attachments: { path } })],
  ['a path for the file', ({ path }) => ({ attachments: [path] })],
  ['a path for text', ({ path }) => ({ text: { path } })],
  ['a URL for html', ({ url }) => ({ html: { href: url } })],
  ['a path in body', ({ path }) => ({ text: undefined, body: { text: { path } } })],
  ['a path for a subject', ({ path }) => ({ subject: { path } })],
  ['a path for a header', ({ path }) => ({ headers: { 'X-A': { path } } })],
];

it.each(IN_PLACE)('S8: %s in place of what was to be sent is malformed', async (_, change) => {
  const [bench, canary] = [await openHostileBench(), await openCanary()];
  const attempt = await bench.attempt({ ...MAIL, ...change(canary) });
  expect(attempt).toMatchObject({ kind: 'refused', status: 400, body: { error: 'bad_request' } });
  const batch = await bench.ask('POST', '/v1/emails/batch', { emails: [{ ...MAIL, ...change(canary) }] });
  expect(batch.body).toMatchObject({ accepted: 0, data: [{ ok: false, error: 'bad_request' }] });
  await bench.expectNothing();
  expect(canary.hits).toEqual([]);
});

it('S8: a name of a file or a URL beside a content is an unknown field, ignored and named', async () => {
  const [bench, canary] = [await openHostileBench(), await openCanary()];
  const { path, url } = canary;
  const attempt = await bench.attempt({
    ...MAIL,
    html: `<img src="${url}"><img src="file://${path}"><link rel="stylesheet" href="${url}">`,
    attachments: [
      { ...NAME, content: 'aGk=', path, href: url, raw: { path }, cid: 'x', encoding: 'utf8', headers: { Bcc: 'eve@evil.example' } },
    ],
    raw: { path },
    alternatives: [{ contentType: 'text/html', path }],
    icalEvent: { path },
    envelope: { from: 'eve@evil.example', to: 'eve@evil.example' },
    attachDataUrls: true,
    dkim: { privateKey: path },
    list: { unsubscribe: url },
    sender: 'eve@evil.example',
  });
  if (attempt.kind !== 'arrived') throw new Error(JSON.stringify(attempt.body));
  const named = (attempt.warnings as string[]).map((warning) => /^unknown field ignored: ([\w.]+)/.exec(warning)?.[1]);
  const inFile = ['path', 'href', 'raw', 'cid', 'encoding', 'headers'].map((name) => `attachments.0.${name}`);
  expect(named.sort()).toEqual(
    [...inFile, 'raw', 'alternatives', 'icalEvent', 'envelope', 'attachDataUrls', 'dkim', 'list', 'sender'].sort(),
  );
  expectOnlyAskedFor(attempt);
  expectEnvelope(attempt, ['bob@example.net']);
  expect(attempt.parsed.attachments).toHaveLength(1);
  expect(attempt.mail.bytes.toString('latin1')).not.toMatch(
    new RegExp(`${SECRET}|${Buffer.from(SECRET).toString('base64').slice(0, 16)}|evil`),
  );
  expect(canary.hits).toEqual([]);
});

it.each([
  ['white space', 'aGVs bG8=', 'white space at 4'],
  ['a line end', 'aGVs\r\nbG8=', 'white space at 4'],
  ['a line end behind it', 'aGVsbG8=\n', 'white space at 8'],
  ['the URL alphabet', 'aGVs_-8=', '_ at 4'],
  ['no padding', 'aGVsbG8', 'multiple of 4'],
  ['too much padding', 'aGVsbG8==', 'multiple of 4'],
  ['padding inside', 'aGk=aGk=', 'padding at 3'],
  ['padding alone', '====', 'padding at 0'],
  ['bits that mean nothing', 'aGl=', 'last character (at 2)'],
  ['a data URL', 'data:text/plain;base64,aGk=', 'data: URL'],
  ['another alphabet', 'aG⁠k=', 'U+2060 at 2'],
  ['nothing', '', 'is empty'],
])('S8: content with %s is refused, and it is said where', async (_, content, why) => {
  const bench = await openHostileBench();
  const attempt = await bench.attempt({
    ...MAIL,
    attachments: [
      { ...NAME, content: 'aGk=' },
      { ...NAME, content },
    ],
  });
  expect(attempt).toMatchObject({
    kind: 'refused',
    status: 422,
    body: { details: { 'attachments.1.content': expect.stringContaining(why) } },
  });
  await bench.expectNothing();
});

it.each(['../a', 'a/b', 'a\\b', '.', '..', ' a', 'a ', 'invoice\u202efdp.exe', 'a\u2066b', '\u200ea', '=?utf-8?q?=2E=2E=2Fa?='])(
  'M6: %j is no name of a file',
  async (filename) => {
    const bench = await openHostileBench();
    const attempt = await bench.attempt({ ...MAIL, attachments: [{ filename, content: 'aGk=' }] });
    expect(attempt).toMatchObject({ kind: 'refused', status: 422, body: { details: { 'attachments.0.filename': expect.any(String) } } });
    await bench.expectNothing();
  },
);

it.each([
  'text',
  'text/',
  '/plain',
  'text/plain; charset=utf-8',
  'text/plain, x/y',
  'multipart/mixed',
  'message/rfc822',
  'Message/X',
  'text/"x"',
  '*/*',
])('S6: %j is no type of a file', async (contentType) => {
  const bench = await openHostileBench();
  const attempt = await bench.attempt({ ...MAIL, attachments: [{ ...NAME, content: 'aGk=', contentType }] });
  expect(attempt).toMatchObject({ kind: 'refused', status: 422, body: { details: { 'attachments.0.contentType': expect.any(String) } } });
  await bench.expectNothing();
});
