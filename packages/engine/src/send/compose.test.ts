import PostalMime from 'postal-mime';
import { expect, it } from 'vitest';
import { type Mailbox, parseMailbox } from './address.ts';
import { type Composition, compose } from './compose.ts';

function mailbox(text: string): Mailbox {
  const answer = parseMailbox(text);
  if (answer.kind === 'refused') throw new Error(answer.why);
  return answer.mailbox;
}

const BASE = {
  messageIdHeader: '<abc@agents.example>',
  boundary: 'b0undary',
  date: 1_767_225_600_000,
  from: { mailbox: mailbox('agent@agents.example') },
  to: [mailbox('ada@example.com')],
  cc: [],
  subject: 'Hello',
};

async function composed(given: Partial<Composition>) {
  const { bytes, eightBit } = await compose({ ...BASE, ...given });
  const wire = Buffer.from(bytes).toString('latin1');
  return { bytes, eightBit, wire, mail: await PostalMime.parse(bytes) };
}

function headerNames(wire: string): string[] {
  const head = wire.slice(0, wire.indexOf('\r\n\r\n'));
  return head
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n')
    .map((line) => line.slice(0, line.indexOf(':')));
}

const TEXTS = [
  ['plain ASCII', 'Here are the details.\nBest'],
  ['umlauts', 'Grüße aus Köln'],
  ['Japanese', 'こんにちは、世界。'.repeat(30)],
  ['emoji', 'ship it 🚢🚀 now'],
  ['dots at line starts', '.\n..\n.dot\nend.'],
  ['a line beyond every limit', 'x'.repeat(5_000)],
  ['a line at the limit', `${'y'.repeat(998)}\n${'z'.repeat(997)}\nend`],
  ['a long line of Japanese', '長'.repeat(2_000)],
  ['blanks at line ends', 'a \nb\t\n-- \nc'],
  ['an escape character', 'a\u001b[31mred'],
  ['what looks like encoding', 'a=3D =?utf-8?q?x?= b==\n=20'],
  ['what looks like a boundary', '----_Shoal-another-Part_1\nx\n----_Shoal-another-Part_1--\n--'],
  ['From at a line start', 'From here\n>From there'],
] as const;

