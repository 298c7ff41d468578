import { GIVE_UP_CEILING_MS, GIVE_UP_MS } from '../model/limits.ts';
import type { FailureClass } from '../model/outcome.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

export interface Schedule {
  /** Wait after the first counted failure of the class, the second, and so on. */
  readonly delaysMs: readonly number[];
  /** The wait is multiplied by a uniform number between these two. */
  readonly jitter: readonly [from: number, to: number];
  /** When the list is used up: `last` repeats its last wait, `deferred` goes on with that class's list. */
  readonly after: 'last' | 'deferred';
}

/**
 * One schedule a class, since one formula can't fit both a dropped packet and a full mailbox. RFC 5321 section 4.5.4.1 asks for
 * 30 minutes between tries in general and allows better when the reason is known; late mail of an agent often does harm.
 */
export const SCHEDULES: Readonly<Record<FailureClass, Schedule>> = {
  // min(1000 * 2^n, 300000) ms for n = 1 to 8, full jitter (M. Brooker, "Exponential Backoff And Jitter", 2015).
  network: { delaysMs: [2, 4, 8, 16, 32, 64, 128, 256].map((seconds) => seconds * SECOND_MS), jitter: [0, 1], after: 'deferred' },
  deferred: {
    delaysMs: [5 * MINUTE_MS, 10 * MINUTE_MS, 20 * MINUTE_MS, 40 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS, 4 * HOUR_MS],
    jitter: [0.8, 1.2],
    after: 'last',
  },
  // Greylisting opens after a fixed time, usually 5 to 15 minutes: earlier than that a try only begins the wait anew.
  greylist: { delaysMs: [6 * MINUTE_MS, 15 * MINUTE_MS, 30 * MINUTE_MS], jitter: [1, 1.2], after: 'deferred' },
};

export interface RetryFacts {
  readonly failure: FailureClass;
  /** Counted failures before this one, by class. */
  readonly failures: Readonly<Partial<Record<FailureClass, number>>>;
  /** Since the first counted failure; 0 when this is the first. */
  readonly failingMs: number;
  /** Until the mail may no longer be sent. */
  readonly expiresInMs?: number;
}
export interface RetrySettings {
  /** Multiplies every wait; for tests. */
  readonly retryScale: number;
  readonly giveUpMs?: number;
  readonly schedules?: Readonly<Record<FailureClass, Schedule>>;
}
export type RetryAnswer =
  | { readonly kind: 'retry'; readonly delayMs: number }
  | { readonly kind: 'dead'; readonly reason: 'exhausted' | 'expired' };

/**
 * When to try again after a counted failure, or why not. Gives up by time, not by count: 24 hours after the first counted
 * failure unless set otherwise, five days at most. Time spent waiting for `sendAt` or for limits of ours is not in it, or a
 * mail planned for next week would be given up at its first failure. `expiresAt` always wins, and a mail that would expire
 * before its next try is told dead now.
 *
 * @param random  uniform in [0, 1)
 * @example retryAfter({ failure: 'deferred', failures: {}, failingMs: 0 }, { retryScale: 1 }, () => 0.5) // 300000 ms
 */
export function retryAfter(facts: RetryFacts, settings: RetrySettings, random: () => number): RetryAnswer {
  const giveUpMs = Math.min(settings.giveUpMs ?? GIVE_UP_MS, GIVE_UP_CEILING_MS);
  if (facts.failingMs >= giveUpMs) return { kind: 'dead', reason: 'exhausted' };
  const planned = Math.floor(plannedDelayMs(facts, settings.schedules ?? SCHEDULES, random) * settings.retryScale);
  const delayMs = Math.min(planned, giveUpMs - facts.failingMs); // the last try is made when the time is up, not before
  if (facts.expiresInMs !== undefined && delayMs >= facts.expiresInMs) return { kind: 'dead', reason: 'expired' };
  return { kind: 'retry', delayMs };
}

function plannedDelayMs(
  { failure, failures }: RetryFacts,
  schedules: Readonly<Record<FailureClass, Schedule>>,
  random: () => number,
): number {
  const own = schedules[failure];
  const nth = failures[failure] ?? 0;
  const goesOn = own.after === 'deferred' && nth >= own.delaysMs.length;
  const schedule = goesOn ? schedules.deferred : own;
  const index = goesOn || failure === 'deferred' ? deferredSteps(failures, schedules) : nth;
  const baseMs = schedule.delaysMs[Math.min(index, schedule.delaysMs.length - 1)] ?? 0;
  const [from, to] = schedule.jitter;
  return baseMs * (from + (to - from) * random());
}

/** How far the deferred list was used: by its own class, and by those that went on with it. */
function deferredSteps(failures: RetryFacts['failures'], schedules: Readonly<Record<FailureClass, Schedule>>): number {
  const beyond = (failure: FailureClass): number =>
    schedules[failure].after === 'deferred' ? Math.max(0, (failures[failure] ?? 0) - schedules[failure].delaysMs.length) : 0;
  return (failures.deferred ?? 0) + beyond('network') + beyond('greylist');
}

/** Waits that are not counted, by what they wait for. Short enough to notice the cure, long enough not to be the disease. */
export const WAITS = {
  /** The server closed or refused the session: another one, soon. */
  session: { baseMs: 10 * SECOND_MS, jitter: [0.5, 1.5] },
  /** A dead kept connection: a new one at once, apart enough that a pool's worth of them does not come in one blow. */
  reconnect: { baseMs: SECOND_MS, jitter: [0, 1] },
  /** Credentials or settings: nothing gets better until somebody acts. */
  account: { baseMs: 5 * MINUTE_MS, jitter: [0.9, 1.1] },
  /** The ledger did not answer the commit. */
  ledger: { baseMs: 2 * SECOND_MS, jitter: [0.5, 1] },
} as const satisfies Record<string, { readonly baseMs: number; readonly jitter: readonly [number, number] }>;

export function waitMs(cause: keyof typeof WAITS, retryScale: number, random: () => number): number {
  const { baseMs, jitter } = WAITS[cause];
  return Math.floor(baseMs * (jitter[0] + (jitter[1] - jitter[0]) * random()) * retryScale);
}

/** 5 s * 2^n before the n-th run apart, n from 0, each a little earlier or later so that a fleet's poison does not run at once. */
export function apartDelaysMs(count: number, retryScale: number, random: () => number): readonly number[] {
  return Array.from({ length: count }, (_, n) => Math.floor(5 * SECOND_MS * 2 ** n * (0.8 + 0.4 * random()) * retryScale));
}
