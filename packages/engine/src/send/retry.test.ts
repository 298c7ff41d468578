import { expect, it } from 'vitest';
import type { FailureClass } from '../model/outcome.ts';
import type { FailedAttempt, RetryOptions, RetryPolicy } from '../model/retry.ts';
import { apartDelaysMs, type RetryFacts, type RetrySettings, retryAfter, waitMs } from './retry.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const ONE = { retryScale: 1 };

function after(facts: Partial<RetryFacts> & { failure: FailureClass }, random = 0.5, settings: RetrySettings = ONE) {
  return retryAfter({ failures: {}, attempts: 1, failingMs: 0, ageMs: 0, recipients: ['ann@x.example'], ...facts }, settings, () => random);
}

/** The waits of one class, each failure counted before the next. */
function waits(failure: FailureClass, count: number, random: number): number[] {
  return Array.from({ length: count }, (_, nth) => {
    const answer = after({ failure, failures: { [failure]: nth } }, random);
    return answer.kind === 'retry' ? answer.delayMs : Number.NaN;
  });
}

it('draws the wait of a network failure from all of 2 s to 256 s, then goes on as deferred', () => {
  expect(waits('network', 10, 0)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 4 * MINUTE_MS, 8 * MINUTE_MS]);
  expect(waits('network', 8, 0.5)).toEqual([1, 2, 4, 8, 16, 32, 64, 128].map((seconds) => seconds * 1_000));
});

it('waits minutes, then hours, for a deferred mail', () => {
  expect(waits('deferred', 9, 0.5).map((ms) => Math.round(ms / MINUTE_MS))).toEqual([5, 10, 20, 40, 60, 120, 240, 240, 240]);
  expect(waits('deferred', 2, 0).map((ms) => ms / MINUTE_MS)).toEqual([4, 8]);
  expect(waits('deferred', 2, 1).map((ms) => ms / MINUTE_MS)).toEqual([6, 12]);
});

it('never comes back to a greylist early', () => {
  expect(waits('greylist', 4, 0).map((ms) => ms / MINUTE_MS)).toEqual([6, 15, 30, 4]);
  expect(waits('greylist', 1, 1)[0]).toBe(Math.floor(7.2 * MINUTE_MS));
});

it('goes on in the deferred schedule where the other classes left it', () => {
  expect(after({ failure: 'deferred', failures: { network: 10, deferred: 1 } })).toEqual({ kind: 'retry', delayMs: 40 * MINUTE_MS });
});

it('gives up a day after the first counted failure, with a last try when the time is up', () => {
  expect(after({ failure: 'deferred', failures: { deferred: 9 }, failingMs: 23 * HOUR_MS })).toEqual({ kind: 'retry', delayMs: HOUR_MS });
  expect(after({ failure: 'deferred', failures: { deferred: 9 }, failingMs: 24 * HOUR_MS })).toEqual({ kind: 'dead', reason: 'exhausted' });
});

it('tries for five days at most, whatever the setting says', () => {
  const settings = { retryScale: 1, giveUpMs: 30 * 24 * HOUR_MS };
  expect(after({ failure: 'deferred', failingMs: 5 * 24 * HOUR_MS - 1 }, 0.5, settings).kind).toBe('retry');
  expect(after({ failure: 'deferred', failingMs: 5 * 24 * HOUR_MS }, 0.5, settings)).toEqual({ kind: 'dead', reason: 'exhausted' });
});

it('tells a mail dead now when it would expire before its next try', () => {
  expect(after({ failure: 'deferred', expiresInMs: 5 * MINUTE_MS })).toEqual({ kind: 'dead', reason: 'expired' });
  expect(after({ failure: 'deferred', expiresInMs: 5 * MINUTE_MS + 1 })).toEqual({ kind: 'retry', delayMs: 5 * MINUTE_MS });
});

it('scales waits and not the time to give up', () => {
  expect(after({ failure: 'deferred' }, 0.5, { retryScale: 0.01 })).toEqual({ kind: 'retry', delayMs: 3_000 });
  expect(after({ failure: 'deferred', failingMs: HOUR_MS }, 0.5, { retryScale: 0.01 }).kind).toBe('retry');
  expect(waitMs('crowd', 0.1, () => 0.5)).toBe(400);
  expect(apartDelaysMs(3, 1, () => 0.5)).toEqual([5_000, 10_000, 20_000]);
});

it('takes delays, ceiling, give-up time and count of a class from the settings', () => {
  const settings = (classes: RetryOptions['classes']): RetrySettings => ({ retryScale: 1, retry: { classes } });
  expect(after({ failure: 'network' }, 0.5, settings({ network: { delaysMs: [60_000] } }))).toEqual({ kind: 'retry', delayMs: 30_000 });
  expect(after({ failure: 'network', failures: { network: 1 } }, 0.5, settings({ network: { delaysMs: [60_000] } }))).toEqual({
    kind: 'retry', // the list is used up, so it goes on as deferred
    delayMs: 5 * MINUTE_MS,
  });
  const ceiling = settings({ deferred: { ceilingMs: HOUR_MS } });
  expect(after({ failure: 'deferred', failures: { deferred: 9 } }, 1, ceiling)).toEqual({ kind: 'retry', delayMs: HOUR_MS });
  const giveUp = settings({ deferred: { giveUpMs: HOUR_MS } });
  expect(after({ failure: 'deferred', failingMs: HOUR_MS }, 0.5, giveUp)).toEqual({ kind: 'dead', reason: 'exhausted' });
  expect(after({ failure: 'network', failures: { network: 1 }, failingMs: HOUR_MS }, 0.5, giveUp).kind).toBe('retry');
});

