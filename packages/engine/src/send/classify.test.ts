import { expect, it } from 'vitest';
import type { Phase, Report } from '../model/reply.ts';
import { classify, type Verdict } from './classify.ts';
import { FAILURE_RULES, NETWORK_FAILURE } from './classify/failure.ts';
import { PROVIDERS } from './classify/providers.ts';
import { SESSION_RULES } from './classify/session.ts';
import { STATUS_RULES } from './classify/status.ts';
import { DEFAULT_RULES, NO_REFUSAL, TEXT_RULES } from './classify/text.ts';

const FACTS = { peer: 'mx.example:25', tls: 'none', isReused: false, durationMs: 5 };
const REUSED = { ...FACTS, isReused: true };

function refusedAt(phase: Phase, code: number, text = 'no', facts = FACTS): Report {
  return { kind: 'refused', phase, reply: { code, text }, refused: [], facts };
}

/** Who is to blame, and what to do. */
function meaning(verdict: Verdict): string {
  if (verdict.kind !== 'refused') return verdict.kind;
  const { blame, action } = verdict.refusal.rule;
  return `${blame} ${action}`;
}

it.each([
  ['421 as greeting', refusedAt('greeting', 421), 'site throttle'],
  ['421 at EHLO', refusedAt('ehlo', 421), 'site throttle'],
  ['421 at MAIL on a connection that was kept', refusedAt('mail', 421, 'idle', REUSED), 'session reconnect'],
  ['421 at MAIL on a new connection', refusedAt('mail', 421), 'site retry'],
  ['421 after the dot', refusedAt('dot', 421), 'site retry'],
  ['451 after the dot', refusedAt('dot', 451), 'message retry'],
  ['451 with a greylist text', refusedAt('dot', 451, '4.7.1 Greylisted, try later'), 'recipient greylist'],
  ['550 with a greylist text', refusedAt('dot', 550, 'greylisting disabled'), 'message reject'],
  ['554 as greeting', refusedAt('greeting', 554), 'site retry'],
  ['554 as greeting that names a block list', refusedAt('greeting', 554, '5.7.1 blocked using zen.spamhaus.org'), 'source pause'],
  ['535 at AUTH', refusedAt('auth', 535), 'account pause'],
  ['454 at AUTH', refusedAt('auth', 454), 'account throttle'],
  ['454 at STARTTLS', refusedAt('starttls', 454, 'TLS not available'), 'site network'],
  ['530 at MAIL', refusedAt('mail', 530, 'authentication required'), 'account pause'],
  ['530 at MAIL that asks for TLS', refusedAt('mail', 530, '5.7.0 Must issue a STARTTLS command first'), 'local pause'],
  ['550 after the dot', refusedAt('dot', 550), 'message reject'],
  ['503 at RCPT', refusedAt('rcpt', 503, 'bad sequence'), 'session reconnect'],
  ['552 at RCPT', refusedAt('rcpt', 552), 'session reconnect'],
  ['552 after the dot', refusedAt('dot', 552), 'message reject'],
  ['429 of an HTTP provider', refusedAt('dot', 429, 'Retry-After: 30'), 'account throttle'],
  ['354 after the dot', refusedAt('dot', 354), 'session retry'],
] as const)('takes %s for what it is', (_, report, expected) => {
  expect(meaning(classify(report))).toBe(expected);
});

it.each([
  ['a refused connection', 'connect', 'refused', FACTS, 'site network'],
  ['a cut inside the body', 'body', 'cut', FACTS, 'site network'],
  ['a cut at MAIL on a new connection', 'mail', 'cut', FACTS, 'site network'],
  ['a cut at MAIL on a kept connection', 'mail', 'cut', REUSED, 'session reconnect'],
  ['bytes or an envelope of ours that may not go on the wire', 'connect', 'unsendable', FACTS, 'local reject'],
  ['no SMTPUTF8 where it is needed', 'mail', 'missing', FACTS, 'message reject'],
  ['no AUTH where it is needed', 'auth', 'missing', FACTS, 'local pause'],
  ['a sender without a transport', 'connect', 'missing', FACTS, 'local pause'],
] as const)('takes %s for what it is', (_, phase, cause, facts, expected) => {
  expect(meaning(classify({ kind: 'failed', phase, cause, detail: '', facts }))).toBe(expected);
});

it.each(['cut', 'timeout', 'malformed'] as const)('calls silence after the dot a doubt, never a failure: %s', (cause) => {
  expect(classify({ kind: 'unknown', cause, detail: '', facts: REUSED })).toEqual({ kind: 'doubt', cause });
});

it('judges each refused recipient by its own reply', () => {
  const refused = [
    { address: 'a@example.com', reply: { code: 450, text: 'greylisted' } },
    { address: 'b@example.com', reply: { code: 550, text: 'unknown' } },
    { address: 'c@example.com', reply: { code: 552, text: 'too many recipients' } },
  ];
  const report: Report = { kind: 'refused', phase: 'rcpt', reply: { code: 554, text: 'no recipients' }, refused, facts: FACTS };
  expect(classify(report)).toMatchObject({
    kind: 'turned-down',
    recipients: [
      { address: 'a@example.com', refusal: { rule: { action: 'greylist' } } },
      { address: 'b@example.com', refusal: { rule: { action: 'reject' } } },
      { address: 'c@example.com', refusal: { rule: { action: 'reconnect' } } },
    ],
  });
});

it('has a meaning for every reply in every phase, and names each rule once', () => {
  const phases: readonly Phase[] = ['connect', 'greeting', 'ehlo', 'starttls', 'auth', 'mail', 'rcpt', 'data', 'body', 'dot'];
  const verdicts = phases.flatMap((phase) => Array.from({ length: 400 }, (_, n) => classify(refusedAt(phase, 200 + n))));
  expect(verdicts.filter(({ kind }) => kind !== 'refused')).toEqual([]);
  const general = [...SESSION_RULES, ...STATUS_RULES, ...TEXT_RULES, ...DEFAULT_RULES, NO_REFUSAL, ...FAILURE_RULES, NETWORK_FAILURE];
  const ids = [...PROVIDERS.flatMap(({ rules }) => rules), ...general].map(({ id }) => id);
  expect(ids.length).toBeGreaterThan(80);
  expect(new Set(ids).size).toBe(ids.length);
});
