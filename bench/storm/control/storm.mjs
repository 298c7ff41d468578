// @ts-check
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { endGroup, startChild } from '../child.mjs';
import { hurtAtRandom, openFleet } from '../fleet.mjs';
import { balance } from '../judge.mjs';
import { mailOf } from '../load.mjs';
import { makeWorld, startSink } from '../shoal.mjs';
import { pause, until } from '../wait.mjs';
import { openRedis } from './redis.mjs';

/**
 * The same storm against the founding article's sender. Two runs: kills alone, and a server that answers 451 to 12.8 %
 * of the mails alone, since each loses mail in its own way.
 *
 * @typedef {object} ControlPlan
 * @property {'kills' | 'deferrals'} hurt
 * @property {number} mails
 * @property {number} ratePerSecond
 * @property {number} kills
 * @property {number} seed
 */

const WORKER = fileURLToPath(new URL('./worker.mjs', import.meta.url));
const DEFER_SHARE = 0.128;
const DATA_DELAY_MS = 50;
const REPLY_DELAY_MS = 100;
const RETRY_SCALE = 0.01;
const QUIET_MS_MAX = 60_000;

/** @param {ControlPlan} plan @returns {Promise<import('../kill-storm.mjs').StormResult | undefined>} undefined without a Redis */
export async function controlStorm({ hurt, mails, ratePerSecond, kills, seed }) {
  const startedAt = performance.now();
  const world = makeWorld(`control-${hurt}`);
  const server = await openRedis(world.dir);
  if (server === undefined) {
    world.remove();
    return undefined;
  }
  const sink = await startSink(world, {
    seed,
    dataDelayMs: DATA_DELAY_MS,
    replyDelayMs: REPLY_DELAY_MS,
    deferShare: hurt === 'deferrals' ? DEFER_SHARE : 0,
  });
  const redis = new Redis(server.url, { maxRetriesPerRequest: null });
  await redis.flushdb();
  const queue = new Queue('mail', { connection: redis });
  const names = ['work-1', 'work-2', 'work-3'];
  const worker = (/** @type {string} */ name) =>
    startChild({
      name,
      script: WORKER,
      env: { CONTROL_REDIS_URL: server.url, CONTROL_SMTP_PORT: String(sink.port), CONTROL_RETRY_SCALE: String(RETRY_SCALE) },
      logPath: join(world.dir, `${name}.log`),
    });
  const fleet = openFleet(Object.fromEntries(names.map((name) => [name, () => worker(name)])));
  try {
    /** @type {string[]} */
    const acknowledged = [];
    await Promise.all([
      hand(queue, { mails, ratePerSecond, seed, acknowledged }),
      hurt === 'kills' ? hurtAtRandom({ names, count: kills, seed, hurt: fleet.kill }) : undefined,
    ]);
    await until(
      'the queue is empty',
      QUIET_MS_MAX,
      async () => {
        const counts = await queue.getJobCounts('waiting', 'active', 'delayed');
        return Object.values(counts).every((count) => count === 0);
      },
      { everyMs: 250 },
    );
    const dead = new Set((await redis.lrange('dead-letters', 0, -1)).map((text) => JSON.parse(text).to));
    for (const job of await queue.getFailed()) dead.add(job.data.to);
    const sheet = balance({
      policy: 'hold',
      attempted: mails,
      recipients: acknowledged,
      records: acknowledged.map((to) => ({ to, id: to, requests: 1, status: dead.has(to) ? 'failed' : 'sent', unsettled: 0, crashes: 0 })),
      ...world.journal(),
      kills: fleet.kills,
      refused: [],
      ownEnds: fleet.ownEnds,
      connectionsMax: 10,
      replyDelayMs: REPLY_DELAY_MS,
      recoveredMin: 0,
    });
    world.remove();
    return { sheet, dir: world.dir, seconds: (performance.now() - startedAt) / 1_000 };
  } finally {
    await fleet.close();
    await endGroup(sink.child);
    await queue.close();
    redis.disconnect();
    await server.close();
  }
}

/** @param {Queue} queue @param {{ mails: number, ratePerSecond: number, seed: number, acknowledged: string[] }} plan */
async function hand(queue, { mails, ratePerSecond, seed, acknowledged }) {
  const startedAt = performance.now();
  for (let index = 0; index < mails; index += 1) {
    const early = (index * 1_000) / ratePerSecond - (performance.now() - startedAt);
    if (early > 1) await pause(early);
    const { key, to, subject, text } = mailOf(index, seed, 'hold');
    await queue.add('send', { id: key, to, subject, text, messageId: `<${key}@control.test>` });
    acknowledged.push(to);
  }
}