it('gives up by count, with all greylist replies as one', () => {
  const settings: RetrySettings = { retryScale: 1, retry: { classes: { deferred: { attemptsMax: 3 } } } };
  expect(after({ failure: 'deferred', failures: { deferred: 1 } }, 0.5, settings).kind).toBe('retry');
  expect(after({ failure: 'deferred', failures: { network: 1, deferred: 1 } }, 0.5, settings)).toEqual({
    kind: 'dead',
    reason: 'exhausted',
  });
  expect(after({ failure: 'deferred', failures: { greylist: 9 } }, 0.5, settings).kind).toBe('retry');
  expect(after({ failure: 'deferred', failures: { greylist: 9, deferred: 1 } }, 0.5, settings).kind).toBe('dead');
  expect(after({ failure: 'network', failures: { network: 9 } }, 0.5, settings).kind).toBe('retry'); // another class, another count
});

it('comes no earlier than the peer asked', () => {
  expect(after({ failure: 'deferred', notBeforeMs: HOUR_MS })).toEqual({ kind: 'retry', delayMs: HOUR_MS });
  expect(after({ failure: 'deferred', notBeforeMs: 1 })).toEqual({ kind: 'retry', delayMs: 5 * MINUTE_MS });
  expect(after({ failure: 'deferred', notBeforeMs: HOUR_MS, expiresInMs: HOUR_MS })).toEqual({ kind: 'dead', reason: 'expired' });
});

it('asks a policy first, within expiry and five days', () => {
  const asking = (policy: RetryPolicy): RetrySettings => ({ retryScale: 1, retry: { classes: {}, policy } });
  const asked: FailedAttempt[] = [];
  const policy: RetryPolicy = (attempt) => {
    asked.push(attempt);
    return { delayMs: attempt.attempts * 1_000 };
  };
  const reply = { code: 451, text: 'later' };
  expect(after({ failure: 'deferred', attempts: 7, reply, notBeforeMs: 5 }, 0.5, asking(policy))).toEqual({
    kind: 'retry',
    delayMs: 7_000,
  });
  expect(asked).toEqual([{ failure: 'deferred', failures: {}, attempts: 7, failingMs: 0, ageMs: 0, recipients: ['ann@x.example'], reply }]);
  expect(
    after(
      { failure: 'deferred' },
      0.5,
      asking(() => ({ giveUp: true })),
    ),
  ).toEqual({ kind: 'dead', reason: 'exhausted' });
  expect(
    after(
      { failure: 'deferred' },
      0.5,
      asking(() => undefined),
    ),
  ).toEqual({ kind: 'retry', delayMs: 5 * MINUTE_MS });
  expect(after({ failure: 'deferred', attempts: 1, expiresInMs: 1_000 }, 0.5, asking(policy))).toEqual({ kind: 'dead', reason: 'expired' });
  expect(after({ failure: 'deferred', failingMs: 48 * HOUR_MS }, 0.5, asking(policy)).kind).toBe('retry'); // past the usual day
  expect(after({ failure: 'deferred', failingMs: 5 * 24 * HOUR_MS }, 0.5, asking(policy))).toEqual({ kind: 'dead', reason: 'exhausted' });
});

const FAULTY: readonly (readonly [what: string, policy: () => unknown, said: string])[] = [
  [
    'throws',
    () => {
      throw new Error('no such table');
    },
    'it threw: no such table',
  ],
  ['answers a promise', async () => ({ delayMs: 1 }), 'answered a promise'],
  [
    'answers a promise that is rejected',
    async () => {
      throw new Error('late');
    },
    'answered a promise',
  ],
  ['answers a number', () => 5_000, 'answered 5000'],
  ['answers nothing but null', () => null, 'answered null'],
  ['answers a delay that is none', () => ({ delayMs: Number.NaN }), 'answered {"delayMs":null}'],
  ['answers a delay before now', () => ({ delayMs: -1 }), 'answered {"delayMs":-1}'],
  ['answers a delay without end', () => ({ delayMs: Number.POSITIVE_INFINITY }), 'answered'],
];

it.each(FAULTY)('uses the schedule, and says so, when a policy %s', (_, policy, said) => {
  // biome-ignore format: a case is a row
  const faults: string[] = [];
  const settings: RetrySettings = {
    retryScale: 1,
    retry: { classes: {}, policy: policy as RetryPolicy },
    onPolicyFault: (fault) => faults.push(fault),
  };
  expect(after({ failure: 'deferred' }, 0.5, settings)).toEqual({ kind: 'retry', delayMs: 5 * MINUTE_MS });
  expect(faults).toEqual([expect.stringContaining(said)]);
});
