import { GIVE_UP_CEILING_MS, GIVE_UP_MS } from '../model/limits.ts';
import type { FailureClass } from '../model/outcome.ts';
import type { FailedAttempt, RetryOptions } from '../model/retry.ts';
import { askPolicy } from './retry-policy.ts';

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

export type RetryFacts = FailedAttempt & {
  /** The next try comes no earlier, whatever the schedule says: the peer asked for it, or its reply is known to want it. */
  readonly notBeforeMs?: number;
};

export interface RetrySettings {
  /** Multiplies every wait; for tests. */
  readonly retryScale: number;
  /** Where a class has none of its own. */
  readonly giveUpMs?: number;
  readonly retry?: RetryOptions;
  /** Told each time a policy throws or answers nonsense. */
  readonly onPolicyFault?: (fault: string) => void;
}
export type RetryAnswer =
  | { readonly kind: 'retry'; readonly delayMs: number }
  | { readonly kind: 'dead'; readonly reason: 'exhausted' | 'expired' };

/**
 * When to try again after a counted failure, or why not. Gives up by time: 24 hours after the first counted failure unless
 * set otherwise, five days at most; and by count where one is set. Time spent waiting for `sendAt` or for limits of ours is
 * not in it, or a mail planned for next week would be given up at its first failure. A policy of the user's own is asked
 * first. `expiresAt` always wins, and a mail that would expire before its next try is told dead now.
 *
 * @param random  uniform in [0, 1)
 */
export function retryAfter(facts: RetryFacts, settings: RetrySettings, random: () => number): RetryAnswer {
  const plan = askPolicy(facts, settings);
  const answer = plan === undefined ? asScheduled(facts, settings, random) : asPlanned(plan, facts, settings);
  const expires = facts.expiresInMs !== undefined && answer.kind === 'retry' && answer.delayMs >= facts.expiresInMs;
  return expires ? { kind: 'dead', reason: 'expired' } : answer;
}

function asScheduled(facts: RetryFacts, settings: RetrySettings, random: () => number): RetryAnswer {
  const own = settings.retry?.classes[facts.failure] ?? {};
  if (own.attemptsMax !== undefined && countedFailures(facts) >= own.attemptsMax) return { kind: 'dead', reason: 'exhausted' };
  const giveUpMs = Math.min(own.giveUpMs ?? settings.giveUpMs ?? GIVE_UP_MS, GIVE_UP_CEILING_MS);
  const planned = scheduledDelayMs(facts, schedulesOf(settings.retry), random);
  const scaled = Math.floor(Math.min(planned, own.ceilingMs ?? planned) * settings.retryScale);
  return within(giveUpMs, Math.max(scaled, facts.notBeforeMs ?? 0), facts);
}

function asPlanned(plan: NonNullable<ReturnType<typeof askPolicy>>, facts: RetryFacts, { retryScale }: RetrySettings): RetryAnswer {
  if ('giveUp' in plan) return { kind: 'dead', reason: 'exhausted' };
  return within(GIVE_UP_CEILING_MS, Math.floor(plan.delayMs * retryScale), facts);
}

/** The last try is made when the time is up, not before. */
function within(giveUpMs: number, delayMs: number, { failingMs }: RetryFacts): RetryAnswer {
  if (failingMs >= giveUpMs) return { kind: 'dead', reason: 'exhausted' };
  return { kind: 'retry', delayMs: Math.min(delayMs, giveUpMs - failingMs) };
}

/** This one included. Greylisting asks for its retries, so all of it together is one. */
function countedFailures({ failure, failures }: RetryFacts): number {
  const { network = 0, deferred = 0, greylist = 0 } = failures;
  const isGreylisted = greylist > 0 || failure === 'greylist';
  return network + deferred + (failure === 'greylist' ? 0 : 1) + (isGreylisted ? 1 : 0);
}

type Schedules = Readonly<Record<FailureClass, Schedule>>;

/** The lists of delays that somebody set, with the jitter of the class. */
function schedulesOf(options: RetryOptions | undefined): Schedules {
  if (options === undefined) return SCHEDULES;
  const of = (failure: FailureClass): Schedule => {
    const delaysMs = options.classes[failure]?.delaysMs;
    return delaysMs === undefined ? SCHEDULES[failure] : { ...SCHEDULES[failure], delaysMs };
  };
  return { network: of('network'), deferred: of('deferred'), greylist: of('greylist') };
}

function scheduledDelayMs({ failure, failures }: RetryFacts, schedules: Schedules, random: () => number): number {
  const own = schedules[failure];
  const nth = failures[failure] ?? 0;
  const goesOn = own.after === 'deferred' && nth >= own.delaysMs.length;
  const schedule = goesOn ? schedules.deferred : own;
  const index = goesOn || failure === 'deferred' ? deferredSteps(failures, schedules) : nth;
  const baseMs = schedule.delaysMs[Math.min(index, schedule.delaysMs.length - 1)] ?? 0;
  return spread(baseMs, schedule.jitter, random);
}

/** How far the deferred list was used: by its own class, and by those that went on with it. */
function deferredSteps(failures: RetryFacts['failures'], schedules: Schedules): number {
  const beyond = (failure: FailureClass): number =>
    schedules[failure].after === 'deferred' ? Math.max(0, (failures[failure] ?? 0) - schedules[failure].delaysMs.length) : 0;
  return (failures.deferred ?? 0) + beyond('network') + beyond('greylist');
}

function spread(baseMs: number, [from, to]: readonly [from: number, to: number], random: () => number): number {
  return baseMs * (from + (to - from) * random());
}

/** Waits that are not counted, by what they wait for. Short enough to notice the cure, long enough not to be the disease. */
export const WAITS = {
  /** One recipient gets too much mail, or one message came too often: nothing else waits, and this waits long. */
  alone: { baseMs: HOUR_MS, jitter: [1, 1.2] },
  /** A dead kept connection: a new one at once, apart enough that a pool's worth of them does not come in one blow. */
  reconnect: { baseMs: SECOND_MS, jitter: [0, 1] },
  /** More connections than the peer allows: by then the ledger lets fewer go at once. */
  crowd: { baseMs: 4 * SECOND_MS, jitter: [0.5, 1.5] },
  /** The ledger did not answer the commit. */
  ledger: { baseMs: 2 * SECOND_MS, jitter: [0.5, 1] },
} as const satisfies Record<string, { readonly baseMs: number; readonly jitter: readonly [number, number] }>;

export function waitMs(cause: keyof typeof WAITS, retryScale: number, random: () => number): number {
  const { baseMs, jitter } = WAITS[cause];
  return Math.floor(spread(baseMs, jitter, random) * retryScale);
}

/** 5 s * 2^n before the n-th run apart, n from 0, each a little earlier or later so that a fleet's poison does not run at once. */
export function apartDelaysMs(count: number, retryScale: number, random: () => number): readonly number[] {
  return Array.from({ length: count }, (_, n) => Math.floor(spread(5 * SECOND_MS * 2 ** n, [0.8, 1.2], random) * retryScale));
}
