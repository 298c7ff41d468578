/**
 * How many mails may be under way: `count` before their commit. A mail that asks for it in a transport with connections of
 * its own makes room for the next one, whose envelope then leaves in one write with the dot of the mail before it.
 */
export interface Places {
  /** Resolves once there is a place. */
  enter(): Promise<void>;
  leave(): void;
}

export function createPlaces(count: number): Places {
  let free = count;
  const waiting: (() => void)[] = [];
  return {
    enter() {
      if (free === 0) return new Promise((resolve) => waiting.push(resolve));
      free -= 1;
      return Promise.resolve();
    },
    leave() {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    },
  };
}
