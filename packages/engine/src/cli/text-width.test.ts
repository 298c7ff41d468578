import { expect, it } from 'vitest';
import { broken, cut, prose, widthOf } from './text-width.ts';

it.each([
  ['plain', 5],
  ['Grüße', 5],
  ['Gru\u0308ße', 5],
  ['日本語', 6],
  ['한국어', 6],
  ['🎣', 2],
  ['👩‍👩‍👧', 2],
  ['🇩🇪', 2],
  ['❤️', 2],
  ['a\u200bb', 2],
  ['…', 1],
])('counts the columns that %j takes', (text, columns) => {
  expect(widthOf(text)).toBe(columns);
});

it('cuts at a whole character, and says that there was more', () => {
  expect(cut('日本語', 6)).toBe('日本語');
  expect(cut('日本語', 5)).toBe('日本…');
  expect(cut('日本語', 4)).toBe('日…');
  expect(cut('a👩‍👩‍👧b', 3)).toBe('a…');
  expect(cut('one two', 5)).toBe('one…');
  expect(cut('abc', 0)).toBe('…');
});

it('breaks between words only, and leaves a word whole that is longer than a line', () => {
  expect(broken('one two three', 7)).toEqual(['one two', 'three']);
  expect(broken('see /a/path/to/a/file now', 8)).toEqual(['see', '/a/path/to/a/file', 'now']);
  expect(broken('one two', Number.POSITIVE_INFINITY)).toEqual(['one two']);
  expect(broken('', 8)).toEqual(['']);
});

it('sets the rest of a sentence below its text, and not below its name', () => {
  expect(prose('error: it is\n       not so', 10)).toBe(
    'error: it is\n       not so'.replace('it is', 'it\n  is').replace('       not so', '       not\n  so'),
  );
  expect(prose('error: no mail leaves', 18)).toBe('error: no mail\n       leaves');
  expect(prose('idle      a lone mail waits', 27)).toBe('idle      a lone mail waits');
  expect(prose('idle      a lone mail waits', 26)).toBe('idle      a lone mail\n          waits');
  expect(prose('one two\nthree', 5)).toBe('one\ntwo\nthree');
});
