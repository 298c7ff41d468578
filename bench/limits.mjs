#!/usr/bin/env node
// @ts-check
import { parseArgs } from 'node:util';
import { limitsStorm } from './storm/limits-storm.mjs';
import { percentile, sickPeer } from './storm/sick-peer.mjs';

const USAGE = `node bench/limits.mjs [options]     limits and back-pressure with real processes, judged by the mail server's own log
  --windows          eight workers in four processes under rolling limits, killed and started again meanwhile
  --sick             three senders, one of whose servers turns everybody away; five paired runs
  --quick            a part of it, as CI runs it
  --seed N           of all chance
Exits with 1 when a limit was exceeded, too little of it was used, or a neighbour noticed.`;

const { values: flags } = parseArgs({
  options: {
    windows: { type: 'boolean', default: false },
    sick: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});
const seed = Number(flags.seed);
const isAll = !flags.windows && !flags.sick;
/** Of what a rule allows; the rest is lost to the margin, to what killed workers had in hand, and to the way to the server. */
const USED_SHARE_MIN = 0.95;
/** The server reads a mail some milliseconds after its commit, and not always as many: with a window of seconds that has to be allowed for. */
const MARGIN_MS = 250;
const second = 1_000;
let isGood = true;

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.once(signal, () => process.exit(130));

if (flags.help) say(USAGE);
else {
  if (isAll || flags.windows) for (const [title, plan] of Object.entries(WINDOWS())) await runWindows(title, plan);
  if (isAll || flags.sick)
    await runSick(flags.quick ? { pairs: 1, sickMs: 15 * second, retryScale: 0.2 } : { pairs: 5, sickMs: 60 * second, retryScale: 1 });
  process.exit(isGood ? 0 : 1);
}

/** @returns {Record<string, Omit<import('./storm/limits-storm.mjs').LimitsPlan, 'seed' | 'marginMs'>>} */
function WINDOWS() {
  /** @param {number} max @param {number} windowMs @param {'messages' | 'recipients'} [unit] */
  const window = (max, windowMs, unit = 'messages') => ({ unit, max, windowMs });
  const all = {
    'one window': { phases: [{ atMs: 0, windows: [window(100, 20 * second)] }], forMs: 81 * second, kills: 6 },
    'two windows at once': {
      phases: [{ atMs: 0, windows: [window(12, 3 * second), window(150, 60 * second)] }],
      forMs: 121 * second,
      kills: 6,
    },
    recipients: {
      phases: [{ atMs: 0, windows: [window(120, 20 * second, 'recipients')] }],
      forMs: 81 * second,
      kills: 4,
      recipientsPerMail: 4,
    },
    'raised and lowered': {
      phases: [
        { atMs: 0, windows: [window(50, 20 * second)] },
        { atMs: 41 * second, windows: [window(100, 20 * second)] },
        { atMs: 102 * second, windows: [window(40, 20 * second)] },
      ],
      forMs: 163 * second,
      kills: 6,
    },
    // 2,000 messages and 10,000 recipients a day, with the time of a day in 40 s and a twentieth of the numbers
    'the Gmail preset, scaled down': {
      phases: [{ atMs: 0, windows: [window(100, 40 * second), window(500, 40 * second, 'recipients')] }],
      forMs: 121 * second,
      kills: 4,
      recipientsPerMail: 3,
    },
  };
  return flags.quick ? { 'one window': { ...all['one window'], forMs: 41 * second, kills: 3 } } : all;
}

/** @param {string} title @param {Omit<import('./storm/limits-storm.mjs').LimitsPlan, 'seed' | 'marginMs'>} plan */
async function runWindows(title, plan) {
  const result = await limitsStorm({ ...plan, seed, marginMs: MARGIN_MS });
  say(
    `${title}: 8 workers in 4 processes, ${result.kills} SIGKILLs, ${result.arrivals} mails in ${result.seconds.toFixed(0)} s, ${result.copies} second copies`,
  );
  let adds = result.copies === 0 && result.ownEnds.length === 0;
  for (const { window, most, usedShare, fromMs, untilMs } of result.verdicts) {
    const fits = most <= window.max;
    // Of two rules at once only one binds: how much of the other is used says nothing.
    const isUsed =
      usedShare >= USED_SHARE_MIN || result.verdicts.some((other) => other.fromMs === fromMs && other.usedShare >= USED_SHARE_MIN);
    adds &&= fits && isUsed;
    say(
      `  ${window.max} ${window.unit} in ${window.windowMs / second} s, from ${fromMs / second} to ${untilMs / second} s: ` +
        `most in any window ${most}${fits ? '' : ' TOO MANY'}, used ${(usedShare * 100).toFixed(1)} %${isUsed ? '' : ' TOO LITTLE'}`,
    );
  }
  for (const end of result.ownEnds) say(`  ${end}`);
  if (adds) result.remove();
  else {
    isGood = false;
    say(`  the journal and every process's output are in ${result.dir}`);
  }
}

/** @param {{ pairs: number, sickMs: number, retryScale: number }} size */
async function runSick({ pairs, sickMs, retryScale }) {
  /** @type {number[]} */
  const well = [];
  /** @type {number[]} */
  const beside = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    // How much a neighbour notices is measured, and means nothing on a machine that runs tests.
    const healthy = flags.quick ? undefined : await sickPeer({ ratePerSecond: 10, sickMs, isSick: false });
    const sick = await sickPeer({ ratePerSecond: 10, sickMs, isSick: true, isShort: pair > 0, retryScale });
    if (healthy !== undefined) well.push(healthy.neighboursP99Ms);
    beside.push(sick.neighboursP99Ms);
    const adds = sick.attemptsPerSecondMax <= 2 && sick.attemptsUsedUp === 0 && sick.lost === 0 && sick.copies === 0;
    isGood &&= adds;
    const about =
      pair > 0
        ? ''
        : `attempts used up ${sick.attemptsUsedUp}; its backlog was gone ${(sick.recoveredMs / second).toFixed(0)} s after it was well; `;
    say(
      `a server that says 421 for ${sickMs / second} s, beside two that are well: ${sick.attemptsInAll} connections turned away, at most ` +
        `${sick.attemptsPerSecondMax} in any second after the first ten; ${about}lost ${sick.lost}, second copies ${sick.copies}; neighbours' P99 ` +
        `${healthy?.neighboursP99Ms ?? '-'} ms without it, ${sick.neighboursP99Ms} ms beside it${adds ? '' : ' DOES NOT HOLD'}`,
    );
  }
  if (flags.quick) return;
  const [median, medianBeside] = [percentile(well, 0.5), percentile(beside, 0.5)];
  const isUnnoticed = medianBeside - median <= 50;
  isGood &&= isUnnoticed;
  say(
    `median of the neighbours' P99 in ${pairs} pairs: ${median} ms without it, ${medianBeside} ms beside it${isUnnoticed ? '' : ' NOTICED'}`,
  );
}

/** @param {string} text */
function say(text) {
  process.stdout.write(`${text}\n`);
}
