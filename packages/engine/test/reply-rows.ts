import { FAILURE_RULES, type FailureRule, NETWORK_FAILURE } from '../src/send/classify/failure.ts';
import { PROVIDERS } from '../src/send/classify/providers.ts';
import type { ReplyRule, Rule } from '../src/send/classify/rule.ts';
import { SESSION_RULES } from '../src/send/classify/session.ts';
import { STATUS_RULES } from '../src/send/classify/status.ts';
import { DEFAULT_RULES, NO_REFUSAL, TEXT_RULES } from '../src/send/classify/text.ts';

/** The rules of the reply classifier as rows of docs/reference/replies.md, in the order they are asked. */
export function replyRows(): string[][] {
  const general = [...SESSION_RULES, ...STATUS_RULES, ...TEXT_RULES, ...DEFAULT_RULES, NO_REFUSAL];
  return [
    ...PROVIDERS.flatMap(({ name, rules }) => rules.map((rule) => row(name, replyOf(rule), rule))),
    ...general.map((rule) => row('any', replyOf(rule), rule)),
    ...[...FAILURE_RULES, NETWORK_FAILURE].map((rule) => row('any', silenceOf(rule), rule)),
  ];
}

function row(server: string, seen: string, rule: Rule): string[] {
  return [
    `\`${rule.id}\``,
    server,
    seen,
    rule.blame,
    whatFollows(rule),
    rule.waitMs === undefined ? '-' : duration(rule.waitMs),
    rule.hint ?? '-',
  ];
}

function replyOf({ codes, status, phases, onReusedOnly, phrases }: ReplyRule): string {
  return [
    codes === undefined ? '4xx, 5xx' : codes.map((code) => (typeof code === 'number' ? String(code) : rangeOf(code))).join(', '),
    status?.map((each) => `x.${each}`).join(', ') ?? '',
    whenOf(phases, onReusedOnly),
    phrases === undefined ? '' : `with ${phrases.map((phrase) => `"${phrase}"`).join(' or ')}`,
  ]
    .filter((part) => part !== '')
    .join('; ');
}

function silenceOf({ causes, phases, onReusedOnly }: FailureRule): string {
  return ['no reply', causes.join(', '), whenOf(phases, onReusedOnly)].filter((part) => part !== '').join('; ');
}

function whenOf(phases: readonly string[] | undefined, onReusedOnly: true | undefined): string {
  const when = phases === undefined ? '' : `at ${phases.join(', ')}`;
  return onReusedOnly ? `${when} on a kept connection`.trim() : when;
}

function rangeOf([from, to]: readonly [number, number]): string {
  return from % 100 === 0 && to === from + 99 ? `${from / 100}xx` : `${from}-${to}`;
}

function whatFollows({ action, isCrowd, onceOnly, reconnectsMax }: Rule): string {
  if (isCrowd) return `${action}, on fewer connections`;
  if (onceOnly) return `${action}, once`;
  return reconnectsMax === undefined ? action : `${action}, ${reconnectsMax} in a row`;
}

function duration(ms: number): string {
  if (ms < 60_000) return `${ms / 1_000} s`;
  return ms < 3_600_000 ? `${Math.round(ms / 60_000)} min` : `${ms / 3_600_000} h`;
}
