import { expect, it } from 'vitest';
import { counter, gauge, histogram } from './families.ts';

/** Without what is said about the family. */
const linesOf = (family: { text(): string }): string[] =>
  family
    .text()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

it('says once of each family what it is, before its lines, and ends with a line end', () => {
  const seats = gauge({ name: 'seats', help: 'Free seats.' }, () => 3);
  expect(seats.text()).toBe('# HELP seats Free seats.\n# TYPE seats gauge\nseats 3\n');
  expect(counter({ name: 'mails', help: 'Mails.' }).text()).toContain('# TYPE mails counter\n');
  expect(histogram({ name: 'waits', help: 'Waits.', bounds: [1] }).text()).toContain('# TYPE waits histogram\n');
});

it('counts from 0, by one or by as many as there were, each label for itself', () => {
  const plain = counter({ name: 'mails', help: '' });
  expect(linesOf(plain)).toEqual(['mails 0']);
  plain.add('', 4);
  plain.add('');
  expect(linesOf(plain)).toEqual(['mails 5']);

  const ends = counter({ name: 'ends', help: '', labels: ['kind', 'cause'], from: ['sent'] });
  ends.add('doubt cut');
  ends.add('doubt cut', 2);
  ends.add('dead permanent', 0);
  expect(linesOf(ends)).toEqual([
    'ends{kind="sent",cause=""} 0',
    'ends{kind="doubt",cause="cut"} 3',
    'ends{kind="dead",cause="permanent"} 0',
  ]);
});

it('looks at a gauge anew for each text, and leaves out what nobody knows', () => {
  let free: number | undefined;
  const disk = gauge({ name: 'free', help: '' }, () => free);
  expect(linesOf(disk)).toEqual([]);
  free = 0;
  expect(linesOf(disk)).toEqual(['free 0']);
  free = 7;
  expect(linesOf(disk)).toEqual(['free 7']);
  const states = gauge({ name: 'jobs', help: '', labels: ['state'] }, () => ({ ready: 2, sent: 0 }));
  expect(linesOf(states)).toEqual(['jobs{state="ready"} 2', 'jobs{state="sent"} 0']);
});

it('counts a value in every bucket whose bound it does not exceed, and sums them up', () => {
  const waits = histogram({ name: 'waits', help: '', bounds: [0.5, 1, 5] });
  expect(linesOf(waits)).toEqual([
    'waits_bucket{le="0.5"} 0',
    'waits_bucket{le="1"} 0',
    'waits_bucket{le="5"} 0',
    'waits_bucket{le="+Inf"} 0',
    'waits_sum 0',
    'waits_count 0',
  ]);
  for (const value of [0.25, 1, 1.25, 64]) waits.observe(value); // one of them is a bound itself, one above them all
  expect(linesOf(waits)).toEqual([
    'waits_bucket{le="0.5"} 1',
    'waits_bucket{le="1"} 2',
    'waits_bucket{le="5"} 3',
    'waits_bucket{le="+Inf"} 4',
    'waits_sum 66.5',
    'waits_count 4',
  ]);
});

it('keeps a row of buckets for each label, from its first value on', () => {
  const asked = histogram({ name: 'asked', help: '', labels: ['method', 'status'], bounds: [1] });
  expect(linesOf(asked)).toEqual([]);
  asked.observe(2, 'GET 200');
  asked.observe(1, 'POST 202');
  expect(linesOf(asked)).toEqual([
    'asked_bucket{method="GET",status="200",le="1"} 0',
    'asked_bucket{method="GET",status="200",le="+Inf"} 1',
    'asked_sum{method="GET",status="200"} 2',
    'asked_count{method="GET",status="200"} 1',
    'asked_bucket{method="POST",status="202",le="1"} 1',
    'asked_bucket{method="POST",status="202",le="+Inf"} 1',
    'asked_sum{method="POST",status="202"} 1',
    'asked_count{method="POST",status="202"} 1',
  ]);
});

it('lets no value of a label end its line or its quotes', () => {
  const odd = counter({ name: 'odd', help: '', labels: ['of'] });
  odd.add('a"b\\c\nd\ne');
  expect(linesOf(odd)).toEqual(['odd{of="a\\"b\\\\c\\nd\\ne"} 1']);
});
