// @ts-check
import { pause } from './wait.mjs';

/**
 * Callers as they should be: each mail has a key of its own, and a request without an answer is repeated with the same
 * key once the API is back.
 *
 * @typedef {object} Sent one mail as its caller knows it
 * @property {string} to unique, so that the journal tells mails apart without our ids
 * @property {string} id the server's, from the 202
 * @property {number} requests how often it had to be asked
 *
 * @typedef {object} LoadResult
 * @property {number} attempted
 * @property {Map<string, Sent>} acknowledged by recipient
 * @property {string[]} refused answers that were neither 202 nor worth repeating
 */

/** @param {number} index @param {number} seed */
export const recipientOf = (index, seed) => `m${index}-s${seed}@sink.test`;

/** @param {number} index @param {number} seed @param {'hold' | 'resend'} onDoubt @returns {import('./shoal.mjs').Mail} */
export function mailOf(index, seed, onDoubt) {
  return {
    key: `storm-${seed}-${index}`,
    to: recipientOf(index, seed),
    subject: `Storm ${seed}, mail ${index}`,
    text: `This is mail ${index} of the storm with seed ${seed}.\n.A line that begins with a dot.\n${'All work and no play. '.repeat(40)}\n`,
    onDoubt,
  };
}

/**
 * Asks until there is an answer that means something.
 *
 * @param {import('./shoal.mjs').Api} api
 * @param {import('./shoal.mjs').Mail} mail
 * @param {LoadResult} result
 */
export async function submitUntilAnswered(api, mail, result) {
  result.attempted += 1;
  for (let requests = 1; ; requests += 1) {
    const answer = await api.submit(mail);
    if (answer?.status === 202) {
      result.acknowledged.set(mail.to, { to: mail.to, id: answer.body.id, requests });
      return;
    }
    if (answer !== undefined && answer.status < 500) {
      result.refused.push(`${mail.to}: ${answer.status} ${JSON.stringify(answer.body)}`);
      return;
    }
    await api.whenReady();
  }
}

/** @returns {LoadResult} */
export const noLoad = () => ({ attempted: 0, acknowledged: new Map(), refused: [] });

/** So many requests wait for an answer at most; more would be a load of their own and no longer the pace that was asked for. */
const REQUESTS_MAX = 200;

/**
 * A paced load: mail `i` is handed in `i / rate` seconds after the start, whether or not the ones before were answered,
 * unless too many of those wait: then the pace is that of the answers.
 *
 * @param {{ api: import('./shoal.mjs').Api, mails: number, ratePerSecond: number, seed: number, onDoubt: 'hold' | 'resend', isOver?: () => boolean }} plan
 * @returns {Promise<LoadResult>}
 */
export async function pacedLoad({ api, mails, ratePerSecond, seed, onDoubt, isOver = () => false }) {
  const result = noLoad();
  const startedAt = performance.now();
  /** @type {Set<Promise<void>>} */
  const underWay = new Set();
  for (let index = 0; index < mails && !isOver(); index += 1) {
    const early = (index * 1_000) / ratePerSecond - (performance.now() - startedAt);
    if (early > 1) await pause(early);
    while (underWay.size >= REQUESTS_MAX) await Promise.race(underWay);
    const submitting = submitUntilAnswered(api, mailOf(index, seed, onDoubt), result).finally(() => underWay.delete(submitting));
    submitting.catch(() => undefined); // told at the end, by `all`
    underWay.add(submitting);
  }
  await Promise.all(underWay);
  return result;
}
