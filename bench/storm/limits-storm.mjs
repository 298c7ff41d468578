// @ts-check
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endGroup, startChild } from './child.mjs';
import { hurtAtRandom, openFleet } from './fleet.mjs';
import { openOperator } from './operator.mjs';
import { environmentOf, makeWorld, startSink } from './shoal.mjs';
import { readJournal } from './sink.mjs';
import { pause, until } from './wait.mjs';

/**
 * Eight workers in four processes share one inbox's limits on one ledger while processes are killed and started again; the
 * mail server's own log says whether a window ever held too much, and how much of what was allowed was used.
 *
 * @typedef {object} Window a rule, as the log is judged by it
 * @property {'messages' | 'recipients'} unit
 * @property {number} max
 * @property {number} windowMs
 *
 * @typedef {object} Phase from `atMs` on these are the sender's limits
 * @property {number} atMs
 * @property {readonly Window[]} windows
 *
 * @typedef {object} LimitsPlan
 * @property {readonly Phase[]} phases the first at 0
 * @property {number} forMs how long the fleet works
 * @property {number} marginMs
 * @property {number} kills
 * @property {number} seed
 * @property {number} [recipientsPerMail] every third mail has so many; 1
 *
 * @typedef {object} Verdict
 * @property {Window} window
 * @property {number} fromMs
 * @property {number} untilMs
 * @property {number} most the most units that any window held
 * @property {number} usedShare of what the rule allowed in that time
 *
 * @typedef {{ verdicts: readonly Verdict[], arrivals: number, kills: number, ownEnds: readonly string[], copies: number, seconds: number, dir: string, remove: () => void }} LimitsResult
 */

const PROCESSES = ['first', 'second', 'third', 'fourth'];
const TWO_WORKERS = fileURLToPath(new URL('./two-workers-process.mjs', import.meta.url));
/** Short, so that what a killed worker had in hand is not missed for long. */
const LEASE_MS = 2_000;

/** @param {LimitsPlan} plan @returns {Promise<LimitsResult>} */
export async function limitsStorm({ phases, forMs, marginMs, kills, seed, recipientsPerMail = 1 }) {
  const startedAt = performance.now();
  const world = makeWorld('limits');
  const sink = await startSink(world, { seed });
  const settings = { world, smtpPort: sink.port, leaseMs: LEASE_MS, concurrency: 5 };
  const operator = await openOperator(settings);
  const setLimits = (/** @type {Phase | undefined} */ phase) =>
    operator.limit((phase?.windows ?? []).map((window) => ({ ...window, marginMs })));
  try {
    await setLimits(phases[0]);
    await operator.submit(mailsNeeded(phases, forMs), (index) => (index % 3 === 0 ? recipientsPerMail : 1));
    const fleet = openFleet(Object.fromEntries(PROCESSES.map((name) => [name, () => twoWorkers(name, settings)])));
    try {
      const beganAt = await until('the first mail has arrived', 60_000, () => readJournal(world.journalPath).dots[0]?.at);
      const hurting = hurtAtRandom({ names: PROCESSES, count: kills, seed, everyMs: spread(forMs, kills), hurt: fleet.kill });
      for (const phase of phases.slice(1)) {
        await pause(beganAt + phase.atMs - Date.now());
        await setLimits(phase);
      }
      await pause(beganAt + forMs - Date.now());
      await hurting;
      const { dots } = readJournal(world.journalPath);
      if ((await operator.waiting()) === 0)
        throw new Error('the backlog ran out, so nothing is said about how much of the limits was used');
      const endOf = (/** @type {number} */ n) => phases[n + 1]?.atMs ?? forMs;
      return {
        verdicts: phases.flatMap((phase, n) => verdictsOf(dots, phase, { beganAt, untilMs: endOf(n), isFirst: n === 0, marginMs })),
        arrivals: dots.length,
        kills: fleet.kills.length,
        ownEnds: fleet.ownEnds,
        copies: dots.length - new Set(dots.map((dot) => dot.messageId)).size,
        seconds: (performance.now() - startedAt) / 1_000,
        dir: world.dir,
        remove: world.remove,
      };
    } finally {
      await fleet.close();
    }
  } finally {
    await operator.close();
    await endGroup(sink.child);
  }
}

