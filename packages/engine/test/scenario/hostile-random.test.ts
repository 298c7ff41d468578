import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CALLER_HEADERS } from '../../src/send/caller-headers.ts';
import { expectEnvelope, expectOnlyAskedFor, inALabels, MAIL, openHostileBench } from './hostile-bench.ts';

/** Security S6 and S7 by chance: whatever is asked for is refused, or arrives as it was asked for and as nothing else. */

const bits = fc.constantFrom(
  '\r',
  '\n',
  '\r\n ',
  '\0',
  '\u0085',
  '\u2028',
  '\ud800',
  ':',
  ' ',
  '  ',
  '"',
  '\\',
  '<',
  '>',
  '=?utf-8?q?=0D=0A?=',
  ';',
  ',',
  '@',
  '.',
  '名',
  '🚀',
  'ü',
);
/** Mostly harmless, so that enough of it gets through. */
const text = fc.oneof(
  { weight: 12, arbitrary: fc.string({ minLength: 1, maxLength: 120 }) },
  { weight: 3, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }) },
  {
    weight: 1,
    arbitrary: fc.array(fc.oneof(bits, fc.string({ maxLength: 5 })), { minLength: 1, maxLength: 12 }).map((parts) => parts.join('')),
  },
);
const token = fc.stringMatching(/^[A-Za-z0-9-]{1,12}$/);
const headerName = fc.oneof(
  { weight: 20, arbitrary: token.map((name) => `X-${name}`) },
  { weight: 1, arbitrary: fc.constantFrom(...CALLER_HEADERS, 'Bcc', 'bcc', 'Sender', 'X-SMTPAPI') },
  { weight: 1, arbitrary: text },
);
const address = fc.oneof(
  { weight: 20, arbitrary: token.map((local) => `${local}@example.net`) },
  { weight: 1, arbitrary: fc.tuple(text, text).map(([local, domain]) => `${local}@${domain}`) },
  { weight: 1, arbitrary: text },
);
const file = fc.record(
  {
    filename: text,
    content: fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('base64')),
    contentType: fc.oneof(
      { weight: 20, arbitrary: fc.tuple(token, token).map((parts) => parts.join('/')) },
      { weight: 1, arbitrary: text },
    ),
  },
  { requiredKeys: ['filename', 'content'] },
);
const mail = fc.record(
  {
    subject: text,
    text: text.map((part) => `body ${part}`),
    to: fc.array(address, { minLength: 1, maxLength: 2 }),
    headers: fc.dictionary(headerName, text, { maxKeys: 2 }),
    attachments: fc.array(file, { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: ['subject', 'text', 'to'] },
);

const RUNS = 300;

it('S6: whatever a caller asks for is refused and named, or arrives as it was asked for', { timeout: 120_000 }, async () => {
  const bench = await openHostileBench();
  let arrived = 0;
  await fc.assert(
    fc.asyncProperty(mail, async (asked) => {
      const attempt = await bench.attempt({ ...MAIL, ...asked });
      if (attempt.kind === 'refused') {
        expect([400, 422]).toContain(attempt.status);
        expect(Object.keys(attempt.body['details'] as object).length).toBeGreaterThan(0);
        return;
      }
      arrived += 1;
      const { parsed } = attempt;
      expectOnlyAskedFor(attempt, Object.keys(asked.headers ?? {}));
      expectEnvelope(attempt, [...new Set(asked.to)].map(inALabels));
      expect(parsed.subject ?? '').toBe(asked.subject);
      expect(parsed.text?.replace(/\r\n|\r|\n/g, '\n').replace(/\n$/, '')).toBe(asked.text.replace(/\r\n|\r|\n/g, '\n').replace(/\n$/, ''));
      expect(parsed.bcc).toBeUndefined();
      const files = parsed.attachments.map(({ filename, content }) => ({
        filename,
        content: Buffer.from(content as ArrayBuffer).toString('base64'),
      }));
      expect(files).toEqual((asked.attachments ?? []).map(({ filename, content }) => ({ filename, content })));
    }),
    { numRuns: RUNS },
  );
  expect(arrived).toBeGreaterThan(RUNS / 5); // a test in which everything is refused proves nothing
});
