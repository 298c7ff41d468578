import { ShoalError } from '../model/errors.ts';
import { ATTACHMENT_BYTES_MAX, ATTACHMENTS_MAX, FILE_NAME_BYTES_MAX, MEDIA_TYPE_CHARACTERS_MAX } from '../model/limits.ts';
import { type Faults, faultOfHeaderText, isObject } from './faults.ts';

/** A file that goes with a mail, checked. Its bytes stay base64, as they came and as they go: nothing here decodes them. */
export interface CheckedAttachment {
  readonly filename: string;
  readonly contentType: string;
  readonly contentId?: string;
  readonly base64: string;
  /** Decoded. */
  readonly sizeBytes: number;
}

const DEFAULT_TYPE = 'application/octet-stream';

/** @throws ShoalError `too_large` when together they have more than 25 MB */
export function checkAttachments(given: unknown, hasHtml: boolean, faults: Faults): readonly CheckedAttachment[] {
  if (given === undefined) return [];
  if (!Array.isArray(given)) {
    faults['attachments'] = 'must be a list';
    return [];
  }
  if (given.length > ATTACHMENTS_MAX) {
    faults['attachments'] = `has ${given.length} files; at most ${ATTACHMENTS_MAX} fit one mail`;
    return [];
  }
  const attachments = given.flatMap((one: unknown, index) => checkAttachment(`attachments.${index}`, one, hasHtml, faults) ?? []);
  checkContentIds(attachments, faults);
  const sizeBytes = attachments.reduce((sum, attachment) => sum + attachment.sizeBytes, 0);
  if (sizeBytes > ATTACHMENT_BYTES_MAX)
    throw new ShoalError('too_large', `the attachments have ${sizeBytes} bytes together; at most ${ATTACHMENT_BYTES_MAX} are sent`, {
      details: { attachments: `have ${sizeBytes} bytes, decoded; at most ${ATTACHMENT_BYTES_MAX}` },
    });
  return attachments;
}

function checkAttachment(field: string, given: unknown, hasHtml: boolean, faults: Faults): CheckedAttachment | undefined {
  if (!isObject(given)) {
    faults[field] = 'must be an object with filename and content';
    return undefined;
  }
  const { filename, content, contentType = DEFAULT_TYPE, contentId } = given;
  const found = {
    filename: faultOfFileName(filename),
    contentType: faultOfType(contentType),
    contentId: contentId === undefined ? undefined : faultOfContentId(contentId, hasHtml),
    content: faultOfBase64(content),
  };
  for (const [name, fault] of Object.entries(found)) if (fault !== undefined) faults[`${field}.${name}`] ??= fault;
  if (Object.values(found).some((fault) => fault !== undefined)) return undefined;
  const base64 = String(content);
  return {
    filename: String(filename),
    contentType: String(contentType),
    ...(contentId !== undefined && { contentId: String(contentId) }),
    base64,
    sizeBytes: decodedBytes(base64),
  };
}

/**
 * A name and not a path: who saves the file may trust it. Marks of writing direction make `exe.pdf` of what ends in `fdp.exe`
 * (security M6).
 */
function faultOfFileName(name: unknown): string | undefined {
  if (typeof name !== 'string') return 'must be text, such as report.pdf';
  if (name.length > FILE_NAME_BYTES_MAX || Buffer.byteLength(name) > FILE_NAME_BYTES_MAX)
    return `has more than ${FILE_NAME_BYTES_MAX} bytes`;
  const control = faultOfHeaderText(name);
  if (control !== undefined) return control;
  if (/[/\\]/.test(name)) return 'has a slash; give the bare name, such as report.pdf';
  if (/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/.test(name))
    return 'has a mark of writing direction, which hides what a name ends in';
  // It is none in a parameter (RFC 2047 section 5), but many readers decode it there, and `../` or a line end may come out.
  if (name.includes('=?')) return 'has =?, which some readers take for the start of an encoded word';
  return /^[.\s]*$/.test(name) || name !== name.trim() ? 'must be a name, such as report.pdf, without white space around it' : undefined;
}

/** RFC 6838 section 4.2. Without parameters: nothing in a type of ours needs quoting. */
const MEDIA_TYPE = /^([A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*)\/([A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*)$/;

function faultOfType(given: unknown): string | undefined {
  if (typeof given !== 'string') return 'must be text, such as application/pdf';
  const [, type = '', subtype = ''] = MEDIA_TYPE.exec(given.slice(0, 2 * MEDIA_TYPE_CHARACTERS_MAX + 2)) ?? [];
  if (type === '' || type.length > MEDIA_TYPE_CHARACTERS_MAX || subtype.length > MEDIA_TYPE_CHARACTERS_MAX)
    return 'must be a type and a subtype without parameters, such as application/pdf';
  // RFC 2046 section 5.2.1: such a part may not be base64; and readers would unfold it and show what is inside as mail.
  return /^(?:multipart|message)$/i.test(type) ? `may not be ${type.toLowerCase()}/...; send the file as ${DEFAULT_TYPE}` : undefined;
}

const CONTENT_ID_CHARACTERS_MAX = 200;

function faultOfContentId(given: unknown, hasHtml: boolean): string | undefined {
  const isContentId =
    typeof given === 'string' && given.length <= CONTENT_ID_CHARACTERS_MAX && /^[A-Za-z0-9_.+-]+(?:@[A-Za-z0-9_.-]+)?$/.test(given);
  if (!isContentId) return 'must be a name without angle brackets, such as logo: letters, digits and _ . + - @';
  return hasHtml ? undefined : 'is for an image that the HTML shows, and the mail has no html';
}

function checkContentIds(attachments: readonly CheckedAttachment[], faults: Faults): void {
  const seen = new Set<string>();
  attachments.forEach(({ contentId }, index) => {
    if (contentId !== undefined && seen.has(contentId)) faults[`attachments.${index}.contentId`] ??= 'is that of another attachment too';
    if (contentId !== undefined) seen.add(contentId);
  });
}

/**
 * RFC 4648 section 4, and one text for the same bytes: the padding is there, the bits under it are zero, and there is no white
 * space. Nothing is repaired, since two readers would repair it in two ways.
 */
function faultOfBase64(content: unknown): string | undefined {
  if (typeof content !== 'string') return 'must be the file as base64 text';
  if (content === '') return 'is empty; leave the attachment out';
  const odd = /[^A-Za-z0-9+/=]/.exec(content) ?? /=(?!=?$)/.exec(content);
  if (odd !== null) return faultOfCharacter(content, odd.index);
  if (content.length % 4 !== 0) return `is cut off or has no padding: ${content.length} characters, and base64 has a multiple of 4`;
  const padding = paddingOf(content);
  const end = content.length - padding;
  const last = ALPHABET.indexOf(content.charAt(end - 1));
  return last % 4 ** padding === 0 ? undefined : `has bits that mean nothing in its last character (at ${end - 1}); encode it anew`;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

function faultOfCharacter(content: string, at: number): string {
  const character = content.charAt(at);
  if (/\s/.test(character)) return `has white space at ${at}; write base64 in one line, without any`;
  if (character === '-' || character === '_')
    return `has ${character} at ${at}, which is the URL form of base64; the standard form has + and /`;
  if (content.startsWith('data:')) return 'is a data: URL; give only what stands behind its comma';
  if (character === '=') return `has padding at ${at}, before its end`;
  const code = (content.codePointAt(at) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `is not base64: U+${code} at ${at}`;
}

function decodedBytes(base64: string): number {
  return (base64.length / 4) * 3 - paddingOf(base64);
}

function paddingOf(base64: string): number {
  return base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
}
