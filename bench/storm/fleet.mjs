// @ts-check
import { endGroup } from './child.mjs';
import { diceOf } from './random.mjs';
import { pause } from './wait.mjs';

/**
 * Processes that are started again whenever they end, and what ended them.
 *
 * @typedef {import('./child.mjs').Child} Child
 * @typedef {import('./child.mjs').Ended} Ended
 *
 * @typedef {object} Kill
 * @property {number} at epoch ms, just before the signal
 * @property {string} name
 * @property {number} pid
 *
 * @typedef {object} Fleet
 * @property {Kill[]} kills
 * @property {string[]} ownEnds ends that nobody asked for; must stay empty
 * @property {(name: string) => Child} member
 * @property {(name: string) => Kill} kill SIGKILL; the member is started again at once
 * @property {(name: string) => Promise<Ended>} stop SIGTERM; resolves with how it ended, and the member is started again
 * @property {() => Promise<void>} close ends all of them for good
 */

/** A program that cannot start at all is not started for ever. */
const OWN_ENDS_MAX = 20;

/** @param {Readonly<Record<string, () => Child>>} members how to start each @returns {Fleet} */
export function openFleet(members) {
  /** @type {Map<string, Child>} */
  const running = new Map();
  /** @type {Set<number>} */
  const asked = new Set();
  /** @type {Kill[]} */
  const kills = [];
  /** @type {string[]} */
  const ownEnds = [];
  let isOpen = true;

  /** @param {string} name */
  const start = (name) => {
    const child = members[name]?.();
    if (child === undefined) throw new Error(`no member ${name}`);
    running.set(name, child);
    void child.ended.then(({ code, signal }) => {
      if (!isOpen) return;
      if (!asked.has(child.pid)) ownEnds.push(`${name} (pid ${child.pid}) ended by itself: code ${code}, signal ${signal}`);
      if (ownEnds.length < OWN_ENDS_MAX) start(name);
    });
  };
  /** @param {string} name */
  const member = (name) => {
    const child = running.get(name);
    if (child === undefined) throw new Error(`no member ${name}`);
    return child;
  };
  for (const name of Object.keys(members)) start(name);

  return {
    kills,
    ownEnds,
    member,
    kill(name) {
      const child = member(name);
      asked.add(child.pid);
      const kill = { at: Date.now(), name, pid: child.pid };
      kills.push(kill);
      child.signal('SIGKILL');
      return kill;
    },
    stop(name) {
      const child = member(name);
      asked.add(child.pid);
      child.signal('SIGTERM');
      return child.ended;
    },
    async close() {
      isOpen = false;
      await Promise.all([...running.values()].map(endGroup));
    },
  };
}

/**
 * Hurts a random member every 1 to 3 s, `count` times in all.
 *
 * @param {{ names: readonly string[], count: number, seed: number, everyMs?: readonly [number, number], hurt: (name: string) => unknown }} plan
 */
export async function hurtAtRandom({ names, count, seed, everyMs = [1_000, 3_000], hurt }) {
  const dice = diceOf(seed);
  const [leastMs, mostMs] = everyMs;
  for (let done = 0; done < count; done += 1) {
    await pause(leastMs + dice() * (mostMs - leastMs)); // the schedule itself, not a wait for something
    await hurt(names[Math.floor(dice() * names.length)] ?? '');
  }
}
