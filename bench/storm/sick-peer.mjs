// @ts-check
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endGroup } from './child.mjs';
import { openFleet } from './fleet.mjs';
import { apiAt, freePort, makeWorld, startShoal, startSink } from './shoal.mjs';
import { readJournal } from './sink.mjs';
import { pause, until } from './wait.mjs';

/**
 * Three senders, each with a server of its own, under a steady load; for a while one server turns everybody away with 421.
 * How often is it still asked, what did it cost its mails, and did the neighbours notice?
 *
 * @typedef {object} SickPlan
 * @property {number} ratePerSecond of each sender
 * @property {number} sickMs
 * @property {number} [retryScale] of the first wait of the gate, 30 s
 * @property {boolean} [isShort] ends when the neighbours' mail has arrived, and says nothing of the sick one's
 * @property {boolean} isSick false: the same without the sickness, to compare with
 *
 * @typedef {object} SickResult
 * @property {number} attemptsPerSecondMax connections to the sick server in any second from 10 s after it fell sick until it was well
 * @property {number} attemptsInAll connections that it turned away
 * @property {number} attemptsUsedUp counted failures of mails of the sick sender
 * @property {number} recoveredMs from its recovery until its backlog was gone
 * @property {number} neighboursP99Ms from the submission to the arrival
 * @property {number} lost acknowledged and not arrived
 * @property {number} copies beyond the first
 */

const NAMES = /** @type {const} */ (['sick', 'second', 'third']);
const HEALTHY_BEFORE_MS = 2_000;
const BEGINNING_MS = 10_000;
const READY_MS_MAX = 120_000;
/** The gate's longest wait, and some. */
const RECOVERY_MS_MAX = 16 * 60_000;

/** @param {SickPlan} plan @returns {Promise<SickResult>} */
export async function sickPeer({ ratePerSecond, sickMs, isSick, isShort = false, retryScale = 1 }) {
  const world = makeWorld('sick-peer');
  const flag = join(world.dir, 'turns-everybody-away');
  const sinks = await Promise.all(
    NAMES.map(async (name) => {
      const dir = join(world.dir, name);
      mkdirSync(dir);
      const journalPath = join(dir, 'journal.jsonl');
      return { name, journalPath, ...(await startSink({ ...world, dir, journalPath }, name === 'sick' ? { sickWhile: flag } : {})) };
    }),
  );
  const httpPort = await freePort();
  const settings = { world, smtpPort: sinks[0]?.port ?? 0, leaseMs: 5_000, retryScale };
  const env = {
    SHOAL_SENDERS: JSON.stringify(Object.fromEntries(sinks.map(({ name, port }) => [name, { transport: `smtp://127.0.0.1:${port}` }]))),
  };
  const fleet = openFleet({
    serve: () => startShoal('serve', { ...settings, httpPort }, { env }),
    work: () => startShoal('work', settings, { env }),
  });
  try {
    const api = apiAt(httpPort, { token: await operatorToken(world), from: '' });
    await api.whenReady();
    const inboxes = await Promise.all(NAMES.map((name) => openInbox(api, name)));
    /** @type {Map<string, number>} */
    const acceptedAt = new Map();
    const loads = inboxes.map((from, n) =>
      steadyLoad({ api, from, name: NAMES[n] ?? '', ratePerSecond, forMs: sickMs + 2 * HEALTHY_BEFORE_MS, acceptedAt }),
    );
    await pause(HEALTHY_BEFORE_MS);
    const fellSickAt = Date.now();
    if (isSick) writeFileSync(flag, '');
    await pause(sickMs);
    const wellAt = Date.now();
    rmSync(flag, { force: true });
    await Promise.all(loads);
    const arrived = () => new Map(sinks.flatMap(({ journalPath }) => readJournal(journalPath).dots).map((dot) => [dot.to, dot.at]));
    const awaited = [...acceptedAt.keys()].filter((to) => !isShort || !to.startsWith('sick'));
    await until('every mail has arrived', RECOVERY_MS_MAX, () => isIn(awaited, arrived()), { everyMs: 250 });
    const recoveredMs = Date.now() - wellAt;
    const { turnedAway } = readJournal(sinks[0]?.journalPath ?? '');
    const dots = sinks.flatMap(({ journalPath }) => readJournal(journalPath).dots);
    const arrivals = arrived();
    const latencies = [...acceptedAt].filter(([to]) => !to.startsWith('sick')).map(([to, at]) => (arrivals.get(to) ?? Number.NaN) - at);
    return {
      attemptsPerSecondMax: mostInASecond(turnedAway.map(({ at }) => at).filter((at) => at >= fellSickAt + BEGINNING_MS && at < wellAt)),
      attemptsInAll: turnedAway.length,
      attemptsUsedUp: isSick && !isShort ? await attemptsUsedUp(api, acceptedAt.size) : 0,
      recoveredMs,
      neighboursP99Ms: percentile(latencies, 0.99),
      lost: awaited.filter((to) => !arrivals.has(to)).length,
      copies: dots.length - new Set(dots.map(({ to }) => to)).size,
    };
  } finally {
    await fleet.close();
    await Promise.all(sinks.map(({ child }) => endGroup(child)));
    world.remove();
  }
}

