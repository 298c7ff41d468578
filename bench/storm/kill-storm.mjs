// @ts-check
import { endGroup } from './child.mjs';
import { hurtAtRandom, openFleet } from './fleet.mjs';
import { balance } from './judge.mjs';
import { mailOf, pacedLoad } from './load.mjs';
import { settledRecords } from './records.mjs';
import { apiAt, CONCURRENCY, freePort, LEASE_MS, makeWorld, startShoal, startSink } from './shoal.mjs';

/**
 * R1: a paced load, and a SIGKILL of a random process of one server and two workers every 1 to 3 s.
 *
 * @typedef {object} StormPlan
 * @property {number} mails
 * @property {number} ratePerSecond
 * @property {number} kills
 * @property {number} seed
 * @property {'hold' | 'resend'} policy
 * @property {boolean} [keep] the run's folder stays
 *
 * @typedef {{ sheet: import('./judge.mjs').Sheet, dir: string, seconds: number }} StormResult
 */

/** The server thinks this long before it takes a body and before it answers a dot, so that kills do meet mails on both sides of the dot. */
const DATA_DELAY_MS = 50;
const REPLY_DELAY_MS = 100;
/** A little of what every mail server does: these mails go through a retry as well. */
const DEFER_SHARE = 0.02;
const QUIET_MS_MAX = 120_000;

/** @param {StormPlan} plan @returns {Promise<StormResult>} */
export async function killStorm({ mails, ratePerSecond, kills, seed, policy, keep = false }) {
  const startedAt = performance.now();
  const world = makeWorld(`storm-${policy}`);
  const sink = await startSink(world, { seed, dataDelayMs: DATA_DELAY_MS, replyDelayMs: REPLY_DELAY_MS, deferShare: DEFER_SHARE });
  const httpPort = await freePort();
  const settings = { world, smtpPort: sink.port, leaseMs: LEASE_MS };
  const fleet = openFleet({
    serve: () => startShoal('serve', { ...settings, httpPort }),
    'work-1': () => startShoal('work', settings, { name: 'work-1' }),
    'work-2': () => startShoal('work', settings, { name: 'work-2' }),
  });
  const api = apiAt(httpPort);
  try {
    await api.whenReady();
    await api.open();
    const [load] = await Promise.all([
      pacedLoad({ api, mails, ratePerSecond, seed, onDoubt: policy }),
      hurtAtRandom({ names: ['serve', 'work-1', 'work-2'], count: kills, seed, hurt: fleet.kill }),
    ]);
    const records = await settledRecords(api, load.acknowledged.values(), { policy, limitMs: QUIET_MS_MAX });
    const sheet = balance({
      policy,
      attempted: load.attempted,
      recipients: Array.from({ length: mails }, (_, index) => mailOf(index, seed, policy).to),
      records,
      ...world.journal(),
      kills: fleet.kills,
      refused: load.refused,
      ownEnds: fleet.ownEnds,
      connectionsMax: CONCURRENCY,
      replyDelayMs: REPLY_DELAY_MS,
    });
    if (sheet.adds && !keep) world.remove();
    return { sheet, dir: world.dir, seconds: (performance.now() - startedAt) / 1_000 };
  } finally {
    await fleet.close();
    await endGroup(sink.child);
  }
}
