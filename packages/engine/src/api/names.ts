import { mailboxKey } from '../model/inbox.ts';

const LOCAL_PART_CHARACTERS_MIN = 3;
const LOCAL_PART_CHARACTERS_MAX = 64;
export const DISPLAY_NAME_CHARACTERS_MAX = 100;
/** Numbered forms tried before a random name: `outreach-worker1` to `outreach-worker5`. */
const NUMBERED_MAX = 5;

/** Roles that RFC 2142 gives to the operator, words a reader would take for the operator, and words that programs trip over. */
const RESERVED = [
  ...['admin', 'postmaster', 'hostmaster', 'webmaster', 'abuse', 'noreply', 'no-reply', 'mailer-daemon', 'support', 'help', 'info'],
  ...['contact', 'security', 'root', 'www', 'mail', 'email', 'lobster', 'lobstermail', 'billing', 'sales', 'api', 'dev', 'test'],
  ...['null', 'undefined'],
];
const RESERVED_MAILBOXES = new Set(RESERVED.map(mailboxKey));

/**
 * Why this text may not be a local part; undefined when it may.
 *
 * @example localPartFault('sarah.shield') // undefined
 */
export function localPartFault(localPart: string): string | undefined {
  if (localPart.length < LOCAL_PART_CHARACTERS_MIN || localPart.length > LOCAL_PART_CHARACTERS_MAX)
    return `must have ${LOCAL_PART_CHARACTERS_MIN} to ${LOCAL_PART_CHARACTERS_MAX} characters`;
  if (!/^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/.test(localPart))
    return 'must consist of a-z, 0-9, ".", "_" and "-", and begin and end with a letter or digit';
  // RFC 5321 section 4.1.2: a dot-string has no two dots in a row.
  if (localPart.includes('..')) return 'must not have two dots in a row';
  if (RESERVED_MAILBOXES.has(mailboxKey(localPart))) return 'is reserved';
  return undefined;
}

/** @example cleanLocalPart('Billing Bot!') // 'billing-bot' */
export function cleanLocalPart(text: string): string {
  return text
    .slice(0, 4 * LOCAL_PART_CHARACTERS_MAX)
    .toLowerCase()
    .replace(/[\s_]+/g, '-')
    .replace(/[^a-z0-9.-]/g, '')
    .replace(/-+/g, '-')
    .replace(/\.+/g, '.')
    .replace(/^[.-]+/, '')
    .slice(0, LOCAL_PART_CHARACTERS_MAX)
    .replace(/[.-]+$/, '');
}

export interface NameWishes {
  readonly name?: string;
  readonly org?: string;
  readonly preferred?: readonly string[];
}

/**
 * Local parts to try, best first: the preferred ones, then forms of the name. Those that may not be used are left out; a
 * caller who wants an address in any case ends with a random one.
 *
 * @example
 * [...localPartsFor({ name: 'Sarah Shield', org: 'Palisade' })].slice(0, 4)
 * // ['sarah-shield', 'sarah-shield-palisade', 's-shield', 'sarah-shield1']
 */
export function localPartsFor(wishes: NameWishes): readonly string[] {
  const wished = [
    ...(wishes.preferred ?? []).map(cleanLocalPart),
    ...formsOf(cleanLocalPart(wishes.name ?? ''), cleanLocalPart(wishes.org ?? '')),
  ];
  return [...new Set(wished)].filter((localPart) => localPartFault(localPart) === undefined);
}

function formsOf(name: string, org: string): string[] {
  if (name === '') return org === '' ? [] : formsOf(org, '');
  const words = name.split(/[.-]/);
  const last = words.at(-1) ?? '';
  return [
    name,
    ...(org === '' ? [] : [`${name}-${org}`]),
    ...(words.length > 1 ? [`${name.charAt(0)}-${last}`] : []),
    ...Array.from({ length: NUMBERED_MAX }, (_, index) => `${name}${index + 1}`),
  ];
}
