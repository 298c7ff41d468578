// @ts-check
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configOf, openEngine } from '../../packages/engine/dist/index.js';
import { HOST, quantile } from './machine.mjs';
import { pause } from '../storm/wait.mjs';

/** Benches of one whole engine in this process: how soon an idle one sends, and how many submissions it makes durable. */

/** @param {{ transport: string, http?: string, worker?: boolean, onTaken?: (to: string) => void }} wish */
async function openOne({ transport, http = 'off', worker = true, onTaken = () => {} }) {
  const folder = mkdtempSync(join(process.env['SHOAL_BENCH_DIR'] ?? tmpdir(), 'shoal-speed-'));
  const config = configOf({ ledger: `sqlite:${join(folder, 'shoal.db')}`, dataDir: folder, transport, http, log: 'warn', concurrency: 50 });
  const engine = await openEngine(config, {
    roles: { http: true, worker },
    decorate: {
      transport: (inner) => ({
        ...inner,
        async send(parcel, commit, signal) {
          const report = await inner.send(parcel, commit, signal);
          if (report.kind === 'accepted') onTaken(String(parcel.envelope.to[0]));
          return report;
        },
      }),
    },
  });
  await engine.start();
  const ask = async (/** @type {string} */ path, /** @type {unknown} */ body = {}, token = '') => {
    const headers = { 'content-type': 'application/json', ...(token !== '' && { authorization: `Bearer ${token}` }) };
    const answer = await engine.fetch(new Request(`http://localhost${path}`, { method: 'POST', headers, body: JSON.stringify(body) }));
    const json = /** @type {any} */ (await answer.json());
    if (!answer.ok) throw new Error(`${path}: ${JSON.stringify(json)}`);
    return json;
  };
  const { token } = await ask('/v1/signup');
  const { address } = await ask('/v1/inboxes', { localPart: 'bench' }, token);
  return {
    engine,
    token,
    /** @param {string} to @param {string} text */
    mail: (to, text) => ({ from: address, to, subject: 'Follow-up on your request', text, allowDuplicate: true }),
    send: (/** @type {unknown} */ mail) => ask('/v1/emails/send', mail, token),
    async close() {
      await engine.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** From the call to the reply of the mail server, one mail at a time. @param {{ port: number, count: number, text: string }} wish */
export async function idleLatency({ port, count, text }) {
  /** @type {Map<string, number>} */
  const askedAt = new Map();
  /** @type {number[]} */
  const waitsMs = [];
  const one = await openOne({
    transport: `smtp://${HOST}:${port}`,
    onTaken: (to) => waitsMs.push(performance.now() - (askedAt.get(to) ?? Number.NaN)),
  });
  const warm = 100;
  for (let n = 0; n < count + warm; n += 1) {
    const to = `r${n}@example.com`;
    askedAt.set(to, performance.now());
    await one.send(one.mail(to, text));
    await pause(15);
  }
  await pause(500);
  await one.close();
  const measured = waitsMs.slice(warm);
  return { count: measured.length, p50Ms: quantile(0.5, measured), p99Ms: quantile(0.99, measured) };
}

/** Submissions that are on disk, a second, by so many callers at once; nothing is sent meanwhile. @param {{ over: 'engine' | 'http', callers: number, count: number, text: string }} wish */
export async function enqueueRate({ over, callers, count, text }) {
  const one = await openOne({ transport: 'capture:', worker: false, ...(over === 'http' && { http: `${HOST}:0` }) });
  const send = over === 'engine' ? one.send : httpSender(String(one.engine.url), one.token, callers);
  let asked = 0;
  const caller = async (/** @type {number} */ until) => {
    while (asked < until) {
      asked += 1;
      await send(one.mail(`r${asked}@example.com`, text));
    }
  };
  const run = (/** @type {number} */ until) => Promise.all(Array.from({ length: callers }, () => caller(until)));
  await run(2_000);
  const startedAt = performance.now();
  await run(2_000 + count);
  const seconds = (performance.now() - startedAt) / 1_000;
  await one.close();
  return count / seconds;
}

/** Node's own client with a connection for each caller; it shares the processor with the server. @param {string} url @param {string} token @param {number} callers */
function httpSender(url, token, callers) {
  const agent = new Agent({ keepAlive: true, maxSockets: callers });
  const { hostname, port } = new URL(url);
  return (/** @type {unknown} */ mail) =>
    new Promise((resolve, reject) => {
      const body = JSON.stringify(mail);
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), authorization: `Bearer ${token}` };
      const asked = request({ agent, hostname, port, path: '/v1/emails/send', method: 'POST', headers }, (answer) => {
        answer.resume();
        answer.once('end', () => (answer.statusCode === 202 ? resolve(undefined) : reject(new Error(`answered ${answer.statusCode}`))));
      });
      asked.once('error', reject);
      asked.end(body);
    });
}
