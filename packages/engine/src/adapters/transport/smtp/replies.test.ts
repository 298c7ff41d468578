import fc from 'fast-check';
import { expect, it } from 'vitest';
import { REPLY_BYTES_MAX } from '../../../model/limits.ts';
import { type RawReply, ReplyReader, replyOf } from './replies.ts';

function read(...chunks: readonly string[]): { readonly replies: readonly RawReply[]; readonly fault: string | undefined } {
  const reader = new ReplyReader();
  const replies: RawReply[] = [];
  for (const chunk of chunks) {
    reader.push(Buffer.from(chunk, 'utf8'));
    for (let reply = reader.next(); reply !== undefined; reply = reader.next()) replies.push(reply);
  }
  return { replies, fault: reader.fault };
}

it('reads the same replies however the network splits them', () => {
  const stream = '220 hi\r\n250-one\r\n250-\r\n250 three\r\n354 go\r\n250\r\n';
  const whole = read(stream).replies;
  expect(whole).toEqual([
    { code: 220, lines: 'hi' },
    { code: 250, lines: 'one\n\nthree' },
    { code: 354, lines: 'go' },
    { code: 250, lines: '' },
  ]);
  fc.assert(
    fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), (cuts) => {
      const places = [0, ...[...cuts].sort((a, b) => a - b), stream.length];
      const chunks = places.slice(1).map((end, index) => stream.slice(places[index], end));
      expect(read(...chunks)).toEqual({ replies: whole, fault: undefined });
    }),
  );
});

it.each(['hello\r\n', '99 x\r\n', '199 x\r\n', '600 x\r\n', '250x\r\n', '\r\n', '25\r\n', '2a0 x\r\n', '250-a\r\n350 b\r\n'])(
  'finds no sense in %j, and reads on no more',
  (text) => {
    const { replies, fault } = read(`${text}250 ok\r\n`);
    expect(replies).toEqual([]);
    expect(fault).toBeDefined();
  },
);

it('S12: gives up a reply above the limit, in one line or many, and not below it', () => {
  expect(read('250 ', 'x'.repeat(REPLY_BYTES_MAX)).fault).toMatch(/longer/);
  expect(read('250-ok\r\n'.repeat(REPLY_BYTES_MAX / 8 + 1)).fault).toMatch(/longer/);
  expect(read(`250 ${'x'.repeat(REPLY_BYTES_MAX - 6)}\r\n`).replies).toHaveLength(1);
});

it('counts each reply by itself towards the limit', () => {
  const reply = `250 ${'x'.repeat(1_000)}\r\n`;
  expect(read(...Array<string>(200).fill(reply)).fault).toBeUndefined();
});

it('S12: gives up an endless line that comes byte by byte', () => {
  const reader = new ReplyReader();
  const byte = Buffer.from('x');
  for (let count = 0; count <= REPLY_BYTES_MAX && reader.fault === undefined; count += 1) {
    reader.push(byte);
    reader.next();
  }
  expect(reader.fault).toMatch(/longer/);
});

it('knows whether anything follows the last reply', () => {
  const reader = new ReplyReader();
  reader.push(Buffer.from('220 go\r\n250 '));
  expect(reader.next()).toEqual({ code: 220, lines: 'go' });
  expect(reader.isEmpty).toBe(false);
  reader.push(Buffer.from('x\r\n'));
  expect(reader.next()).toEqual({ code: 250, lines: 'x' });
  expect(reader.isEmpty).toBe(true);
});

it.each([
  [
    { code: 550, lines: '5.1.1 nobody\n5.1.1 here' },
    { code: 550, enhanced: '5.1.1', text: '5.1.1 nobody 5.1.1 here' },
  ],
  [
    { code: 250, lines: '2.0.0' },
    { code: 250, enhanced: '2.0.0', text: '2.0.0' },
  ],
  [
    { code: 250, lines: '2.0.0.1 no code' },
    { code: 250, text: '2.0.0.1 no code' },
  ],
  [
    { code: 450, lines: '3.1.1 no class' },
    { code: 450, text: '3.1.1 no class' },
  ],
  [
    { code: 550, lines: 'a\tb\x1b[0m\x7fc' },
    { code: 550, text: 'ab[0mc' },
  ],
])('keeps of %j what is safe to show', (raw, reply) => {
  expect(replyOf(raw)).toEqual(reply);
});

it('S12: keeps UTF-8 text, without C1 controls and odd line ends, and cuts it between characters', () => {
  const raw = (text: string): RawReply => ({ code: 550, lines: Buffer.from(text, 'utf8').toString('latin1') });
  expect(replyOf(raw('Briefkasten für Jörg\u0085\u2028 voll')).text).toBe('Briefkasten für Jörg voll');
  const long = replyOf(raw(`x${'ü'.repeat(3_000)}`)).text;
  expect(Buffer.byteLength(long)).toBe(2_047);
  expect(long.endsWith('ü')).toBe(true);
});
