import { DEFERRED, HOUR_MS, REFUSED, type ReplyRule } from './rule.ts';

export const GREYLIST_PHRASES: readonly string[] = [
  'greylist',
  'graylist',
  'grey list',
  'gray list',
  'grey-list',
  'gray-list',
  'postgrey',
  'sqlgrey',
];
export const BLOCK_LIST = {
  phrases: ['spamhaus', 'spamcop', 'barracudacentral', 'blocklist', 'block list', 'blacklist', 'blocked using', 'dnsbl'],
  hint: 'The IP address this mail leaves from is on a block list, and the reply says on which. Ask for its removal there, or leave through another server.',
} as const;

/** What servers say in plain words where their codes do not tell: read behind all codes. */
// biome-ignore format: a rule is a row
export const TEXT_RULES: readonly ReplyRule[] = [
  { id: 'greylist', codes: [450, 451], phrases: GREYLIST_PHRASES, blame: 'recipient', action: 'greylist' },
  { id: 'too-many-recipients', codes: [452, 552], phrases: ['too many recipients', 'too many rcpt'], blame: 'session', action: 'reconnect' },
  { id: 'mailbox-full-text', codes: [450, 452, 550, 552], phrases: ['mailbox full', 'mailbox is full', 'over quota', 'quota exceeded', 'overquota'],
    blame: 'recipient', action: 'retry', waitMs: HOUR_MS },
  { id: 'rate-text', codes: DEFERRED, phrases: ['rate limit', 'ratelimit', 'too many messages', 'too much mail', 'sending too fast', 'throttl', 'sending limit', 'slow down'],
    blame: 'account', action: 'throttle' },
  { id: 'quota-text', codes: REFUSED, phrases: ['sending limit', 'sending quota', 'submission quota'], blame: 'account', action: 'throttle', waitMs: HOUR_MS },
  { id: 'block-list', phrases: BLOCK_LIST.phrases, blame: 'source', action: 'pause', hint: BLOCK_LIST.hint },
  { id: 'dmarc-text', codes: REFUSED, phrases: ['dmarc'], blame: 'identity', action: 'pause', hint: 'SPF or DKIM has to pass for {domain} itself, the domain in From (DMARC).' },
  // Without an enhanced code such words are no proof that the address is dead, so no other mail to it is given up for them.
  { id: 'unknown-user', codes: [550, 551, 553], phrases: ['user unknown', 'unknown user', 'no such user', 'user not found', 'mailbox not found', 'does not exist', 'invalid recipient'],
    blame: 'recipient', action: 'reject', hint: 'Check the address of the recipient.' },
  { id: 'content-text', codes: REFUSED, phrases: ['spam', 'virus', 'malware', 'phishing', 'content', 'suspicious'],
    blame: 'message', action: 'reject', hint: 'The server dislikes what this mail says or links to.' },
];

/** By the first digit (RFC 5321 section 4.2.1), so every reply has a meaning. A 5 that no rule knows ends the mail and accuses no address. */
// biome-ignore format: a rule is a row
export const DEFAULT_RULES: readonly ReplyRule[] = [
  // At RCPT a 552 can't be about the size of a message the server has not seen: read as 452 (RFC 5321 section 4.5.3.1.10).
  { id: 'too-many-recipients-552', codes: [552], phases: ['rcpt'], blame: 'session', action: 'reconnect' },
  { id: 'closing', codes: [421], blame: 'site', action: 'retry', isPeerFailure: true },
  { id: 'deferred', codes: DEFERRED, blame: 'message', action: 'retry' },
  { id: 'permanent', codes: REFUSED, blame: 'message', action: 'reject' },
];

/** A reply that is no refusal where only a refusal ends an attempt, such as a second 354: the server is out of step. */
export const NO_REFUSAL: ReplyRule = { id: 'no-refusal', codes: [[200, 399]], blame: 'session', action: 'retry' };
