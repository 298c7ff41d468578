import type { CheckedAttachment } from './attachments.ts';

/**
 * Puts files round a body (RFC 2046 section 5.1): `multipart/related` for images that the HTML shows (RFC 2387),
 * `multipart/mixed` for the others. Bytes are written once, into the buffer that is stored: a mail of 25 MB is big enough for
 * every copy to count.
 */

/** What a body is, and its bytes, which end in CRLF. */
export interface Entity {
  readonly fields: readonly string[];
  readonly body: readonly Piece[];
}

/** Bytes as they stand, or a file to be written as lines of base64. */
export type Piece = Uint8Array | CheckedAttachment;

export interface Assembled {
  readonly bytes: Uint8Array;
  /** Where the base64 of each file stands. */
  readonly encoded: ReadonlyMap<CheckedAttachment, { readonly fromByte: number; readonly bytes: number }>;
}

export function withAttachments(entity: Entity, attachments: readonly CheckedAttachment[], boundary: string): Entity {
  const shown = attachments.filter(({ contentId }) => contentId !== undefined);
  const enclosed = attachments.filter(({ contentId }) => contentId === undefined);
  const related = wrapped(entity, 'related; type="multipart/alternative"', `--_Shoal-${boundary}-related`, shown);
  return wrapped(related, 'mixed', `--_Shoal-${boundary}-mixed`, enclosed);
}

function wrapped(entity: Entity, subtype: string, boundary: string, files: readonly CheckedAttachment[]): Entity {
  if (files.length === 0) return entity;
  const open = (fields: readonly string[]): Uint8Array => Buffer.from(`--${boundary}\r\n${fields.join('\r\n')}\r\n\r\n`);
  return {
    fields: [`Content-Type: multipart/${subtype};\r\n boundary="${boundary}"`],
    body: [
      open(entity.fields),
      ...entity.body,
      ...files.flatMap((file) => [open(fieldsOf(file)), file]),
      Buffer.from(`--${boundary}--\r\n`),
    ],
  };
}

function fieldsOf({ filename, contentType, contentId }: CheckedAttachment): readonly string[] {
  return [
    `Content-Type: ${contentType}`,
    'Content-Transfer-Encoding: base64',
    `Content-Disposition: ${contentId === undefined ? 'attachment' : 'inline'};\r\n ${fileNameParameter(filename)}`,
    ...(contentId === undefined ? [] : [`Content-ID: <${contentId}>`]),
  ];
}

const SECTION_CHARACTERS_MAX = 54;

/** RFC 2183 section 2.3; beyond ASCII in sections of RFC 2231, each made of whole characters. */
export function fileNameParameter(name: string): string {
  if (/^[\x20-\x7e]+$/.test(name)) return `filename="${name.replace(/["\\]/g, '\\$&')}"`;
  const sections = [''];
  for (const character of name) {
    const encoded = percentEncoded(character);
    const last = sections.length - 1;
    if ((sections[last] ?? '').length + encoded.length > SECTION_CHARACTERS_MAX) sections.push(encoded);
    else sections[last] += encoded;
  }
  if (sections.length === 1) return `filename*=UTF-8''${sections[0]}`;
  return sections.map((section, index) => `filename*${index}*=${index === 0 ? "UTF-8''" : ''}${section}`).join(';\r\n ');
}

function percentEncoded(character: string): string {
  return encodeURIComponent(character).replace(/[*'()]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}

export function sizeOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, piece) => sum + (piece instanceof Uint8Array ? piece.length : linesBytes(piece.base64)), 0);
}

export function assembled(pieces: readonly Piece[]): Assembled {
  const bytes = Buffer.allocUnsafe(sizeOf(pieces));
  const encoded = new Map<CheckedAttachment, { fromByte: number; bytes: number }>();
  let at = 0;
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) {
      bytes.set(piece, at);
      at += piece.length;
    } else {
      const size = linesBytes(piece.base64);
      writeLines(bytes, at, piece.base64);
      encoded.set(piece, { fromByte: at, bytes: size });
      at += size;
    }
  }
  return { bytes, encoded };
}

/** RFC 2045 section 6.8. */
const LINE_CHARACTERS = 76;
const CRLF_BYTES = 2;

function linesBytes(base64: string): number {
  return base64.length + Math.ceil(base64.length / LINE_CHARACTERS) * CRLF_BYTES;
}

/** The text goes to the end of its place in one write; then each line moves to the front, never past one that has yet to move. */
function writeLines(bytes: Buffer, from: number, base64: string): void {
  let source = from + linesBytes(base64) - base64.length;
  const end = source + base64.length;
  bytes.write(base64, source, 'latin1');
  for (let target = from; source < end; source += LINE_CHARACTERS) {
    const length = Math.min(LINE_CHARACTERS, end - source);
    bytes.copyWithin(target, source, source + length);
    bytes[target + length] = 13;
    bytes[target + length + 1] = 10;
    target += length + CRLF_BYTES;
  }
}
