// @ts-check
import { until } from './wait.mjs';

/**
 * What the sender says about each acknowledged mail, read through its API once everything came to an end.
 *
 * @typedef {import('./judge.mjs').MailRecord} MailRecord
 */

const READERS = 8;

/**
 * Waits until each acknowledged mail is final or in doubt for good.
 *
 * @param {import('./shoal.mjs').Api} api
 * @param {Iterable<import('./load.mjs').Sent>} acknowledged
 * @param {{ policy: 'hold' | 'resend', limitMs: number }} options
 * @returns {Promise<MailRecord[]>} those still `open` at the limit as well
 */
export async function settledRecords(api, acknowledged, { policy, limitMs }) {
  /** @type {MailRecord[]} */
  const settled = [];
  let open = [...acknowledged];
  /** @type {MailRecord[]} */
  let stillOpen = [];
  const look = async () => {
    const answers = await inParallel(open, async (sent) => recordOf(sent, await api.read(`/v1/emails/${sent.id}`), policy));
    settled.push(...answers.filter((record) => record.status !== 'open'));
    stillOpen = answers.filter((record) => record.status === 'open');
    open = open.filter((_, index) => answers[index]?.status === 'open');
    return open.length === 0;
  };
  try {
    await until('every acknowledged mail is final or in doubt', limitMs, look, { everyMs: 250 });
  } catch {
    // what is open at the limit is a finding of the judge, with its id, not the end of the run
  }
  return [...settled, ...stillOpen];
}

/** @param {import('./load.mjs').Sent} sent @param {any} mail @param {'hold' | 'resend'} policy @returns {MailRecord} */
function recordOf(sent, mail, policy) {
  /** @type {any[]} */
  const attempts = mail.jobs.flatMap((/** @type {any} */ job) => job.attempts);
  const unsettled = attempts.filter((attempt) => attempt.end === 'worker-lost' || attempt.end === 'doubt').length;
  return {
    to: sent.to,
    id: sent.id,
    requests: sent.requests,
    status: statusOf(mail.status, unsettled, policy),
    unsettled,
    crashes: attempts.filter((attempt) => attempt.end === 'crash').length,
    ...(mail.status === 'sent' ? { recordedAt: Date.parse(attempts.at(-1)?.endedAt) } : {}),
    ...(mail.status === 'failed' ? { why: attempts.at(-1)?.note ?? '' } : {}),
  };
}

/** @param {string} status @param {number} unsettled @param {'hold' | 'resend'} policy @returns {MailRecord['status']} */
function statusOf(status, unsettled, policy) {
  if (status === 'sent' || status === 'failed' || status === 'canceled') return status;
  // Under resend the first doubt is only a stage; a mail in doubt for a second time stays where it is.
  if (status === 'in_doubt' && (policy === 'hold' || unsettled > 1)) return status;
  return 'open';
}

/** @template T, R @param {readonly T[]} items @param {(item: T) => Promise<R>} act @returns {Promise<R[]>} */
export async function inParallel(items, act) {
  /** @type {R[]} */
  const results = new Array(items.length);
  let next = 0;
  const reader = async () => {
    while (next < items.length) {
      const index = next;
      next += 1;
      results[index] = await act(/** @type {T} */ (items[index]));
    }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  return results;
}
