import type { Random } from '../ports/random.ts';

/**
 * Chance that a seed can replay: mulberry32 (T. Ettinger, public domain), 32 bits of state. Equal seeds give equal
 * sequences on every machine. For tests only: its bytes can be guessed.
 */
export function createSeededRandom(seed: number): Random {
  if (!Number.isInteger(seed)) throw new RangeError(`a seed is a whole number, got ${seed}`);
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return {
    uniform: () => next() / 0x1_0000_0000,
    bytes: (count) => Uint8Array.from({ length: count }, () => next() >>> 24),
  };
}
