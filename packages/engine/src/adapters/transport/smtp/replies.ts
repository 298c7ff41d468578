import { REPLY_BYTES_MAX, REPLY_TEXT_BYTES_MAX } from '../../../model/limits.ts';
import type { Reply } from '../../../model/reply.ts';

/** A reply as it came: lines without code and line end, joined by `\n`, one character a byte (latin1). */
export interface RawReply {
  readonly code: number;
  readonly lines: string;
}

const HYPHEN = 45;
const SPACE = 32;
const ZERO = 48;

/**
 * Cuts what a server says into replies (RFC 5321 section 4.2), however the network split it. Once something made no sense
 * `fault` tells what, and nothing more is read: the place in the dialogue is lost.
 */
export class ReplyReader {
  fault: string | undefined;
  #text = '';
  #from = 0;
  /** `#text` may hold a line end that was not looked at. */
  #hasLine = false;
  /** Lines of a multi-line reply whose last line has not come. */
  #held: string | undefined;
  #heldCode = 0;
  #heldBytes = 0;

  push(chunk: Buffer): void {
    const text = chunk.toString('latin1');
    this.#text = this.#from === 0 ? this.#text + text : this.#text.slice(this.#from) + text;
    this.#from = 0;
    // Text without a line end is only appended: to look through all of it again for every byte would be quadratic.
    if (text.includes('\n')) this.#hasLine = true;
    else if (this.#text.length + this.#heldBytes > REPLY_BYTES_MAX) this.fault = tooLong();
  }

  /** The next whole reply, if there is one. */
  next(): RawReply | undefined {
    while (this.fault === undefined && this.#hasLine) {
      const end = this.#text.indexOf('\n', this.#from);
      if (end < 0) {
        this.#hasLine = false;
        return undefined;
      }
      const reply = this.#line(this.#from, end);
      this.#from = end + 1;
      if (reply !== undefined) return reply;
    }
    return undefined;
  }

  /** Nothing was received beyond the last reply. */
  get isEmpty(): boolean {
    return this.#from >= this.#text.length && this.#held === undefined;
  }

  #line(start: number, end: number): RawReply | undefined {
    const text = this.#text;
    const stop = end > start && text.charCodeAt(end - 1) === 13 ? end - 1 : end;
    const first = text.charCodeAt(start) - ZERO;
    const second = text.charCodeAt(start + 1) - ZERO;
    const third = text.charCodeAt(start + 2) - ZERO;
    const mark = stop === start + 3 ? SPACE : text.charCodeAt(start + 3);
    const isReply = first >= 2 && first <= 5 && second >= 0 && second <= 9 && third >= 0 && third <= 9;
    if (stop < start + 3 || !isReply || (mark !== SPACE && mark !== HYPHEN)) return this.#fail('a line that is no SMTP reply');

    const code = first * 100 + second * 10 + third;
    const line = stop > start + 4 ? text.slice(start + 4, stop) : '';
    this.#heldBytes += end - start + 1;
    if (this.#heldBytes > REPLY_BYTES_MAX) return this.#fail(tooLong());
    if (this.#held !== undefined && code !== this.#heldCode)
      return this.#fail(`a reply that begins with ${this.#heldCode} and goes on with ${code}`);

    const lines = this.#held === undefined ? line : `${this.#held}\n${line}`;
    if (mark === HYPHEN) {
      this.#held = lines;
      this.#heldCode = code;
      return undefined;
    }
    this.#held = undefined;
    this.#heldBytes = 0;
    return { code, lines };
  }

  #fail(why: string): undefined {
    this.fault = why;
    return undefined;
  }
}

function tooLong(): string {
  return `a reply longer than ${REPLY_BYTES_MAX} bytes`;
}

// C0 but the joining \n, DEL, C1 and the two Unicode line ends
const UNSAFE = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]/g;
const ENHANCED = /^([245]\.\d{1,3}\.\d{1,3})(?:\s|$)/;
const PRINTABLE = /^[\x20-\x7e]*$/;

/** What is kept of a reply: foreign text, made safe to store and to show as text (security S12). */
export function replyOf(raw: RawReply): Reply {
  const enhanced = ENHANCED.exec(raw.lines)?.[1]; // RFC 2034: at the head of each line; the first one counts
  const text = PRINTABLE.test(raw.lines) && raw.lines.length <= REPLY_TEXT_BYTES_MAX ? raw.lines : safeText(raw.lines);
  return enhanced === undefined ? { code: raw.code, text } : { code: raw.code, enhanced, text };
}

function safeText(lines: string): string {
  const text = Buffer.from(lines, 'latin1').toString('utf8').replace(UNSAFE, '').replaceAll('\n', ' '); // RFC 6531 allows UTF-8
  if (Buffer.byteLength(text) <= REPLY_TEXT_BYTES_MAX) return text;
  return Buffer.from(text)
    .subarray(0, REPLY_TEXT_BYTES_MAX)
    .toString('utf8')
    .replace(/\ufffd+$/, '');
}
