// @ts-check
/** @param {number} ms @returns {Promise<void>} */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Waits for a fact by looking for it, with a limit; on the limit it says what it waited for and what it saw instead.
 *
 * @template T
 * @param {string} fact
 * @param {number} limitMs
 * @param {() => T | undefined | false | Promise<T | undefined | false>} look answers the fact, or nothing yet
 * @param {{ everyMs?: number, seen?: () => unknown }} [options]
 * @returns {Promise<T>}
 */
export async function until(fact, limitMs, look, { everyMs = 25, seen } = {}) {
  const giveUpAt = performance.now() + limitMs;
  for (;;) {
    const answer = await look();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > giveUpAt) {
      const instead = seen === undefined ? '' : `; saw instead: ${JSON.stringify(seen())}`;
      throw new Error(`waited ${limitMs} ms for: ${fact}${instead}`);
    }
    await pause(everyMs);
  }
}
