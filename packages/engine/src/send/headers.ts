import { type Mailbox, mailboxText } from './address.ts';
import type { CallerHeader } from './caller-headers.ts';

/**
 * Header values as RFC 5322 and RFC 2047 want them. What comes in was checked by `submit.ts` and holds no control
 * character; what comes out is folded, so no line of a header is longer than its longest unbreakable piece.
 */

/** RFC 5322 section 2.1.1: lines should be no longer than this, without the CRLF. */
const LINE_CHARACTERS = 78;
/** RFC 2047 section 2: at most 75 characters, of which `=?UTF-8?B?` and `?=` take 12. 42 bytes make 68, and fit behind `Subject:`. */
const ENCODED_WORD_BYTES = 42;

/**
 * An unstructured value, such as a Subject. Text that a reader would not show as written goes as encoded words: characters
 * beyond ASCII, something that looks like an encoded word itself, white space at an end, a word too long for a line.
 */
export function encodeText(name: string, text: string): string {
  const isSafe = /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/.test(text) && !text.includes('=?') && !/[^ ]{61}/.test(text);
  return fold(`${name}:`, isSafe ? text.split(' ') : encodedWords(text), '');
}

/** A field of the caller. Printable ASCII goes as it is, since a machine may look for it; anything else as encoded words. */
export function encodeCallerHeader({ name, value, form }: CallerHeader): string {
  const isPlain = /^[!-~]+(?: [!-~]+)*$/.test(value) && !value.includes('=?') && !/[^ ]{901}/.test(value);
  return fold(`${name}:`, isPlain || form === 'ascii' ? value.split(' ') : encodedWords(value), '');
}

/** A list of mailboxes, or one with the name it is known by. */
export function encodeMailboxes(name: string, mailboxes: readonly { readonly mailbox: Mailbox; readonly name?: string }[]): string {
  return fold(
    `${name}:`,
    mailboxes.map((one) => (one.name === undefined ? mailboxText(one.mailbox) : `${encodePhrase(one.name)} <${mailboxText(one.mailbox)}>`)),
    ',',
  );
}

/** RFC 5322 section 3.3, in UTC. */
export function encodeDate(epochMs: number): string {
  return new Date(epochMs).toUTCString().replace('GMT', '+0000');
}

/** RFC 5322 section 3.2.5. Inside quotes nothing is an encoded word (RFC 2047 section 5), but many readers decode it there: what looks like one is encoded itself. */
function encodePhrase(text: string): string {
  if (/^[\x20-\x7e]{1,60}$/.test(text) && !text.includes('=?')) return `"${text.replace(/["\\]/g, '\\$&')}"`;
  return encodedWords(text).join('\r\n ');
}

function encodedWords(text: string): string[] {
  const words: string[] = [];
  let piece = '';
  let pieceBytes = 0;
  for (const character of text) {
    const bytes = Buffer.byteLength(character);
    if (pieceBytes + bytes > ENCODED_WORD_BYTES) {
      words.push(piece);
      piece = '';
      pieceBytes = 0;
    }
    piece += character; // whole characters only: RFC 2047 section 5, the last paragraph but one
    pieceBytes += bytes;
  }
  words.push(piece);
  return words.map((word) => `=?UTF-8?B?${Buffer.from(word).toString('base64')}?=`);
}

/** Puts as many pieces on a line as fit. White space between two encoded words is not shown (RFC 2047 section 6.2). */
function fold(head: string, pieces: readonly string[], separator: string): string {
  const lines: string[] = [];
  let line = head;
  pieces.forEach((piece, index) => {
    const text = index < pieces.length - 1 ? piece + separator : piece;
    if (line.length + 1 + text.length > LINE_CHARACTERS && line !== head) {
      lines.push(line);
      line = '';
    }
    line += ` ${text}`;
  });
  return [...lines, line].join('\r\n');
}
