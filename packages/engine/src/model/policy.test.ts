import { expect, it } from 'vitest';
import { checkedCaps, limitsOfCaps } from './caps.ts';
import { checkedPolicy, verdictOn } from './policy.ts';

const refuse = (at: string, problem: string): Error => new Error(`${at} ${problem}`);

it('P6: reads a policy with a missing list as the strictest one', () => {
  expect(checkedPolicy({ recipients: 'listed' }, refuse)).toEqual({ recipients: 'listed', allow: [] });
  expect(verdictOn({ recipients: 'listed', allow: [] }, 'ada@example.com')).toBe('refuse');
  expect(verdictOn({ recipients: 'reply-only', allow: [] }, 'ada@example.com')).toBe('ask');
  expect(verdictOn({ recipients: 'anybody' }, 'ada@example.com')).toBe('pass');
});

it.each([
  ['ada@example.com', 'ADA@example.COM', 'pass'],
  ['ada@example.com', 'ada@example.com.example.net', 'refuse'],
  ['example.com', 'ada@example.com', 'pass'],
  ['example.com', 'ada@sub.example.com', 'refuse'],
  ['example.com', 'ada@notexample.com', 'refuse'],
  ['xn--bcher-kva.example', 'ada@xn--bcher-kva.example', 'pass'],
  ['jörg@example.com', 'jörg@example.com', 'pass'],
  ['*.example.com', 'ada@sub.example.com', 'pass'],
  ['*.example.com', 'ada@a.b.example.com', 'pass'],
  ['*.example.com', 'ada@example.com', 'refuse'],
  ['*.example.com', 'ada@evilexample.com', 'refuse'],
])('P6: with %s on the list, %s is to %s', (entry, address, verdict) => {
  const policy = checkedPolicy({ recipients: 'listed', allow: [entry] }, refuse);
  expect(verdictOn(policy, address)).toBe(verdict);
});

it.each([
  [[], 'must be an object such as'],
  [{ recipients: 'some' }, 'recipients must be one of anybody, listed, reply-only'],
  [{}, 'recipients must be one of'],
  [{ recipients: 'anybody', allow: ['example.com'] }, 'allow is a list, and anybody needs none'],
  [{ recipients: 'listed', alow: ['example.com'] }, 'alow is not known here'],
  [{ recipients: 'listed', allow: 'example.com' }, 'allow must be an array'],
  [{ recipients: 'listed', allow: ['*'] }, 'allow.0 must be an address'],
  [{ recipients: 'listed', allow: ['example.com', 'a@*.example.com'] }, 'allow.1 must be an address'],
  [{ recipients: 'listed', allow: ['@example.com'] }, 'allow.0 must be'],
  [{ recipients: 'listed', allow: ['bücher.example'] }, 'other scripts as xn--'],
  [{ recipients: 'listed', allow: ['example.com.'] }, 'allow.0 must be'],
  [{ recipients: 'listed', allow: Array(1_001).fill('example.com') }, 'allow has 1001 entries'],
])('refuses the policy %j', (written, fault) => {
  expect(() => checkedPolicy(written, refuse)).toThrow(fault);
});

it('makes exact rules of caps, without a margin', () => {
  expect(limitsOfCaps(checkedCaps({ perHour: 50, perDay: { newRecipients: 10 } }, refuse)).rules).toEqual([
    { unit: 'messages', max: 50, windowMs: 3_600_000, marginMs: 0 },
    { unit: 'newRecipients', max: 10, windowMs: 86_400_000, marginMs: 0 },
  ]);
  expect(limitsOfCaps(checkedCaps({}, refuse)).rules).toEqual([]);
});

it.each([
  [{ perMinute: 3 }, 'perMinute is not for caps'],
  [{ connections: 3 }, 'connections is not for caps'],
  [{ perHour: { uniqueRecipients: 3 } }, 'perHour.uniqueRecipients is not for caps'],
  [{ perHour: 0 }, 'perHour must be a whole number from 1'],
  [{ perHour: { messages: 1.5 } }, 'perHour.messages must be a whole number'],
  [{ perhour: 3 }, 'perhour is not known here'],
])('refuses the caps %j', (written, fault) => {
  expect(() => checkedCaps(written, refuse)).toThrow(fault);
});