/** Only an operator says which sender an inbox has. @param {import('./shoal.mjs').World} world */
function operatorToken(world) {
  const path = join(world.dir, 'data', 'token');
  return until('the operator has a token', READY_MS_MAX, () =>
    existsSync(path) ? readFileSync(path, 'utf8').trim() || undefined : undefined,
  );
}

/** @param {readonly string[]} recipients @param {Map<string, number>} arrivals */
const isIn = (recipients, arrivals) => recipients.every((to) => arrivals.has(to));

/** @param {import('./shoal.mjs').Api} api @param {string} sender */
async function openInbox(api, sender) {
  const answer = await api.ask('POST', '/v1/inboxes', { localPart: `from-${sender}`, sender });
  if (answer === undefined || answer.status >= 300) throw new Error(`no inbox for ${sender}: ${JSON.stringify(answer)}`);
  return answer.body.address;
}

/** @param {{ api: import('./shoal.mjs').Api, from: string, name: string, ratePerSecond: number, forMs: number, acceptedAt: Map<string, number> }} load */
async function steadyLoad({ api, from, name, ratePerSecond, forMs, acceptedAt }) {
  const beganAt = performance.now();
  /** @type {Promise<void>[]} */
  const asked = [];
  for (let index = 0; index < (forMs / 1_000) * ratePerSecond; index += 1) {
    await pause(beganAt + (index * 1_000) / ratePerSecond - performance.now());
    const to = `${name}-${index}@sink.test`;
    const at = Date.now();
    asked.push(
      accepted(api, { from, to, subject: `mail ${index}`, text: 'Hello.' }).then(() => {
        acceptedAt.set(to, at);
      }),
    );
  }
  await Promise.all(asked);
}

/** Repeats with the same key while there is no answer. @param {import('./shoal.mjs').Api} api @param {{ from: string, to: string, subject: string, text: string }} mail */
async function accepted(api, mail) {
  for (;;) {
    const answer = await api.ask('POST', '/v1/emails/send', mail, { 'idempotency-key': mail.to });
    if (answer?.status === 202) return;
    if (answer !== undefined) throw new Error(`${mail.to} was not accepted: ${JSON.stringify(answer)}`);
  }
}

/** Counted attempts beyond the one that sent each mail. @param {import('./shoal.mjs').Api} api @param {number} mails */
async function attemptsUsedUp(api, mails) {
  let counted = 0;
  let cursor = '';
  for (let seen = 0; seen < mails; ) {
    const page = await api.read(`/v1/emails?limit=100${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`);
    for (const { id } of page.data) {
      const email = await api.read(`/v1/emails/${id}`);
      for (const job of email.jobs) counted += job.attemptsCounted - 1;
    }
    seen += page.data.length;
    cursor = page.cursor ?? '';
    if (cursor === '') break;
  }
  return counted;
}

/** @param {readonly number[]} times */
function mostInASecond(times) {
  let most = 0;
  for (let first = 0, last = 0; last < times.length; last += 1) {
    while ((times[last] ?? 0) - (times[first] ?? 0) >= 1_000) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

/** @param {readonly number[]} values @param {number} share */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
