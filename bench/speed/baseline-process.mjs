// @ts-check
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import nodemailer from 'nodemailer';
import { reportTo } from './report.mjs';

/**
 * One worker as the founding article builds it: BullMQ, a claim by SET NX EX, nodemailer's pool; on failure a counter and a delay.
 *
 *   node bench/speed/baseline-process.mjs '{"redisPort": 6399, "smtpPort": 2525, "concurrency": 50}'
 */
const { redisPort, smtpPort, concurrency, tickMs = 50 } = JSON.parse(process.argv[2] ?? '{}');
const connection = { host: '127.0.0.1', port: redisPort, maxRetriesPerRequest: null };
const redis = new Redis(connection);
const mailer = nodemailer.createTransport({ host: '127.0.0.1', port: smtpPort, pool: true, maxConnections: concurrency, ignoreTLS: true });
const me = `worker-${process.pid}`;
let settled = 0;

const worker = new Worker(
  'mail',
  async (job) => {
    const { id, mail } = job.data;
    const isMine = await redis.set(`claim:${id}`, me, 'EX', 3_600, 'NX');
    if (isMine !== null) await mailer.sendMail(mail);
    settled += 1;
  },
  { connection, concurrency, autorun: false },
);
worker.on('error', (error) => console.error(error.message));
await Promise.all([worker.waitUntilReady(), redis.ping()]);

reportTo({ settled: () => settled, tickMs, go: () => void worker.run(), end: () => process.exit(0) });
