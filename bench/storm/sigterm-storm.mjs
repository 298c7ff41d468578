// @ts-check
import { endGroup } from './child.mjs';
import { hurtAtRandom, openFleet } from './fleet.mjs';
import { balance } from './judge.mjs';
import { mailOf, pacedLoad } from './load.mjs';
import { settledRecords } from './records.mjs';
import { apiAt, CONCURRENCY, freePort, makeWorld, startShoal, startSink } from './shoal.mjs';
import { until } from './wait.mjs';

/**
 * R13: rolling restarts under load. A process that is asked to stop finishes its sends, gives the rest back without
 * counting, and exits with 0; nothing is lost, doubled or in doubt.
 *
 * @typedef {object} SigtermPlan
 * @property {number} stops
 * @property {number} ratePerSecond
 * @property {number} seed
 * @property {readonly [number, number]} [everyMs]
 *
 * @typedef {object} Stop
 * @property {string} name
 * @property {number} drainedMs
 * @property {import('./child.mjs').Ended} ended
 */

const REPLY_DELAY_MS = 50;
const DRAIN_MS = 10_000;
const READY_MS_MAX = 30_000;
const QUIET_MS_MAX = 60_000;

/** @param {SigtermPlan} plan @returns {Promise<import('./kill-storm.mjs').StormResult & { stops: Stop[] }>} */
export async function sigtermStorm({ stops: count, ratePerSecond, seed, everyMs = [200, 800] }) {
  const startedAt = performance.now();
  const world = makeWorld('sigterm');
  const sink = await startSink(world, { seed, replyDelayMs: REPLY_DELAY_MS });
  const httpPort = await freePort();
  const settings = { world, smtpPort: sink.port, drainMs: DRAIN_MS };
  const fleet = openFleet({
    serve: () => startShoal('serve', { ...settings, httpPort }),
    'work-1': () => startShoal('work', settings, { name: 'work-1' }),
    'work-2': () => startShoal('work', settings, { name: 'work-2' }),
  });
  const api = apiAt(httpPort);
  /** @type {Stop[]} */
  const stops = [];
  try {
    await api.whenReady();
    await api.open();
    let isOver = false;
    const [load] = await Promise.all([
      pacedLoad({ api, mails: Infinity, ratePerSecond, seed, onDoubt: 'hold', isOver: () => isOver }),
      hurtAtRandom({
        names: ['serve', 'work-1', 'work-2'],
        count,
        seed,
        everyMs,
        hurt: async (name) => {
          await until(`${name} says ready`, READY_MS_MAX, () => fleet.member(name).saysReady());
          const askedAt = performance.now();
          const ended = await fleet.stop(name);
          stops.push({ name, drainedMs: performance.now() - askedAt, ended });
        },
      }).finally(() => {
        isOver = true;
      }),
    ]);
    const records = await settledRecords(api, load.acknowledged.values(), { policy: 'hold', limitMs: QUIET_MS_MAX });
    const sheet = balance({
      policy: 'hold',
      attempted: load.attempted,
      recipients: Array.from({ length: load.attempted }, (_, index) => mailOf(index, seed, 'hold').to),
      records,
      ...world.journal(),
      kills: [],
      refused: load.refused,
      ownEnds: fleet.ownEnds,
      connectionsMax: CONCURRENCY,
      replyDelayMs: REPLY_DELAY_MS,
      recoveredMin: 0,
    });
    sheet.rows.push(
      row('stopped by SIGTERM', stops.length, '-', true),
      row('exit code other than 0', stops.filter(({ ended }) => ended.code !== 0).length, '0'),
      row(
        'crashes counted',
        records.reduce((sum, mail) => sum + mail.crashes, 0),
        '0',
      ),
      row(
        'longest drain, ms',
        Math.round(Math.max(...stops.map((stop) => stop.drainedMs))),
        `below ${DRAIN_MS}`,
        stops.every((stop) => stop.drainedMs < DRAIN_MS),
      ),
    );
    sheet.adds &&= sheet.rows.every((line) => line.adds);
    if (sheet.adds) world.remove();
    return { sheet, stops, dir: world.dir, seconds: (performance.now() - startedAt) / 1_000 };
  } finally {
    await fleet.close();
    await endGroup(sink.child);
  }
}

/** @param {string} account @param {number} value @param {string} must @param {boolean} adds @returns {import('./judge.mjs').Row} */
const row = (account, value, must, adds = value === 0) => ({ account, value, must, adds });
