import { sameMailbox } from './limit.ts';
import { domainOf } from './scope.ts';
import type { Refuse } from './written-limits.ts';

/**
 * Whom an inbox, or the holder of a token, may write to (security P6). `listed`: only who is on the list. `reply-only`: who has
 * written to the inbox before, and who is on the list. Where both inbox and token have a policy, both must let a recipient pass.
 */
export type RecipientPolicy =
  | { readonly recipients: 'anybody' }
  | { readonly recipients: 'listed' | 'reply-only'; readonly allow: readonly string[] };

const ANYBODY: RecipientPolicy = { recipients: 'anybody' };
const KINDS = ['anybody', 'listed', 'reply-only'] as const;
/** Our own: a list is read at each send. */
const ALLOWED_MAX = 1_000;

/** What is left out of a policy makes it stricter and never wider: a list that is missing is an empty one. */
export function checkedPolicy(written: unknown, refuse: Refuse): RecipientPolicy {
  if (typeof written !== 'object' || written === null || Array.isArray(written))
    throw refuse('', 'must be an object such as { "recipients": "listed", "allow": ["example.com"] }');
  const { recipients, allow = [], ...others } = written as Readonly<Record<string, unknown>>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw refuse(unknown, 'is not known here; there are recipients and allow');
  const kind = KINDS.find((known) => known === recipients);
  if (kind === undefined) throw refuse('recipients', `must be one of ${KINDS.join(', ')}`);
  const list = checkedList(allow, refuse);
  if (kind !== 'anybody') return { recipients: kind, allow: list };
  if (list.length > 0) throw refuse('allow', 'is a list, and anybody needs none: say listed or reply-only');
  return ANYBODY;
}

/** `ann@example.com`, `example.com`, and `*.example.com` for the domains below it; domains as they stand in an envelope (RFC 5890). */
const ENTRY = /^(?:[^\s@*]+@|\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*$/iu;
const ENTRY_CHARACTERS_MAX = 320;

function checkedList(value: unknown, refuse: Refuse): readonly string[] {
  if (!Array.isArray(value)) throw refuse('allow', 'must be an array of addresses and domains');
  if (value.length > ALLOWED_MAX) throw refuse('allow', `has ${value.length} entries; at most ${ALLOWED_MAX} are read`);
  return value.map((entry: unknown, index) => {
    if (typeof entry !== 'string' || entry.length > ENTRY_CHARACTERS_MAX || !ENTRY.test(entry))
      throw refuse(
        `allow.${index}`,
        'must be an address, a domain, or a domain after `*.`, such as ann@example.com, example.com, *.example.com; other scripts as xn--',
      );
    return sameMailbox(entry);
  });
}

/**
 * The part of a policy that needs no look at the mail received: `ask` leaves it to whether they have written.
 *
 * @example verdictOn({ recipients: 'listed', allow: ['*.example.com'] }, 'ann@mail.example.com') // 'pass'
 */
export function verdictOn(policy: RecipientPolicy, address: string): 'pass' | 'refuse' | 'ask' {
  if (policy.recipients === 'anybody') return 'pass';
  if (policy.allow.some((entry) => covers(entry, sameMailbox(address)))) return 'pass';
  return policy.recipients === 'listed' ? 'refuse' : 'ask';
}

function covers(entry: string, address: string): boolean {
  if (entry.startsWith('*.')) return domainOf(address).endsWith(entry.slice(1));
  return entry.includes('@') ? entry === address : entry === domainOf(address);
}
