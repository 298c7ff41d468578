import { createHash } from 'node:crypto';
import { base32 } from '../model/ids.ts';

/**
 * What makes two requests the same mail. `expiresAt` is left out: a caller that computes it anew on each try ("ten minutes
 * from now") would otherwise neither be recognised under its own key nor by the duplicate guard. `priority` says when and not what. `sendAt` is in: the same
 * reminder for three days is three mails.
 */
export const FINGERPRINT_FIELDS = [
  'inbox',
  'to',
  'cc',
  'bcc',
  'replyTo',
  'subject',
  'text',
  'html',
  'inReplyTo',
  'sendAt',
  'onDoubt',
  'headers',
  'attachments',
] as const;
export type FingerprintField = (typeof FINGERPRINT_FIELDS)[number];

const VERSION = 'f1';
/** 50 bits a field: enough to tell two texts of one caller apart, and short, since every queued job carries it. */
const CHARACTERS = 10;
const ABSENT = '-';
/** Later fields stand only where they are used, so that a mail without them has the fingerprint it always had. */
const FIELDS_AT_FIRST = 11;

/** Equal for equal requests; one part per field, so that a conflict can name what differs without the earlier request. */
export function fingerprintOf(fields: Readonly<Partial<Record<FingerprintField, string | number | readonly string[]>>>): string {
  const parts = FINGERPRINT_FIELDS.map((name) => partOf(fields[name]));
  while (parts.length > FIELDS_AT_FIRST && parts.at(-1) === ABSENT) parts.pop();
  return [VERSION, ...parts].join('.');
}

/** The fields in which two requests differ; all of them when one was made by another version of the program. */
export function differingFields(a: string, b: string): readonly FingerprintField[] {
  const [versionA, ...partsA] = a.split('.');
  const [versionB, ...partsB] = b.split('.');
  if (versionA !== versionB) return FINGERPRINT_FIELDS;
  return FINGERPRINT_FIELDS.filter((_, index) => (partsA[index] ?? ABSENT) !== (partsB[index] ?? ABSENT));
}

/** Stands for a content that is too long to be kept. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex');
}

function partOf(value: string | number | readonly string[] | undefined): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return ABSENT;
  return base32(createHash('sha256').update(JSON.stringify(value)).digest(), CHARACTERS);
}
