import type { FailureClass } from '../../model/outcome.ts';
import type { Reply } from '../../model/reply.ts';
import { domainOf } from '../../model/scope.ts';
import type { ChildJob, Lease } from '../../ports/ledger.ts';
import type { Refusal } from '../classify.ts';
import { deadLetter } from '../dead-letter.ts';
import { type RetrySettings, retryAfter, waitMs } from '../retry.ts';
import { duration } from './notes.ts';

/**
 * What follows from a verdict. What belongs here: what a refused mail, or the refused part of one, does next (`refusal.ts`),
 * what its refusal says about more than itself (`effects.ts`), how a mail splits by its recipients (`recipients.ts`), and the
 * words for it (`notes.ts`). What does not: what a reply means, which is `classify/`. All of it pure.
 */
export interface Refused {
  readonly refusal: Refusal;
  /** What the peer said or did, as a sentence; for those whose mail it is. */
  readonly said: string;
  /** The same without a word of the peer's, for the notes of what others share. */
  readonly shared: string;
  readonly reply?: Reply;
  /** Those whom it is about. */
  readonly recipients: readonly string[];
}

export interface Circumstances {
  readonly lease: Lease;
  readonly settings: RetrySettings;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Of the transport, where it says how it logs in. */
  readonly login?: string;
}

/** For a job of its own and for a child alike. */
export type Next = Pick<ChildJob, 'outcome' | 'note'>;

/** Times in a row a mail is tried on another connection, uncounted, before that counts as a failure. */
export const RECONNECTS_MAX = 3;

export function whatNext(refused: Refused, at: Circumstances): Next {
  const { rule } = refused.refusal;
  switch (rule.action) {
    case 'bounce':
    case 'reject':
      return ended(refused, at);
    case 'retry':
      return rule.onceOnly && (at.lease.failures.deferred ?? 0) > 0 ? ended(refused, at) : later('deferred', refused, at);
    case 'greylist':
    case 'network':
      return later(rule.action === 'network' ? 'network' : 'greylist', refused, at);
    case 'reconnect':
      return reconnect(refused, at);
    case 'throttle':
      return isAboutMailOnly(refused.refusal) ? waitAlone(refused, at) : waitForScope(refused, at);
    case 'pause':
      return waitForScope(refused, at);
    default:
      return rule.action satisfies never;
  }
}

/** Nothing but this mail is to blame, or this recipient of it. */
export function isAboutMailOnly({ rule: { blame } }: Refusal): boolean {
  return blame === 'recipient' || blame === 'message';
}

/** What the peer asked for, or what its reply is known to want. */
export function wantedMs({ rule, askedMs }: Refusal, { settings }: Pick<Circumstances, 'settings'>): number {
  return Math.max(askedMs, Math.ceil((rule.waitMs ?? 0) * settings.retryScale));
}

/** The advice of the rule, with the domain in question. */
export function hintFor({ rule }: Refusal, { lease }: Pick<Circumstances, 'lease'>): string {
  return rule.hint === undefined ? '' : ` ${rule.hint.replaceAll('{domain}', domainOf(lease.envelope.from) || 'the sender')}`;
}

function ended(refused: Refused, at: Circumstances): Next {
  return deadLetter('permanent', `${refused.said}${hintFor(refused.refusal, at)}`);
}

function later(failure: FailureClass, { refusal, said, reply, recipients }: Refused, at: Circumstances): Next {
  const { attempts, failures, failingMs, ageMs, expiresInMs } = at.lease;
  const facts = {
    failure,
    attempts: attempts + 1,
    failures,
    failingMs,
    ageMs,
    recipients,
    notBeforeMs: wantedMs(refusal, at),
    ...(reply !== undefined && { reply }),
    ...(expiresInMs !== undefined && { expiresInMs }),
  };
  const answer = retryAfter(facts, at.settings, at.random);
  if (answer.kind === 'dead') return deadLetter(answer.reason, said);
  return { outcome: { kind: 'retry', failure, delayMs: answer.delayMs }, note: `${said} Tried again in ${duration(answer.delayMs)}.` };
}

function reconnect(refused: Refused, at: Circumstances): Next {
  const { rule } = refused.refusal;
  // The ledger lets fewer go at once from here on, so this ends by itself however many were turned away together.
  if (rule.isCrowd) return uncounted('throttled', waitMs('crowd', at.settings.retryScale, at.random), refused, at);
  if (at.lease.busyReleases >= (rule.reconnectsMax ?? RECONNECTS_MAX)) return later('deferred', refused, at);
  return uncounted('busy', waitMs('reconnect', at.settings.retryScale, at.random), refused, at);
}

function waitAlone(refused: Refused, at: Circumstances): Next {
  const delayMs = Math.max(wantedMs(refused.refusal, at), waitMs('alone', at.settings.retryScale, at.random));
  const { expiresInMs } = at.lease;
  if (expiresInMs !== undefined && delayMs >= expiresInMs) return deadLetter('expired', refused.said);
  return uncounted('throttled', delayMs, refused, at);
}

/**
 * It is the sender or the domain that waits, as `effectsOf` says to the ledger in the same act. So the mail needs no wait of
 * its own: with one it would lose its place to all that is queued behind it.
 */
function waitForScope(refused: Refused, at: Circumstances): Next {
  return uncounted('throttled', 0, refused, at);
}

function uncounted(why: 'busy' | 'throttled', delayMs: number, { refusal, said }: Refused, at: Circumstances): Next {
  const note = `${said} Not the mail's fault (${refusal.rule.id}), so it is not counted.${hintFor(refusal, at)}`;
  return { outcome: { kind: 'release', why, delayMs }, note };
}
