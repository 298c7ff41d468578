// @ts-check
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import nodemailer from 'nodemailer';

/**
 * The sender of the founding article, as it stands there: a claim by SET NX EX before the send, so that no other worker
 * sends the same mail, and a retry counter with exponential backoff. Nothing is made worse than the article has it;
 * it is here to lose mail (reliability.md, section 4), so that the storm is seen to find loss.
 */
const REDIS_URL = process.env['CONTROL_REDIS_URL'] ?? '';
const SMTP_PORT = Number(process.env['CONTROL_SMTP_PORT']);
const RETRY_SCALE = Number(process.env['CONTROL_RETRY_SCALE'] ?? '1');
const CLAIM_SECONDS = 3_600;
const RETRIES_MAX = 8;
const STALLED_MS = 5_000;

const redis = new Redis(REDIS_URL, { maxRetriesPerRequest: null });
const queue = new Queue('mail', { connection: redis });
const mailer = nodemailer.createTransport({ host: '127.0.0.1', port: SMTP_PORT, pool: true, maxConnections: 10, ignoreTLS: true });
const me = `worker-${process.pid}`;

/** Snippet one: claim, send, acknowledge. @param {import('bullmq').Job} job */
async function sendOnce(job) {
  const mail = job.data;
  const isMine = await redis.set(`claim:${mail.id}`, me, 'EX', CLAIM_SECONDS, 'NX');
  if (isMine === null) return; // somebody else has it or had it: acknowledge as handled
  try {
    await mailer.sendMail({
      from: 'storm@shoal.localhost',
      to: mail.to,
      messageId: mail.messageId,
      subject: mail.subject,
      text: mail.text,
    });
  } catch (error) {
    await retryLater(mail, error);
  }
}

/** Snippet two: count the failure, wait min(1000 * 2^n, 300000) ms, give up after eight. @param {any} mail @param {unknown} error */
async function retryLater(mail, error) {
  const retries = await redis.incr(`retries:${mail.id}`);
  if (retries > RETRIES_MAX) {
    await redis.lpush('dead-letters', JSON.stringify({ ...mail, error: String(error) }));
    return;
  }
  await queue.add('send', mail, { delay: Math.min(1_000 * 2 ** retries, 300_000) * RETRY_SCALE });
}

new Worker('mail', sendOnce, {
  connection: redis.duplicate(),
  concurrency: 10,
  lockDuration: STALLED_MS,
  stalledInterval: STALLED_MS,
});
