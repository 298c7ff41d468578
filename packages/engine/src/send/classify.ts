import type { DoubtCause, FailureClass } from '../model/outcome.ts';
import type { FailureCause, Phase, RecipientReply, Reply, Report } from '../model/reply.ts';

/** What a definite "not taken" means for one recipient, or for all. */
export type Refusal =
  | { readonly kind: 'later'; readonly failure: FailureClass; readonly rule: string }
  | { readonly kind: 'never'; readonly rule: string }
  /** Not the mail's fault: it waits without being counted. */
  | { readonly kind: 'wait'; readonly cause: WaitCause; readonly rule: string };

/** `session`: this connection or server just now. `account`: our credentials or settings, so every mail of the sender waits. */
export type WaitCause = 'session' | 'account';

export type Verdict =
  /** Taken for every recipient but those turned down one by one. */
  | { readonly kind: 'taken'; readonly turnedDown: readonly TurnedDown[] }
  /** Taken for nobody, and not for the same reason everywhere. */
  | { readonly kind: 'turned-down'; readonly recipients: readonly TurnedDown[] }
  | Refusal
  | { readonly kind: 'doubt'; readonly cause: DoubtCause }
  /** Ended before the commit by ourselves. */
  | { readonly kind: 'stopped'; readonly by: 'commit' | 'signal' };

export interface TurnedDown extends RecipientReply {
  readonly refusal: Refusal;
}

/**
 * From what a transport saw to what it means. The phase comes before everything else: after the commit without a reply it
 * is doubt, and no rule may override that (RFC 1047; RFC 5321 section 4.5.3.2.6).
 */
export function classify(report: Report): Verdict {
  switch (report.kind) {
    case 'accepted':
      return { kind: 'taken', turnedDown: report.refused.map(turnedDown) };
    case 'refused':
      return report.phase === 'rcpt' ? ofRecipients(report) : ofReply(report.phase, report.reply, report.facts.isReused);
    case 'failed':
      return ofFailure(report.phase, report.cause, report.facts.isReused);
    case 'unknown':
      return { kind: 'doubt', cause: report.cause };
    case 'withheld':
      return { kind: 'stopped', by: 'commit' };
    case 'aborted':
      return { kind: 'stopped', by: 'signal' };
    default:
      return report satisfies never;
  }
}

type Means = { readonly later: FailureClass } | { readonly never: true } | { readonly wait: WaitCause };

interface ReplyRule {
  readonly id: string;
  readonly codes: readonly [from: number, to: number];
  readonly phases?: readonly Phase[];
  readonly onReusedOnly?: true;
  /** Any of these in the text, letter case aside. Linear-time patterns only: the text is a stranger's. */
  readonly text?: RegExp;
  readonly means: Means;
}

const OPENING: readonly Phase[] = ['connect', 'greeting', 'ehlo', 'starttls'];

/**
 * First match wins; the order matters. The last three are the defaults by the first digit (RFC 5321 section 4.2.1), so every
 * reply has a meaning. `docs/reference/providers.md` section 5 has the whole table these rows grow into.
 */
export const REPLY_RULES: readonly ReplyRule[] = [
  // What we are, not what we send: the same mail passes once the account is mended, so no attempt is used up.
  { id: 'auth-refused', codes: [400, 599], phases: ['auth'], means: { wait: 'account' } },
  { id: 'auth-wanted', codes: [530, 530], phases: ['ehlo', 'starttls', 'mail'], means: { wait: 'account' } },
  { id: 'auth-invalid', codes: [534, 538], phases: ['ehlo', 'starttls', 'mail'], means: { wait: 'account' } },
  // The server is busy or going down (RFC 5321 section 3.8); it says so before it knows anything of the mail.
  { id: 'busy-at-opening', codes: [421, 421], phases: OPENING, means: { wait: 'session' } },
  // An idle connection that the server closes just when we use it again (RFC 5321 section 4.5.3.2.7).
  { id: 'idle-closed', codes: [421, 421], phases: ['mail'], onReusedOnly: true, means: { wait: 'session' } },
  // RFC 5321 section 3.1 lets a server refuse us as a whole; it did not judge this mail, so the mail is not dead of it.
  { id: 'opening-refused', codes: [400, 599], phases: OPENING, means: { later: 'deferred' } },
  { id: 'greylist', codes: [450, 451], text: /gr[ae]y[ -]?list|postgrey|sqlgrey/i, means: { later: 'greylist' } },
  // Too many recipients, not a bad one: read as 452 (RFC 5321 section 4.5.3.1.10).
  { id: 'too-many-recipients', codes: [552, 552], phases: ['rcpt'], means: { later: 'deferred' } },
  { id: 'deferred', codes: [400, 499], means: { later: 'deferred' } },
  { id: 'permanent', codes: [500, 599], means: { never: true } },
  { id: 'no-refusal', codes: [200, 399], means: { later: 'deferred' } },
];

