import type { Random } from '../../ports/random.ts';

/** Choices drawn from the seed. */
export interface Dice {
  chance(probability: number): boolean;
  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number;
  one<T>(items: readonly T[]): T;
  /** Draws by weight, and makes only what was drawn. */
  pick<T>(weighted: readonly (readonly [weight: number, make: () => T])[]): T;
}

export function createDice(random: Random): Dice {
  const between = (min: number, max: number): number => min + Math.floor(random.uniform() * (max - min + 1));
  return {
    chance: (probability) => random.uniform() < probability,
    between,
    one(items) {
      const item = items[between(0, items.length - 1)];
      if (item === undefined) throw new RangeError('nothing to choose from');
      return item;
    },
    pick(weighted) {
      let left = random.uniform() * weighted.reduce((sum, [weight]) => sum + weight, 0);
      for (const [weight, make] of weighted) {
        left -= weight;
        if (left < 0) return make();
      }
      throw new RangeError('nothing to choose from');
    },
  };
}
