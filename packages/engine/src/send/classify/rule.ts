import type { Phase, Reply } from '../../model/reply.ts';

/**
 * What replies mean, as data. What belongs here: one file for each provider and each general table, and how a rule is
 * matched. What does not: what follows from a meaning, which is `decide.ts` and what it calls. Every rule here is a row of
 * docs/reference/replies.md and of the table in `classify.test.ts`. To teach Shoal a new reply, add a row to the file of the
 * provider that says it; a row of a general table changes the meaning for everybody else too.
 */
export interface ReplyRule extends Rule {
  /** Base codes; all that refuse when absent. */
  readonly codes?: readonly CodeRange[];
  /** Subject and detail of an enhanced code (RFC 3463), or a range of details: `7.28`, `7.606-649`. The class is that of the base code. */
  readonly status?: readonly string[];
  readonly phases?: readonly Phase[];
  readonly onReusedOnly?: true;
  /** Any of these in the text, written in lower case with single spaces: plain phrases, since the text is a stranger's. */
  readonly phrases?: readonly string[];
}

type CodeRange = number | readonly [from: number, to: number];

/** What is known of a reply or a silence once it was told which one it is. */
export interface Rule {
  readonly id: string;
  readonly blame: Blame;
  readonly action: Action;
  /** Known to be right for this reply, longer than what its action would wait. */
  readonly waitMs?: number;
  /** The peer allows fewer connections at once than it saw. */
  readonly isCrowd?: true;
  /** The peer turns everybody away, not this mail: it counts against its health. */
  readonly isPeerFailure?: true;
  /** A second such failure is definite. */
  readonly onceOnly?: true;
  /** Of a reconnect: times in a row before it counts as a failure; `RECONNECTS_MAX` unless set. */
  readonly reconnectsMax?: number;
  /** What a person can do about it; `{domain}` is the domain the mail is from. */
  readonly hint?: string;
}

/**
 * Who or what is to blame. `recipient`, `message`: this mail alone. `identity`: the domain it is from (SPF, DKIM, DMARC).
 * `account`: our login or its quota. `source`: our IP address. `site`: the peer. `session`: this connection. `local`: our
 * own settings.
 */
export type Blame = 'recipient' | 'message' | 'identity' | 'account' | 'source' | 'site' | 'session' | 'local';

/**
 * What a "not taken" asks for. `bounce`: this address takes no mail; it ends, and the address is not worth another mail.
 * `reject`: this mail is not wanted; it ends. `retry`: later, counted. `throttle`: whoever is to blame slows down, uncounted.
 * `greylist`: later, counted once. `reconnect`: at once on another connection, uncounted. `pause`: whoever is to blame stands
 * still until somebody mends it, uncounted. `network`: later, counted, the peer to blame.
 */
export type Action = 'bounce' | 'reject' | 'retry' | 'throttle' | 'greylist' | 'reconnect' | 'pause' | 'network';

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DEFERRED: readonly CodeRange[] = [[400, 499]];
export const REFUSED: readonly CodeRange[] = [[500, 599]];

/** A reply as the rules read it. */
export interface Heard {
  readonly phase: Phase;
  readonly isReused: boolean;
  readonly code: number;
  /** `7.28` of 4.7.28; absent when the server gave none. */
  readonly status?: { readonly subject: number; readonly detail: number };
  /** Lower case, white space folded. */
  readonly text: string;
}

/** At the head of a text (RFC 2034 section 4). */
export const ENHANCED_CODE = /^[245]\.(\d{1,3})\.(\d{1,3})\b/;

export function hear(phase: Phase, reply: Reply, isReused: boolean): Heard {
  const text = reply.text.toLowerCase().replace(/\s+/g, ' ').trim();
  // Where the class digits differ, the base code is the one that every server gets right.
  const [, subject, detail] = ENHANCED_CODE.exec(reply.enhanced ?? text) ?? [];
  const status = subject !== undefined && detail !== undefined && { subject: Number(subject), detail: Number(detail) };
  return { phase, isReused, code: reply.code, text, ...(status !== false && { status }) };
}

/** The first rule that fits; the order of a table matters. */
export function firstRule(rules: readonly ReplyRule[], heard: Heard): ReplyRule | undefined {
  return rules.find(
    ({ codes, status, phases, onReusedOnly, phrases }) =>
      (codes === undefined ? heard.code >= 400 : codes.some((range) => isInRange(heard.code, range))) &&
      (status === undefined || status.some((range) => hasStatus(heard, range))) &&
      (phases === undefined || phases.includes(heard.phase)) &&
      (onReusedOnly === undefined || heard.isReused) &&
      (phrases === undefined || phrases.some((phrase) => heard.text.includes(phrase))),
  );
}

function isInRange(code: number, range: CodeRange): boolean {
  return typeof range === 'number' ? code === range : range[0] <= code && code <= range[1];
}

function hasStatus({ status }: Heard, range: string): boolean {
  if (status === undefined) return false;
  const [subject = '', details = ''] = range.split('.');
  const [from, to = from] = details.split('-').map(Number);
  return from !== undefined && to !== undefined && status.subject === Number(subject) && from <= status.detail && status.detail <= to;
}