function ofReply(phase: Phase, reply: Reply, isReused: boolean): Refusal {
  const rule = REPLY_RULES.find(
    ({ codes: [from, to], phases, onReusedOnly, text }) =>
      from <= reply.code &&
      reply.code <= to &&
      (phases?.includes(phase) ?? true) &&
      (onReusedOnly === undefined || isReused) &&
      (text?.test(reply.text) ?? true),
  );
  return rule === undefined ? { kind: 'later', failure: 'deferred', rule: 'no-rule' } : refusalOf(rule.id, rule.means);
}

interface FailureRule {
  readonly id: string;
  readonly causes: readonly FailureCause[];
  readonly phases?: readonly Phase[];
  readonly onReusedOnly?: true;
  readonly means: Means;
}

export const FAILURE_RULES: readonly FailureRule[] = [
  // Credentials are never sent without TLS, so a server that offers none of it, or no AUTH, is a matter of settings; and so
  // is a sender without a transport, which fails before there is a connection.
  { id: 'account-unusable', causes: ['missing'], phases: ['connect', 'starttls', 'auth'], means: { wait: 'account' } },
  // SMTPUTF8, 8BITMIME or SIZE (RFC 6531 section 3.2, RFC 1870 section 6.1): this server will never take this message.
  { id: 'cannot-carry', causes: ['missing'], means: { never: true } },
  // Our own bytes or envelope may not go on the wire, and never will.
  { id: 'unsendable', causes: ['unsendable'], means: { never: true } },
  // A kept connection that turned out dead says nothing about the server: a new one is tried at once.
  { id: 'stale-connection', causes: ['cut'], phases: ['mail'], onReusedOnly: true, means: { wait: 'session' } },
  { id: 'network', causes: ['refused', 'timeout', 'cut', 'dns', 'tls', 'malformed'], means: { later: 'network' } },
];

function ofFailure(phase: Phase, cause: FailureCause, isReused: boolean): Refusal {
  const rule = FAILURE_RULES.find(
    ({ causes, phases, onReusedOnly }) =>
      causes.includes(cause) && (phases?.includes(phase) ?? true) && (onReusedOnly === undefined || isReused),
  );
  return rule === undefined ? { kind: 'later', failure: 'network', rule: 'no-rule' } : refusalOf(rule.id, rule.means);
}

function refusalOf(rule: string, means: Means): Refusal {
  if ('later' in means) return { kind: 'later', failure: means.later, rule };
  if ('wait' in means) return { kind: 'wait', cause: means.wait, rule };
  return { kind: 'never', rule };
}

function turnedDown(recipient: RecipientReply): TurnedDown {
  return { ...recipient, refusal: ofReply('rcpt', recipient.reply, false) };
}

function ofRecipients(report: Extract<Report, { kind: 'refused' }>): Verdict {
  // The whole transaction ended at RCPT (421, say) and no recipient was told anything: the one reply stands for all.
  if (report.refused.length === 0) return ofReply('rcpt', report.reply, report.facts.isReused);
  return { kind: 'turned-down', recipients: report.refused.map(turnedDown) };
}
