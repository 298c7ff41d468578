import type { DoubtCause } from '../model/outcome.ts';
import type { ConnectionFacts, Phase, RecipientReply, Reply, Report } from '../model/reply.ts';
import { askedWaitMs } from './classify/asked-wait.ts';
import { failureRule } from './classify/failure.ts';
import { providerOf } from './classify/providers.ts';
import { firstRule, hear, type ReplyRule, type Rule } from './classify/rule.ts';
import { SESSION_RULES } from './classify/session.ts';
import { STATUS_RULES } from './classify/status.ts';
import { DEFAULT_RULES, NO_REFUSAL, TEXT_RULES } from './classify/text.ts';

export type Verdict =
  /** Taken for every recipient but those turned down one by one. */
  | { readonly kind: 'taken'; readonly turnedDown: readonly TurnedDown[] }
  /** Taken for nobody, and not for the same reason everywhere. */
  | { readonly kind: 'turned-down'; readonly recipients: readonly TurnedDown[] }
  /** Taken for nobody, for one reason. */
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'doubt'; readonly cause: DoubtCause }
  /** Ended before the commit by ourselves. */
  | { readonly kind: 'stopped'; readonly by: 'commit' | 'signal' };

/** What a definite "not taken" means for one recipient, or for all. */
export interface Refusal {
  /** Says who is to blame and what to do; docs/reference/replies.md has them all. */
  readonly rule: Rule;
  /** How long the peer's own words ask us to wait; 0 when they do not. */
  readonly askedMs: number;
  /** The address is dead: further mail to it is not worth sending. */
  readonly suppresses: boolean;
}

export interface TurnedDown extends RecipientReply {
  readonly refusal: Refusal;
}

/**
 * From what a transport saw to what it means. The phase comes before everything else: after the commit without a reply it
 * is doubt, and no rule may override that (RFC 1047; RFC 5321 section 4.5.3.2.6). A reply to the dot is no doubt: a 4 or a 5
 * there says that nothing was taken (RFC 5321 section 4.2.5).
 */
export function classify(report: Report): Verdict {
  switch (report.kind) {
    case 'accepted':
      return { kind: 'taken', turnedDown: turnedDown(report.refused, report.facts) };
    case 'refused':
      // The whole transaction can end at RCPT (421, say) before any recipient was told anything: the one reply stands for all.
      return report.phase === 'rcpt' && report.refused.length > 0
        ? { kind: 'turned-down', recipients: turnedDown(report.refused, report.facts) }
        : { kind: 'refused', refusal: refusalOf(report.phase, report.reply, report.facts) };
    case 'failed':
      return { kind: 'refused', refusal: refusal(failureRule({ ...report, isReused: report.facts.isReused }), 0) };
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

function turnedDown(recipients: readonly RecipientReply[], facts: ConnectionFacts): readonly TurnedDown[] {
  return recipients.map((recipient) => ({ ...recipient, refusal: refusalOf('rcpt', recipient.reply, facts) }));
}

/** Beware of the order: providers use codes of the registry for things of their own, so their rules come before it. */
function refusalOf(phase: Phase, reply: Reply, facts: ConnectionFacts): Refusal {
  const heard = hear(phase, reply, facts.isReused);
  const own = firstRule(providerOf(facts.peer)?.rules ?? [], heard);
  return refusal(own ?? firstRule(GENERAL_RULES, heard) ?? NO_REFUSAL, askedWaitMs(heard.text));
}

const GENERAL_RULES: readonly ReplyRule[] = [...SESSION_RULES, ...STATUS_RULES, ...TEXT_RULES, ...DEFAULT_RULES];

function refusal(rule: Rule, askedMs: number): Refusal {
  return { rule, askedMs, suppresses: rule.action === 'bounce' };
}