it.each(TEXTS)('S4: brings %s across unchanged, and only in safe bytes', async (_, text) => {
  for (const given of [{ text }, { text, html: `<p>${text}</p>` }]) {
    const { wire, mail, eightBit } = await composed(given);
    expect(mail.text?.replace(/\n$/, '')).toBe(text);
    expect(wire).not.toMatch(/\r(?!\n)|(?<!\r)\n|\0/);
    expect(Math.max(...wire.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998);
    expect(wire.endsWith('\r\n')).toBe(true);
    expect(eightBit).toBe(false);
    expect(wire).not.toMatch(/[\x80-\xff]/);
  }
});

it.each(['a\rb', 'a\nb', 'a\r\nb', 'a\n\rb', '.\r.\r\nMAIL FROM:<x@example.com>', 'x\r', '\r', 'x\n\n.\n\nQUIT'])(
  'S4: sends only CRLF, whatever the line ends of %j',
  async (text) => {
    for (const given of [{ text }, { text: `${text}ü` }, { text, html: text }]) {
      const { wire } = await composed(given);
      expect(wire).not.toMatch(/\r(?!\n)|(?<!\r)\n/);
    }
  },
);

it.each([
  'Hello',
  'Grüße',
  '会議のお知らせ'.repeat(20),
  'He said "yes"',
  '=?utf-8?Q?Bcc:_eve=40example.com?=',
  'a =? b',
  ' leading and trailing ',
  'two  blanks',
  'x'.repeat(998),
  'word '.repeat(190).trim(),
  '🚀'.repeat(200),
  ':',
])('brings the subject %j across unchanged, in lines of at most 78 characters', async (subject) => {
  const { wire, mail } = await composed({ subject, text: 'x' });
  expect(mail.subject).toBe(subject);
  const head = wire.slice(0, wire.indexOf('\r\n\r\n'));
  expect(Math.max(...head.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(78);
});

it.each([
  'Ada',
  'Ada "the first" Lovelace',
  'Lovelace, Ada',
  'back\\slash',
  'Größe',
  'x'.repeat(200),
  '名前'.repeat(60),
  '=?utf-8?q?=0D=0ABcc:_eve?=',
])('brings the display name %j across unchanged', async (name) => {
  const { mail } = await composed({ from: { mailbox: mailbox('agent@agents.example'), name }, text: 'x' });
  expect(mail.from).toEqual({ name, address: 'agent@agents.example' });
});

it('S6: writes the fields we set and no other, with or without the composer', async () => {
  const expected = ['Date', 'From', 'To', 'Cc', 'Reply-To', 'Subject', 'Message-ID', 'In-Reply-To', 'References'];
  const full = { cc: [mailbox('c@example.com')], replyTo: mailbox('r@example.com'), inReplyTo: '<first@example.com>' };
  const plain = await composed({ ...full, text: 'x' });
  const rich = await composed({ ...full, text: 'ü', html: '<p>x' });
  expect(headerNames(plain.wire)).toEqual([...expected, 'MIME-Version', 'Content-Type', 'Content-Transfer-Encoding']);
  expect(headerNames(rich.wire)).toEqual([...expected, 'MIME-Version', 'Content-Type']);
  for (const { mail } of [plain, rich]) {
    expect(mail.messageId).toBe('<abc@agents.example>');
    expect(mail.inReplyTo).toBe('<first@example.com>');
    expect(new Date(mail.date ?? 0).getTime()).toBe(BASE.date);
    expect(mail.bcc).toBeUndefined();
  }
});

it('lists a hundred recipients in short lines', async () => {
  const to = Array.from({ length: 100 }, (_, n) => mailbox(`recipient-${n}@example.com`));
  const { wire, mail } = await composed({ to, text: 'x' });
  expect(mail.to?.map(({ address }) => address)).toEqual(to.map(({ localPart }) => `${localPart}@example.com`));
  expect(Math.max(...wire.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(78);
});

it('says that the bytes hold raw UTF-8 when an address makes them', async () => {
  const { eightBit, mail } = await composed({ replyTo: mailbox('jörg@example.com'), text: 'x' });
  expect(eightBit).toBe(true);
  expect(mail.replyTo?.[0]?.address).toBe('jörg@example.com');
});

it('makes the same bytes from the same composition', async () => {
  const given = { text: 'Grüße', html: '<p>Grüße</p>' };
  expect((await composed(given)).wire).toBe((await composed(given)).wire);
});

it('S8: sends what names a file or a page as the text it is', async () => {
  const { mail } = await composed({
    text: 'file:///etc/hostname ü',
    html: '<img src="file:///etc/hostname"><img src="http://127.0.0.1:9/">',
  });
  expect(mail.text?.trim()).toBe('file:///etc/hostname ü');
  expect(mail.attachments).toEqual([]);
});

it('adds a readable text to a mail that came as HTML only', async () => {
  const html =
    '<head><title>no</title><style>p{}</style></head><h1>Offer</h1><p>For&nbsp;you &amp; me,<br>see <a href="https://x.example/a?b=1&amp;c=2">this page</a>.</p>' +
    '<ul><li>one<li>two</ul><script>alert("no")</script><!-- no --> 1 < 2 &#8364;5';
  const { mail } = await composed({ html });
  expect(mail.text?.trim()).toBe('Offer\n\nFor you & me,\nsee this page (https://x.example/a?b=1&c=2).\n\n- one\n- two\n\n1 < 2 €5');
  expect(mail.html?.trim()).toBe(html);
});

it.each([
  '<'.repeat(200_000),
  '<a href="'.repeat(50_000),
  '<!--'.repeat(50_000),
  '<script'.repeat(50_000),
  '&#'.repeat(100_000),
  ' '.repeat(200_000),
])('makes a text of hostile HTML in one pass: %#', async (html) => {
  const before = process.cpuUsage(); // not the clock: the machine may be busy
  await compose({ ...BASE, html });
  expect(process.cpuUsage(before).user / 1_000).toBeLessThan(3_000);
});

it('refuses a finished mail that is too large, however small its parts were, and takes one that just fits', async () => {
  const mail = { ...BASE, text: 'ü'.repeat(1_000) };
  const { bytes } = await compose(mail);
  expect(bytes.length).toBeGreaterThan(2_000); // encoded
  expect(await compose(mail, bytes.length)).toEqual({ bytes, eightBit: false, attachments: [] });
  await expect(compose(mail, bytes.length - 1)).rejects.toMatchObject({
    code: 'too_large',
    message: `the finished mail would have ${bytes.length} bytes; at most ${bytes.length - 1} are sent`,
  });
});
