// @ts-check
import { connect, createServer } from 'node:net';
import nodemailer from 'nodemailer';
import { openSmtpTransport } from '../../packages/engine/dist/adapters/transport/smtp/index.js';
import { machineClock } from '../../packages/engine/dist/machine.js';
import { HOST, openNodeSink } from './machine.mjs';

/** One connection to a server that is far away: how many mails a second, ours and nodemailer's pool. */

/** Lets each byte wait for half of the round trip, both ways. @param {number} port @param {number} roundTripMs */
async function openDistance(port, roundTripMs) {
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ host: HOST, port, noDelay: true });
    const flow = (/** @type {import('node:net').Socket} */ from, /** @type {import('node:net').Socket} */ to) => {
      from.on('data', (bytes) => setTimeout(() => to.write(bytes), roundTripMs / 2));
      from.on('error', () => to.destroy());
      from.on('close', () => setTimeout(() => to.end(), roundTripMs / 2));
    };
    flow(near, far);
    flow(far, near);
  });
  await new Promise((resolve) => server.listen(0, HOST, () => resolve(undefined)));
  const { port: own } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { port: own, close: () => server.close() };
}

/** @param {{ roundTripMs: number, seconds: number, text: string }} wish */
export async function overDistance({ roundTripMs, seconds, text }) {
  const sink = await openNodeSink();
  const distance = await openDistance(sink.port, roundTripMs);
  const rates = { ours: await ours(distance.port, seconds, text), baseline: await baseline(distance.port, seconds, text) };
  distance.close();
  await sink.close();
  return rates;
}

/** As many mails wait as a worker would bring. */
const WAITING = 4;

/** @param {number} seconds @param {(n: number) => Promise<void>} send */
async function rate(seconds, send) {
  await send(0);
  const endsAt = performance.now() + seconds * 1_000;
  let count = 0;
  const one = async () => {
    while (performance.now() < endsAt) {
      await send(count);
      count += 1;
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: WAITING }, one));
  return count / ((performance.now() - startedAt) / 1_000);
}

/** @param {number} port @param {number} seconds @param {string} text */
async function ours(port, seconds, text) {
  const transport = openSmtpTransport({ url: `smtp://${HOST}:${port}?connections=1`, clock: machineClock() });
  const payload = Buffer.from(`Subject: Follow-up on your request\r\n\r\n${text}`);
  const envelope = { from: 'agent@shoal.localhost', to: ['recipient@example.com'], smtpUtf8: false, eightBit: false };
  const parcel = /** @type {any} */ ({ jobId: 'job_1', messageId: 'eml_1', envelope, payload });
  const found = await rate(seconds, async () => {
    const report = await transport.send(parcel, async () => true, new AbortController().signal);
    if (report.kind !== 'accepted') throw new Error(JSON.stringify(report));
  });
  await transport.close();
  return found;
}

/** @param {number} port @param {number} seconds @param {string} text */
async function baseline(port, seconds, text) {
  const mailer = nodemailer.createTransport({
    host: HOST,
    port,
    pool: true,
    maxConnections: 1,
    maxMessages: Number.POSITIVE_INFINITY,
    ignoreTLS: true,
  });
  const mail = {
    from: 'agent@shoal.localhost',
    to: 'recipient@example.com',
    subject: 'Follow-up on your request',
    text: text.replaceAll('\r\n', '\n'),
  };
  const found = await rate(seconds, async () => void (await mailer.sendMail(mail)));
  mailer.close();
  return found;
}
