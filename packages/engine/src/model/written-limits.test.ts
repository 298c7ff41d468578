import { expect, it } from 'vitest';
import type { LimitRule } from './limit.ts';
import { checkedLimits, limitsOf, type WrittenLimits, withLimits } from './written-limits.ts';

const refuse = (at: string, problem: string): Error => new Error(`${at} ${problem}`);
const limits = (written: unknown): ReturnType<typeof limitsOf> => limitsOf(checkedLimits(written, refuse), { idleMs: 5_000 });
const rows = (rules: readonly LimitRule[]): readonly unknown[] =>
  rules.map(({ unit, max, windowMs, marginMs }) => [unit, max, windowMs, marginMs]);

it('turns what a person writes into rules, with a margin for long windows', () => {
  const written: WrittenLimits = {
    perSecond: 1,
    perMinute: { messages: 30, recipients: 60 },
    perHour: { newRecipients: 10 },
    perDay: { uniqueExternalRecipients: 2_000 },
    connections: 3,
    pace: { perMinute: 90, burst: 5 },
    ownDomains: ['Example.COM'],
  };
  const { rules, ...rest } = limits(written);
  expect(rows(rules)).toEqual([
    ['messages', 1, 1_000, 0],
    ['messages', 30, 60_000, 0],
    ['recipients', 60, 60_000, 0],
    ['newRecipients', 10, 3_600_000, 60_000],
    ['uniqueExternalRecipients', 2_000, 86_400_000, 60_000],
  ]);
  expect(rest).toEqual({ pace: { everyMs: 667, burst: 5 }, connections: { max: 3, idleMs: 5_000 }, ownDomains: ['example.com'] });
});

it('takes a margin of its own, 0 included', () => {
  expect(rows(limits({ perDay: 5, perSecond: 2, marginMs: 0 }).rules)).toEqual([
    ['messages', 2, 1_000, 0],
    ['messages', 5, 86_400_000, 0],
  ]);
});

it('means nothing when nothing is written', () => {
  expect(limits({})).toEqual({ rules: [] });
});

it.each([
  [5, ' must be one object such as { perDay: 2000 }, got 5'],
  [null, ' must be one object such as { perDay: 2000 }, got null'],
  [{ perDay: 0 }, 'perDay must be a whole number from 1 to 1000000000, got 0'],
  [{ perDay: Number.NaN }, 'perDay must be a whole number from 1 to 1000000000, got NaN'],
  [{ perDay: 1.5 }, 'perDay must be a whole number from 1 to 1000000000, got 1.5'],
  [{ perDay: -1 }, 'perDay must be a whole number from 1 to 1000000000, got -1'],
  [{ perDay: Number.POSITIVE_INFINITY }, 'perDay must be a whole number from 1 to 1000000000, got Infinity'],
  [{ perDay: '5' }, 'perDay must be a number of messages, or one object such as { messages: 100, recipients: 500 }, got "5"'],
  [{ perDay: undefined }, 'perDay must be a number of messages, or one object such as { messages: 100, recipients: 500 }, got undefined'],
  [{ perDay: {} }, 'perDay is empty; say how many of what, or leave it out'],
  [{ perDay: { recipient: 5 } }, 'perDay.recipient is not known here; did you mean perDay.recipients?'],
  [{ perDay: { recipients: '5' } }, 'perDay.recipients must be a whole number from 1 to 1000000000, got "5"'],
  [{ perMinutes: 5 }, 'perMinutes is not known here; did you mean perMinute?'],
  [{ connections: 0 }, 'connections must be a whole number from 1 to 10000, got 0'],
  [{ marginMs: -1 }, 'marginMs must be a whole number from 0 to 3600000, got -1'],
  [{ pace: { perMinute: 60 } }, 'pace.burst must be a whole number from 1 to 1000000000, got undefined'],
  [{ pace: { perMinute: 60, brust: 1 } }, 'pace.brust is not known here; did you mean pace.burst?'],
  [{ ownDomains: 'example.com' }, 'ownDomains must be an array of at most 100 domain names, such as ["example.com"], got "example.com"'],
  [{ ownDomains: ['a b'] }, 'ownDomains must be an array of at most 100 domain names, such as ["example.com"]; "a b" is none'],
])('refuses %j by name', (written, message) => {
  expect(() => limits(written)).toThrow(new Error(message));
});

it('puts what is said in the place of the same rule, and keeps the others', () => {
  const first = limits({ perDay: 3_000 });
  const second = limits({ perDay: { messages: 2_000, recipients: 100 }, connections: 5 });
  expect(rows(withLimits(first, second).rules)).toEqual([
    ['messages', 3_000, 86_400_000, 60_000],
    ['recipients', 100, 86_400_000, 60_000],
  ]);
  expect(withLimits(first, second).connections).toEqual({ max: 5, idleMs: 5_000 });
});
