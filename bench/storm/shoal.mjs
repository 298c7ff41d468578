// @ts-check
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startChild } from './child.mjs';
import { readJournal } from './sink.mjs';
import { until } from './wait.mjs';

/**
 * Shoal as a storm sees it: a command, its environment, its HTTP API.
 *
 * @typedef {object} World one run's folder: the ledger's file, the journal, the output of every process
 * @property {string} dir
 * @property {string} journalPath
 * @property {string} ledger
 * @property {() => ReturnType<typeof readJournal>} journal
 * @property {() => void} remove
 *
 * @typedef {object} Settings
 * @property {World} world
 * @property {number} smtpPort
 * @property {number} [httpPort]
 * @property {number} [leaseMs]
 * @property {number} [retryScale]
 * @property {number} [concurrency]
 * @property {number} [drainMs]
 */

const BIN = fileURLToPath(new URL('../../packages/engine/bin/shoal.js', import.meta.url));
const SINK = fileURLToPath(new URL('./sink-process.mjs', import.meta.url));
export const LEASE_MS = 5_000;
export const CONCURRENCY = 10;

/** @param {string} name @returns {World} */
export function makeWorld(name) {
  const dir = mkdtempSync(join(tmpdir(), `shoal-${name}-`));
  mkdirSync(join(dir, 'data'));
  const journalPath = join(dir, 'journal.jsonl');
  return {
    dir,
    journalPath,
    ledger: `sqlite:${join(dir, 'data', 'shoal.db')}`,
    journal: () => (existsSync(journalPath) ? readJournal(journalPath) : { dots: [], lostLines: [], turnedAway: [] }),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** @param {Settings} settings @returns {Record<string, string>} */
export function environmentOf({
  world,
  smtpPort,
  httpPort,
  leaseMs = LEASE_MS,
  retryScale = 0.01,
  concurrency = CONCURRENCY,
  drainMs = 10_000,
}) {
  return {
    SHOAL_LEDGER: world.ledger,
    SHOAL_DATA_DIR: join(world.dir, 'data'),
    SHOAL_TRANSPORT: `smtp://127.0.0.1:${smtpPort}`,
    SHOAL_HTTP: httpPort === undefined ? 'off' : `127.0.0.1:${httpPort}`,
    SHOAL_LEASE_MS: String(leaseMs),
    SHOAL_RETRY_SCALE: String(retryScale),
    SHOAL_CONCURRENCY: String(concurrency),
    SHOAL_DRAIN_MS: String(drainMs),
    SHOAL_LOG: 'warn',
    HOME: world.dir, // tokens are kept in ~/.shoal: never in the home of whoever runs this
  };
}

/** @param {'serve' | 'work'} command @param {Settings} settings @param {{ name?: string, preload?: string, env?: Record<string, string> }} [options] */
export function startShoal(command, settings, { name = command, preload, env = {} } = {}) {
  return startChild({
    name,
    script: BIN,
    args: [command],
    env: { ...environmentOf(settings), ...env },
    logPath: join(settings.world.dir, `${name}.log`),
    ...(preload === undefined ? {} : { preload }),
  });
}

/** The sink in a process of its own. @param {World} world @param {import('./sink.mjs').SinkPlan} plan */
export async function startSink(world, plan) {
  const child = startChild({
    name: 'sink',
    script: SINK,
    args: [world.journalPath, JSON.stringify(plan)],
    logPath: join(world.dir, 'sink.log'),
  });
  const port = await until('the sink says its port', 10_000, () => Number(/^(\d+)\n/.exec(child.output())?.[1] ?? 0) || undefined);
  return { child, port };
}

/** A port that was free a moment ago; a restarted server needs the same one again, so it cannot be left to the system. @returns {Promise<number>} */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => (address === null || typeof address === 'string' ? reject(new Error('no port')) : resolve(address.port)));
    });
  });
}

/**
 * What is asked of the HTTP API. `undefined` means no usable answer: nobody knows whether the request arrived.
 *
 * @typedef {object} Answer
 * @property {number} status
 * @property {any} body
 *
 * @typedef {object} Api
 * @property {string} from the inbox that mail leaves from, once `open` was called
 * @property {() => Promise<boolean>} isReady
 * @property {(limitMs?: number) => Promise<void>} whenReady
 * @property {() => Promise<void>} open signs up and makes an inbox
 * @property {(method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer | undefined>} ask
 * @property {(mail: Mail) => Promise<Answer | undefined>} submit
 * @property {(path: string, limitMs?: number) => Promise<any>} read repeats until it gets a 200
 * @property {(port: number) => Api} at the same tenant through another process
 *
 * @typedef {object} Mail
 * @property {string} key
 * @property {string} to
 * @property {string} subject
 * @property {string} text
 * @property {'hold' | 'resend'} onDoubt
 * @property {number} [sendAt] epoch ms
 */

const ANSWER_MS_MAX = 15_000;
const READY_MS_MAX = 120_000;

/** @param {number} port @param {{ token: string, from: string }} [identity] @returns {Api} */
export function apiAt(port, identity = { token: '', from: '' }) {
  const base = `http://127.0.0.1:${port}`;
  /** @type {Promise<void> | undefined} */
  let waiting;
  /** @type {Api} */
  const api = {
    get from() {
      return identity.from;
    },
    async isReady() {
      return (await api.ask('GET', '/ready'))?.status === 200;
    },
    whenReady(limitMs = READY_MS_MAX) {
      // One look for everybody who waits: hundreds of callers that each ask would be a storm of their own.
      waiting ??= until(`${base}/ready answers 200`, limitMs, () => api.isReady(), { everyMs: 50 })
        .then(() => undefined)
        .finally(() => {
          waiting = undefined;
        });
      return waiting;
    },
    async open() {
      const account = await must(api.ask('POST', '/v1/signup', {}));
      identity.token = account.token;
      const inbox = await must(api.ask('POST', '/v1/inboxes', { localPart: 'storm' }));
      identity.from = inbox.address;
    },
    async ask(method, path, body, headers = {}) {
      try {
        const response = await fetch(base + path, {
          method,
          headers: {
            ...(identity.token === '' ? {} : { authorization: `Bearer ${identity.token}` }),
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
          signal: AbortSignal.timeout(ANSWER_MS_MAX),
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const text = await response.text();
        return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
      } catch {
        return undefined;
      }
    },
    submit: ({ key, ...mail }) =>
      api.ask('POST', '/v1/emails/send', { from: identity.from, ...mail, to: [mail.to] }, { 'idempotency-key': key }),
    async read(path, limitMs = 60_000) {
      /** @type {Answer | undefined} */
      let answer;
      return until(
        `GET ${path} is answered`,
        limitMs,
        async () => {
          answer = await api.ask('GET', path);
          return answer?.status === 200 ? answer.body : undefined;
        },
        { seen: () => answer },
      );
    },
    at: (other) => apiAt(other, identity),
  };
  return api;
}

/** @param {Promise<Answer | undefined>} asked */
async function must(asked) {
  const answer = await asked;
  if (answer === undefined || answer.status >= 300) throw new Error(`setting up failed: ${JSON.stringify(answer)}`);
  return answer.body;
}
