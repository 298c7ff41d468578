import { expect, it } from 'vitest';
import { cleanLocalPart, localPartFault, localPartsFor } from './names.ts';

it.each([
  [
    { name: 'outreach-worker' },
    ['outreach-worker', 'o-worker', 'outreach-worker1', 'outreach-worker2', 'outreach-worker3', 'outreach-worker4', 'outreach-worker5'],
  ],
  [
    { name: 'Sarah Shield', org: 'Palisade' },
    [
      'sarah-shield',
      'sarah-shield-palisade',
      's-shield',
      'sarah-shield1',
      'sarah-shield2',
      'sarah-shield3',
      'sarah-shield4',
      'sarah-shield5',
    ],
  ],
  [{ name: 'support' }, ['support1', 'support2', 'support3', 'support4', 'support5']],
  [{ preferred: ['Billing Bot!', 'ab'] }, ['billing-bot']],
  [{ preferred: ['ann', 'Ann'], name: 'ann' }, ['ann', 'ann1', 'ann2', 'ann3', 'ann4', 'ann5']],
  [{ org: 'Palisade' }, ['palisade', 'palisade1', 'palisade2', 'palisade3', 'palisade4', 'palisade5']],
  [{ name: '!!!' }, []],
  [{ name: '日本' }, []],
  [{}, []],
])('tries for %j these names in this order', (wishes, names) => {
  expect(localPartsFor(wishes)).toEqual(names);
});

it('offers nothing that may not be used, however long or odd the wish', () => {
  for (const name of ['x'.repeat(10_000), '-'.repeat(1_000), 'a..b', '..', 'A.B_C d', `a${' '.repeat(300)}b`, 'é'.repeat(80)])
    for (const localPart of localPartsFor({ name, org: name, preferred: [name] })) expect(localPartFault(localPart)).toBeUndefined();
});

it.each([
  ['Billing Bot!', 'billing-bot'],
  ['  a_b  c ', 'a-b-c'],
  ['--..a--b..c..--', 'a-b.c'],
  ['Ann@Example', 'annexample'],
])('cleans %j to %j', (text, localPart) => {
  expect(cleanLocalPart(text)).toBe(localPart);
});

it.each(['ann', 'sarah.shield', 'a-b_c.d', '007', 'x'.repeat(64)])('takes %s', (localPart) => {
  expect(localPartFault(localPart)).toBeUndefined();
});

it.each(['', 'ab', 'x'.repeat(65), '-ann', 'ann.', 'an..n', 'Ann', 'an n', 'ann@x', 'añn', 'abuse', 'a.b.u.s.e', 'no-reply'])(
  'S7: refuses %j',
  (localPart) => {
    expect(localPartFault(localPart)).toEqual(expect.any(String));
  },
);
