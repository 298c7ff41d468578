import { expect, it } from 'vitest';
import type { Phase, Report } from '../model/reply.ts';
import { classify, FAILURE_RULES, REPLY_RULES } from './classify.ts';

const FACTS = { peer: 'mx.example:25', tls: 'none', isReused: false, durationMs: 5 };
const REUSED = { ...FACTS, isReused: true };

function refusedAt(phase: Phase, code: number, text = 'no', facts = FACTS): Report {
  return { kind: 'refused', phase, reply: { code, text }, refused: [], facts };
}

it.each([
  ['421 as greeting', refusedAt('greeting', 421), { kind: 'wait', cause: 'session' }],
  ['421 at EHLO', refusedAt('ehlo', 421), { kind: 'wait', cause: 'session' }],
  ['421 at MAIL on a connection that was kept', refusedAt('mail', 421, 'idle', REUSED), { kind: 'wait', cause: 'session' }],
  ['421 at MAIL on a new connection', refusedAt('mail', 421), { kind: 'later', failure: 'deferred' }],
  ['421 after the dot', refusedAt('dot', 421), { kind: 'later', failure: 'deferred' }],
  ['451 after the dot', refusedAt('dot', 451), { kind: 'later', failure: 'deferred' }],
  ['451 with a greylist text', refusedAt('dot', 451, '4.7.1 Greylisted, try later'), { kind: 'later', failure: 'greylist' }],
  ['550 with a greylist text', refusedAt('dot', 550, 'greylisting disabled'), { kind: 'never' }],
  ['554 as greeting', refusedAt('greeting', 554), { kind: 'later', failure: 'deferred' }],
  ['535 at AUTH', refusedAt('auth', 535), { kind: 'wait', cause: 'account' }],
  ['454 at AUTH', refusedAt('auth', 454), { kind: 'wait', cause: 'account' }],
  ['530 at MAIL', refusedAt('mail', 530, 'authentication required'), { kind: 'wait', cause: 'account' }],
  ['550 after the dot', refusedAt('dot', 550), { kind: 'never' }],
  ['354 after the dot', refusedAt('dot', 354), { kind: 'later', failure: 'deferred' }],
] as const)('takes %s for what it is', (_, report, verdict) => {
  expect(classify(report)).toMatchObject(verdict);
});

it.each([
  ['a refused connection', 'connect', 'refused', FACTS, { kind: 'later', failure: 'network' }],
  ['a cut inside the body', 'body', 'cut', FACTS, { kind: 'later', failure: 'network' }],
  ['a cut at MAIL on a new connection', 'mail', 'cut', FACTS, { kind: 'later', failure: 'network' }],
  ['a cut at MAIL on a kept connection', 'mail', 'cut', REUSED, { kind: 'wait', cause: 'session' }],
  ['bytes or an envelope of ours that may not go on the wire', 'connect', 'unsendable', FACTS, { kind: 'never' }],
  ['no SMTPUTF8 where it is needed', 'mail', 'missing', FACTS, { kind: 'never' }],
  ['no AUTH where it is needed', 'auth', 'missing', FACTS, { kind: 'wait', cause: 'account' }],
] as const)('takes %s for what it is', (_, phase, cause, facts, verdict) => {
  expect(classify({ kind: 'failed', phase, cause, detail: '', facts })).toMatchObject(verdict);
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
      { address: 'a@example.com', refusal: { kind: 'later', failure: 'greylist' } },
      { address: 'b@example.com', refusal: { kind: 'never' } },
      { address: 'c@example.com', refusal: { kind: 'later', failure: 'deferred' } },
    ],
  });
});

it('has a meaning for every reply in every phase, and names each rule once', () => {
  const phases: readonly Phase[] = ['connect', 'greeting', 'ehlo', 'starttls', 'auth', 'mail', 'rcpt', 'data', 'body', 'dot'];
  const rules = phases.flatMap((phase) => Array.from({ length: 400 }, (_, n) => classify(refusedAt(phase, 200 + n))));
  expect(rules).not.toContainEqual(expect.objectContaining({ rule: 'no-rule' }));
  const ids = [...REPLY_RULES, ...FAILURE_RULES].map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});
