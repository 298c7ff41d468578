// @ts-check
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endGroup, startChild } from './child.mjs';
import { openFleet } from './fleet.mjs';
import { balance } from './judge.mjs';
import { mailOf, noLoad, submitUntilAnswered } from './load.mjs';
import { diceOf } from './random.mjs';
import { settledRecords } from './records.mjs';
import { apiAt, environmentOf, freePort, makeWorld, startShoal, startSink } from './shoal.mjs';

/**
 * R3: the API is killed right after it said 202. What it acknowledged has to arrive once; what it left unanswered and is
 * repeated with its key has to be one mail.
 *
 * @typedef {object} ApiStormPlan
 * @property {number} submissions
 * @property {number} kills
 * @property {number} seed
 */

const API = fileURLToPath(new URL('./api-process.mjs', import.meta.url));
const CALLERS = 8;
const QUIET_MS_MAX = 180_000;

/** @param {ApiStormPlan} plan @returns {Promise<import('./kill-storm.mjs').StormResult>} */
export async function apiStorm({ submissions, kills, seed }) {
  const startedAt = performance.now();
  const world = makeWorld('api-storm');
  const sink = await startSink(world, { seed });
  const httpPort = await freePort();
  const settings = { world, smtpPort: sink.port };
  const fleet = openFleet({
    api: () => startChild({ name: 'api', script: API, env: environmentOf({ ...settings, httpPort }), logPath: join(world.dir, 'api.log') }),
    'work-1': () => startShoal('work', settings, { name: 'work-1' }),
    'work-2': () => startShoal('work', settings, { name: 'work-2' }),
  });
  const api = apiAt(httpPort);
  try {
    await api.whenReady();
    await api.open();
    const load = noLoad();
    const killAfter = killPoints(submissions, kills, seed);
    let next = 0;
    const caller = async () => {
      while (next < submissions) {
        const index = next;
        next += 1;
        await submitUntilAnswered(api, mailOf(index, seed, 'hold'), load);
        // The other callers' requests are under way at this moment: some are stored and get no answer any more.
        if (killAfter.delete(load.acknowledged.size)) fleet.kill('api');
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
    await api.whenReady();
    const records = await settledRecords(api, load.acknowledged.values(), { policy: 'hold', limitMs: QUIET_MS_MAX });
    const sheet = balance({
      policy: 'hold',
      attempted: load.attempted,
      recipients: Array.from({ length: submissions }, (_, index) => mailOf(index, seed, 'hold').to),
      records,
      ...world.journal(),
      kills: fleet.kills,
      refused: load.refused,
      ownEnds: fleet.ownEnds,
      connectionsMax: 0, // no worker was killed, so that nothing may be in doubt
      replyDelayMs: 0,
    });
    if (sheet.adds) world.remove();
    return { sheet, dir: world.dir, seconds: (performance.now() - startedAt) / 1_000 };
  } finally {
    await fleet.close();
    await endGroup(sink.child);
  }
}

/** After which acknowledgements to kill. @param {number} submissions @param {number} kills @param {number} seed @returns {Set<number>} */
function killPoints(submissions, kills, seed) {
  const dice = diceOf(seed);
  /** @type {Set<number>} */
  const points = new Set();
  while (points.size < kills) points.add(1 + Math.floor(dice() * (submissions - 1)));
  return points;
}
