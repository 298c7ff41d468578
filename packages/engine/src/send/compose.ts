import MailComposer from 'nodemailer/lib/mail-composer';
import { ShoalError } from '../model/errors.ts';
import { LINE_BYTES_MAX, MESSAGE_BYTES_MAX } from '../model/limits.ts';
import type { Attachment } from '../model/message.ts';
import type { Mailbox } from './address.ts';
import type { CheckedAttachment } from './attachments.ts';
import type { CallerHeader } from './caller-headers.ts';
import { encodeCallerHeader, encodeDate, encodeMailboxes, encodeText } from './headers.ts';
import { assembled, type Entity, sizeOf, withAttachments } from './multipart.ts';
import { plainTextOf } from './plain-text.ts';

/** What goes into the bytes: checked values only (`submit.ts`). Blind copies are not here, so they can't slip into a header. */
export interface Composition {
  readonly messageIdHeader: string;
  readonly boundary: string;
  /** Epoch ms. */
  readonly date: number;
  readonly from: { readonly mailbox: Mailbox; readonly name?: string };
  readonly to: readonly Mailbox[];
  readonly cc: readonly Mailbox[];
  readonly replyTo?: Mailbox;
  readonly subject: string;
  readonly text?: string;
  readonly html?: string;
  readonly inReplyTo?: string;
  readonly headers?: readonly CallerHeader[];
  readonly attachments?: readonly CheckedAttachment[];
}

export interface Composed {
  readonly bytes: Uint8Array;
  /** The bytes hold octets above 127: raw UTF-8 in an address, since every body is encoded. */
  readonly eightBit: boolean;
  /** In the order of the composition's. */
  readonly attachments: readonly Attachment[];
}

/**
 * Builds the message, once: every attempt sends these very bytes. The same composition gives the same bytes.
 *
 * Line ends in `text` and `html` become CRLF, a lone CR or LF too (security S4: a bare CR before a dot has smuggled
 * messages past servers that take it for a line end).
 *
 * @throws ShoalError `too_large` when the finished mail, encoded, is larger than `bytesMax`
 */
export async function compose(mail: Composition, bytesMax = MESSAGE_BYTES_MAX): Promise<Composed> {
  const headers = headersOf(mail);
  const text = mail.text === undefined ? undefined : withCrlf(mail.text);
  const html = mail.html === undefined ? undefined : withCrlf(mail.html);
  const body = html === undefined && isSevenBit(text ?? '') ? plainEntity(text ?? '') : await composedEntity(mail, text, html);
  const attachments = mail.attachments ?? [];
  const { fields, body: pieces } = withAttachments(body, attachments, mail.boundary);
  const whole = [Buffer.from([...headers, 'MIME-Version: 1.0', ...fields, '', ''].join('\r\n')), ...pieces];
  const sizeBytes = sizeOf(whole);
  if (sizeBytes > bytesMax)
    throw new ShoalError('too_large', `the finished mail would have ${sizeBytes} bytes; at most ${bytesMax} are sent`);
  const { bytes, encoded } = assembled(whole);
  return {
    bytes,
    eightBit: checkedForTheWire(bytes),
    attachments: attachments.map(({ base64: _, ...attachment }, index) => {
      const place = encoded.get(attachments[index] as CheckedAttachment);
      if (place === undefined) throw new Error(`attachment ${index} was left out`);
      return { ...attachment, encoded: place };
    }),
  };
}

function headersOf(mail: Composition): readonly string[] {
  const known = (mailboxes: readonly Mailbox[]) => mailboxes.map((mailbox) => ({ mailbox }));
  const headers = [`Date: ${encodeDate(mail.date)}`, encodeMailboxes('From', [mail.from]), encodeMailboxes('To', known(mail.to))];
  if (mail.cc.length > 0) headers.push(encodeMailboxes('Cc', known(mail.cc)));
  if (mail.replyTo !== undefined) headers.push(encodeMailboxes('Reply-To', known([mail.replyTo])));
  if (mail.subject !== '') headers.push(encodeText('Subject', mail.subject));
  headers.push(`Message-ID: ${mail.messageIdHeader}`);
  const own = mail.headers ?? [];
  if (mail.inReplyTo !== undefined) headers.push(`In-Reply-To: ${mail.inReplyTo}`);
  const namesReferences = own.some(({ name }) => name.toLowerCase() === 'references');
  if (mail.inReplyTo !== undefined && !namesReferences) headers.push(`References: ${mail.inReplyTo}`);
  headers.push(...own.map(encodeCallerHeader));
  return headers;
}

/** The common case, plain ASCII text, needs no encoding and so no library: about a fifth of the time. */
function plainEntity(text: string): Entity {
  return {
    fields: ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: 7bit'],
    body: [Buffer.from(text.endsWith('\r\n') ? text : `${text}\r\n`)],
  };
}

/**
 * Everything else goes through nodemailer's composer. It is given strings of ours and never a caller's object, since an object
 * with `path` or `href` names a file or an address to read (security S8); both switches close that door a second time.
 */
async function composedEntity(mail: Composition, text: string | undefined, html: string | undefined): Promise<Entity> {
  const composer = new MailComposer({
    messageId: mail.messageIdHeader,
    date: encodeDate(mail.date),
    baseBoundary: mail.boundary,
    boundaryPrefix: '--_Shoal',
    disableFileAccess: true,
    disableUrlAccess: true,
    newline: 'win',
    text: text ?? withCrlf(plainTextOf(html ?? '')),
    ...(html === undefined ? {} : { html }),
  });
  const built = await composer.compile().build();
  // Only the MIME fields of its header are taken; the others are ours in both cases.
  const end = built.indexOf('\r\n\r\n');
  const fields = built
    .subarray(0, end)
    .toString('latin1')
    .split(/\r\n(?![ \t])/);
  return {
    fields: fields.filter((line) => /^Content-[A-Za-z-]+:/.test(line)),
    body: [built.subarray(end + 4)],
  };
}

function withCrlf(text: string): string {
  return text.replace(/\r\n|\r|\n/g, '\r\n');
}

/** Fit to be sent as it stands (RFC 2045 section 2.7). */
function isSevenBit(text: string): boolean {
  let lineStart = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 126 || (code < 32 && code !== TAB && code !== CR && code !== LF)) return false;
    if (code === LF) lineStart = at + 1;
    else if (at - lineStart >= LINE_BYTES_MAX) return false; // the CR counts too: one byte stricter than it has to be
  }
  return true;
}

const TAB = 9;
const CR = 13;
const LF = 10;

/**
 * The last look at the bytes before they are stored: CRLF only, no NUL, no line too long, CRLF at the end. A fault here is
 * ours, not the caller's.
 *
 * @returns whether there are octets above 127
 */
function checkedForTheWire(bytes: Uint8Array): boolean {
  let eightBit = false;
  let lineStart = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === CR && bytes[at + 1] !== LF) throw new Error(`composed a bare CR at byte ${at}`);
    if (byte === LF) {
      if (bytes[at - 1] !== CR) throw new Error(`composed a bare LF at byte ${at}`);
      if (at - 1 - lineStart > LINE_BYTES_MAX) throw new Error(`composed a line of ${at - 1 - lineStart} bytes`);
      lineStart = at + 1;
    }
    if (byte === 0) throw new Error(`composed a NUL at byte ${at}`);
    if (byte !== undefined && byte > 127) eightBit = true;
  }
  if (lineStart !== bytes.length) throw new Error('composed a message that does not end in CRLF');
  return eightBit;
}
