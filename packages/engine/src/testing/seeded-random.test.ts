import { expect, it } from 'vitest';
import { createSeededRandom } from './seeded-random.ts';

it('gives the same sequence for the same seed, and another one for another', () => {
  const sequence = (seed: number): number[] => {
    const random = createSeededRandom(seed);
    return Array.from({ length: 5 }, () => random.uniform());
  };
  expect(sequence(7)).toEqual(sequence(7));
  expect(sequence(7)).not.toEqual(sequence(8));
});

it('spreads over [0, 1) and over all octets', () => {
  const random = createSeededRandom(1);
  const numbers = Array.from({ length: 10_000 }, () => random.uniform());
  expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
  expect(numbers.reduce((sum, number) => sum + number, 0) / numbers.length).toBeCloseTo(0.5, 1);
  expect(new Set(random.bytes(10_000)).size).toBe(256);
});