/** @param {string} name @param {import('./shoal.mjs').Settings} settings */
function twoWorkers(name, settings) {
  return startChild({ name, script: TWO_WORKERS, env: environmentOf(settings), logPath: join(settings.world.dir, `${name}.log`) });
}

/** More than can go in that time. @param {readonly Phase[]} phases @param {number} forMs */
function mailsNeeded(phases, forMs) {
  return phases.reduce((sum, { atMs, windows }, n) => {
    const lasts = (phases[n + 1]?.atMs ?? forMs) - atMs;
    return sum + Math.min(...windows.map(({ max, windowMs }) => max * (Math.ceil(lasts / windowMs) + 1)));
  }, 50);
}

/** @param {number} forMs @param {number} kills @returns {readonly [number, number]} */
function spread(forMs, kills) {
  const every = kills === 0 ? 0 : forMs / (kills + 1);
  return [every * 0.6, every * 1.3];
}

/**
 * A phase with higher limits is judged from its beginning, one with lower limits from when the mails of the phase before have
 * left its windows: what went before was allowed when it went.
 *
 * @param {readonly import('./sink.mjs').Dot[]} dots @param {Phase} phase
 * @param {{ beganAt: number, untilMs: number, isFirst: boolean, marginMs: number }} time
 * @returns {Verdict[]}
 */
function verdictsOf(dots, { atMs, windows }, { beganAt, untilMs, isFirst, marginMs }) {
  const longest = Math.max(...windows.map(({ windowMs }) => windowMs));
  const fromMs = isFirst ? 0 : atMs + longest;
  const units = dots.flatMap((dot) => windowsUnits(dot));
  return windows.map((window) => {
    const mine = units
      .filter(({ unit }) => unit === window.unit)
      .map(({ at }) => at - beganAt)
      .sort((a, b) => a - b);
    const inside = mine.filter((at) => at >= fromMs && at < untilMs);
    return {
      window,
      fromMs,
      untilMs,
      most: mostInWindow(inside, window.windowMs),
      usedShare: usedShare(inside, window, { untilMs, marginMs }),
    };
  });
}

/** @param {import('./sink.mjs').Dot} dot @returns {{ unit: Window['unit'], at: number }[]} */
function windowsUnits(dot) {
  const { recipients } = dot;
  return [
    { unit: 'messages', at: dot.at },
    ...Array.from({ length: recipients }, () => ({ unit: /** @type {const} */ ('recipients'), at: dot.at })),
  ];
}

/** The most of `times` that lie within less than a window of each other. @param {readonly number[]} times sorted @param {number} windowMs */
export function mostInWindow(times, windowMs) {
  let most = 0;
  for (let first = 0, last = 0; last < times.length; last += 1) {
    while ((times[last] ?? 0) - (times[first] ?? 0) >= windowMs) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

/**
 * Mails come in bursts, one each time a window has passed, so it is counted from the first of them on, in whole windows with
 * their margin; the margin counts as not used.
 *
 * @param {readonly number[]} inside sorted @param {Window} window @param {{ untilMs: number, marginMs: number }} time
 */
function usedShare(inside, { max, windowMs }, { untilMs, marginMs }) {
  const [first = untilMs] = inside;
  const stepMs = windowMs + marginMs;
  const whole = Math.floor((untilMs - first) / stepMs);
  if (whole === 0) return Number.NaN;
  const used = inside.filter((at) => at < first + whole * stepMs).length;
  return (used / (whole * max)) * (windowMs / stepMs);
}
