// @ts-check
/**
 * The storms: real processes, real kills, a load and a judge. What is here starts programs, hurts them and counts
 * mail; it knows Shoal by its command line, its environment and its HTTP API alone, never by its source. Loss and
 * second copies are judged by the journal of the receiving server (sink.mjs), which no storm ever kills. Not here: unit
 * tests, benchmarks of speed.
 *
 * Chance from a seed, so that a storm's schedule can be played again.
 *
 * @typedef {() => number} Dice uniform in [0, 1)
 */

/** mulberry32. @param {number} seed a whole number @returns {Dice} */
export function diceOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A number from a seed and a text: the same question gets the same answer, whatever was asked in between. @param {number} seed @param {string} text */
export function shareOf(seed, text) {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return diceOf(hash)();
}
