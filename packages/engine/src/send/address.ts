import { ADDRESS_BYTES_MAX, LOCAL_PART_BYTES_MAX } from '../model/limits.ts';

/**
 * A mailbox of RFC 5321 section 4.1.2 in the one form we send to: `dot-atom@domain`. No quoted local part, comment, group,
 * address literal or source route, so that the text has one reading for every parser on its way (docs/reference/security: S7).
 */
export interface Mailbox {
  readonly localPart: string;
  /** A-labels in lower case (RFC 5890). */
  readonly domain: string;
  /** The next hop must offer SMTPUTF8 (RFC 6531). */
  readonly needsUtf8: boolean;
}

export type MailboxAnswer = { readonly kind: 'mailbox'; readonly mailbox: Mailbox } | { readonly kind: 'refused'; readonly why: string };

/**
 * Checks an address as its caller wrote it; refuses rather than repairs.
 *
 * `%` and `!` are plain characters of the local part: routing by them (RFC 1123 section 5.2.16) is long gone, and we give
 * them no meaning.
 *
 * @example parseMailbox('ada@Bücher.example') // domain 'xn--bcher-kva.example'
 */
export function parseMailbox(text: unknown): MailboxAnswer {
  if (typeof text !== 'string') return refused('must be text, such as ada@example.com');
  if (text === '') return refused('is empty; give an address such as ada@example.com');
  if (text.length > ADDRESS_BYTES_MAX) return refused(`is longer than ${ADDRESS_BYTES_MAX} bytes`);
  if (/\p{C}/u.test(text)) return refused('has a control or invisible character');
  if (/[<>]/.test(text)) return refused('has a display name or angle brackets; give the bare address, such as ada@example.com');
  if (/[\p{Z},;:]/u.test(text)) return refused('has a space, comma, colon or semicolon; give one bare address per entry');
  const [localPart = '', domainText, ...rest] = text.split('@');
  if (domainText === undefined) return refused('has no @; an address looks like ada@example.com');
  if (rest.length > 0) return refused('has more than one @');

  const localFault = faultOfLocalPart(localPart);
  if (localFault !== undefined) return refused(localFault);
  const domain = domainToALabels(domainText);
  if (domain === undefined) return refused('has no valid domain after the @; a name such as example.com is expected');
  if (utf8Length(localPart) + 1 + domain.length > ADDRESS_BYTES_MAX) return refused(`is longer than ${ADDRESS_BYTES_MAX} bytes`);
  return { kind: 'mailbox', mailbox: { localPart, domain, needsUtf8: !isAscii(localPart) } };
}

/** As it stands in the envelope. Two mailboxes are the same when this text is; whether letter case matters in a local part is its owner's secret. */
export function mailboxText(mailbox: Mailbox): string {
  return `${mailbox.localPart}@${mailbox.domain}`;
}

/** RFC 5322 section 3.2.3: atext and single dots; RFC 6531 section 3.3 adds everything above ASCII. */
const DOT_ATOM = /^[\w!#$%&'*+/=?^`{|}~\u{80}-\u{10ffff}-]+(?:\.[\w!#$%&'*+/=?^`{|}~\u{80}-\u{10ffff}-]+)*$/u;

function faultOfLocalPart(localPart: string): string | undefined {
  if (localPart === '') return 'has nothing before the @';
  if (utf8Length(localPart) > LOCAL_PART_BYTES_MAX) return `has more than ${LOCAL_PART_BYTES_MAX} bytes before the @`;
  if (/["\\()[\]]/.test(localPart)) return 'has a quote, bracket or backslash before the @; only plain local parts are sent to';
  if (!DOT_ATOM.test(localPart)) return 'has a dot at an end, or two in a row, before the @';
  return undefined;
}

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

function domainToALabels(text: string): string | undefined {
  const domain = isAscii(text) ? text.toLowerCase() : idnToALabels(text);
  if (domain === undefined) return undefined;
  const labels = domain.split('.');
  if (!labels.every((label) => LABEL.test(label))) return undefined;
  // A last label of digits is an IPv4 address without its brackets (RFC 3696 section 2), or will be read as one.
  return /^\d+$/.test(labels.at(-1) ?? '') ? undefined : domain;
}

/** The URL parser knows UTS 46. It is asked about letters, dots and hyphens only: anything else in a host has a meaning of its own there. */
function idnToALabels(text: string): string | undefined {
  if (!/^[\p{L}\p{M}\p{N}.\u3002-]+$/u.test(text)) return undefined;
  return URL.canParse(`http://${text}/`) ? new URL(`http://${text}/`).hostname : undefined;
}

function refused(why: string): MailboxAnswer {
  return { kind: 'refused', why };
}

function isAscii(text: string): boolean {
  return !/[^\u0000-\u007f]/.test(text);
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
