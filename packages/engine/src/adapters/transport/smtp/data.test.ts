import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bodyOf } from './data.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

function stuffed(text: string): string {
  const body = bodyOf(bytes(text));
  return body.kind === 'ready' ? Buffer.from(body.bytes).toString('latin1') : body.detail;
}

it('hands on the very same bytes where there is nothing to stuff', () => {
  const payload = bytes('a\r\nb.\r\n\r\n.'.slice(0, -1));
  const body = bodyOf(payload);
  expect(body.kind === 'ready' && body.bytes === payload).toBe(true);
});

it.each([
  ['.\r\n', '..\r\n'],
  ['..\r\n', '...\r\n'],
  ['a\r\n.\r\n.b\r\n', 'a\r\n..\r\n..b\r\n'],
  ['\r\n.\r\n', '\r\n..\r\n'],
  ['a.\r\n.\r\n\r\n', 'a.\r\n..\r\n\r\n'],
])('S4: doubles the dot that begins a line: %j', (payload, wire) => {
  expect(stuffed(payload)).toBe(wire);
});

it('S4: makes a body that ends once, at its end, and reads back as it was', () => {
  const piece = fc.constantFrom('.', '..', '\r\n', 'a', 'MAIL FROM:<x@y>', '\r\n.\r\n', ' ', '\x80');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const text = `${pieces.join('')}\r\n`;
      const wire = `${stuffed(text)}.\r\n`;
      const end = wire.startsWith('.\r\n') ? 0 : wire.indexOf('\r\n.\r\n') + 2;
      expect(end).toBe(wire.length - 3);
      expect(wire.slice(0, end).replace(/(^|\r\n)\./g, '$1')).toBe(text);
    }),
    { numRuns: 2_000 },
  );
});

it('S4: refuses any CR, LF or NUL out of place, wherever it stands', () => {
  const line = fc.string({ unit: fc.constantFrom('a', '.', '\r', '\n', '\0'), maxLength: 12 });
  fc.assert(
    fc.property(line, (text) => {
      const isClean = text.endsWith('\r\n') && !/\r(?!\n)|(?<!\r)\n|\0/.test(text);
      expect(bodyOf(bytes(text)).kind).toBe(isClean ? 'ready' : 'malformed');
    }),
    { numRuns: 5_000 },
  );
});

it('says which byte is wrong', () => {
  expect(bodyOf(bytes('ab\ncd\r\n'))).toEqual({
    kind: 'malformed',
    detail: 'the message has an LF without CR at byte 2; nothing was sent',
  });
});
