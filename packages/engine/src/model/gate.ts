/**
 * How a sender's peer is doing, as the whole fleet knows it: kept by the ledger with the sender, changed by what attempts
 * came to, asked before each lease. A peer that asks us to slow down, or that fails, closes the gate for a while; then one
 * mail goes as a probe, and each one that is taken lets more follow. Pure: adapters store it and call these functions.
 *
 * Sources: M. Nygard, "Release It!" (circuit breaker); Postfix SCHEDULER_README (concurrency by success and failure);
 * Google SRE book, "Handling Overload" (retry budget). The figures are our own.
 */
export interface Gate {
  /** Epoch ms; nothing goes before it. 0 = never closed. */
  readonly closedUntil: number;
  readonly closedAt: number;
  readonly why?: GateReason;
  /** For a person, in codes and our own words: every tenant with mail here is shown it (security T3). */
  readonly note?: string;
  /** Times it was closed in a row; the next wait is `2 ** level` as long. */
  readonly level: number;
  /** Mails under way at once, in the whole fleet; absent when the gate has no say in it. May be a fraction while it grows. */
  readonly openMax?: number;
  /** How it grows: one more for each mail taken (it doubles each round), or one more each round. */
  readonly growth?: 'doubles' | 'adds';
  /** The rate that was too much, in mails a minute, and since when only a part of it is used. */
  readonly slowed?: { readonly fromPerMinute: number; readonly share: number; readonly sinceAt: number };
  /** Of the slowed rate: when the next mail may go. */
  readonly nextAt: number;
  readonly samples: { readonly sinceAt: number; readonly good: number; readonly bad: number };
  readonly sent: { readonly sinceAt: number; readonly count: number; readonly before: number };
  readonly retries: { readonly tokens: number; readonly at: number };
}

/** `throttled`: the peer asked us to slow down. `failing`: it cannot be reached, or half of what we try fails. */
export type GateReason = 'throttled' | 'failing';

export const BREAKER_SAMPLES_MIN = 10;
export const BREAKER_BAD_SHARE = 0.5;
export const BREAKER_WINDOW_MS = 30_000;
/** No wait grows beyond it, unless the peer asks for more. */
export const GATE_CLOSED_MS_MAX = 15 * 60_000;
/** After this long without being closed, the next wait is a short one again. */
export const GATE_CALM_MS = 10 * 60_000;
/** From here on the gate has no say in how many are under way. */
export const GATE_OPEN_MAX = 64;
export const GATE_SHARE_AFTER_THROTTLE = 0.5;
export const GATE_RECOVERY_PER_MINUTE = 0.1;
export const RETRY_TOKENS_MAX = 100;
export const RETRY_TOKENS_PER_SUCCESS = 0.1;
/** With nothing but retries left there are no successes to pay for them, so a few are always allowed. */
export const RETRY_TOKENS_PER_MINUTE = 10;
const MINUTE_MS = 60_000;

export const OPEN_GATE: Gate = {
  closedUntil: 0,
  closedAt: 0,
  level: 0,
  nextAt: 0,
  samples: { sinceAt: 0, good: 0, bad: 0 },
  sent: { sinceAt: 0, count: 0, before: 0 },
  retries: { tokens: RETRY_TOKENS_MAX, at: 0 },
};

// ---- Asking

/** 0: a mail may go, as far as the gate is concerned. Infinity: once another one has ended. */
export function gateOpensAt(gate: Gate, openCount: number, now: number): number {
  if (gate.closedUntil > now) return gate.closedUntil;
  if (gate.openMax !== undefined && openCount >= Math.max(1, Math.floor(gate.openMax))) return Number.POSITIVE_INFINITY;
  if (perMinute(gate, now) !== undefined && gate.nextAt > now) return gate.nextAt;
  return 0;
}

/** When a mail that was tried before may go; the others need no token. */
export function retryOpensAt(gate: Gate, now: number): number {
  const tokens = retryTokens(gate, now);
  return tokens >= 1 ? 0 : now + Math.ceil(((1 - tokens) / RETRY_TOKENS_PER_MINUTE) * MINUTE_MS);
}

export function retryTokens({ retries }: Gate, now: number): number {
  const passedMs = retries.at === 0 ? 0 : now - retries.at;
  return Math.min(RETRY_TOKENS_MAX, retries.tokens + (passedMs / MINUTE_MS) * RETRY_TOKENS_PER_MINUTE);
}

/** The rate a slowed sender has now; undefined when it has recovered. */
export function perMinute({ slowed, closedUntil }: Gate, now: number): number | undefined {
  if (slowed === undefined) return undefined;
  const cleanMinutes = Math.max(0, Math.floor((now - Math.max(slowed.sinceAt, closedUntil)) / MINUTE_MS));
  const share = slowed.share + cleanMinutes * GATE_RECOVERY_PER_MINUTE;
  return share >= 1 ? undefined : Math.max(1, slowed.fromPerMinute * share);
}

/** Mails taken in the last whole minute, or in this one if that is more. */
export function sentPerMinute({ sent }: Gate, now: number): number {
  const minutes = Math.floor((now - sent.sinceAt) / MINUTE_MS);
  if (minutes === 0) return Math.max(sent.before, sent.count);
  return minutes === 1 ? sent.count : 0;
}

// ---- What changes it

/** `count` mails were leased; `retryCount` of them had been tried before. */
export function leasedThrough(gate: Gate, counts: { readonly count: number; readonly retryCount: number }, now: number): Gate {
  let after = gate;
  const rate = perMinute(gate, now);
  if (rate !== undefined) after = { ...after, nextAt: Math.max(now, gate.nextAt) + Math.ceil((MINUTE_MS / rate) * counts.count) };
  if (counts.retryCount > 0) after = { ...after, retries: { tokens: retryTokens(gate, now) - counts.retryCount, at: now } };
  return after;
}

export interface Throttle {
  /** What the peer asked for, or what is known to be right for its reply; 0 when neither. */
  readonly askedMs: number;
  /** The first wait where nothing better is known; it doubles each time. */
  readonly baseMs: number;
  /** Uniform in [0, 1): spreads the wait by a tenth either way, so that what was stopped together does not start together. */
  readonly spread: number;
  /** When the attempt that met it began: what was under way as the gate closed says nothing new. */
  readonly startedAt: number;
  readonly note: string;
}

/** The peer asked us to slow down. */
export function throttled(gate: Gate, throttle: Throttle, now: number): Gate {
  if (isOldNews(gate, throttle.startedAt)) return askedForMore(gate, throttle.askedMs, now);
  // A probe that is turned away says "not yet"; it was no rate that was too much.
  return closed(isProbing(gate) ? gate : slowedDown(gate, now), 'throttled', throttle, now);
}

function isProbing({ openMax, growth }: Gate): boolean {
  return growth === 'doubles' && openMax !== undefined && openMax < 2;
}

/** What was under way as it closed can still bring a longer wait that the peer asks for; anything else it says is known. */
function askedForMore(gate: Gate, askedMs: number, now: number): Gate {
  return askedMs > 0 && now + askedMs > gate.closedUntil ? { ...gate, closedUntil: now + askedMs } : gate;
}

/** Of a minute that has just begun the count says little, so it counts for the time it took; rather too high than too low. */
function rateBefore(gate: Gate, now: number): number {
  const { sinceAt, count, before } = sentAt(gate, now);
  return Math.max(before, (count * MINUTE_MS) / Math.max(now - sinceAt, RATE_MS_MIN));
}
const RATE_MS_MIN = 1_000;

/** Half the rate it has; a sender that has not sent anything lately has no rate to halve. */
function slowedDown(gate: Gate, now: number): Gate {
  const rate = perMinute(gate, now) ?? rateBefore(gate, now);
  if (rate < 1) return gate;
  const isSlowed = gate.slowed !== undefined && perMinute(gate, now) !== undefined;
  const fromPerMinute = isSlowed ? gate.slowed.fromPerMinute : rate;
  return { ...gate, slowed: { fromPerMinute, share: (rate / fromPerMinute) * GATE_SHARE_AFTER_THROTTLE, sinceAt: now } };
}

/** A cap of the peer on connections at once: one fewer than were in use, and no wait. */
export function crowded(gate: Gate, openCount: number): Gate {
  const inUse = Math.min(gate.openMax ?? openCount, openCount);
  return { ...gate, openMax: Math.max(1, Math.floor(inUse) - 1), growth: 'adds' };
}

/** An attempt got through to the peer. `isTaken`: and the mail was accepted. */
export function gotThrough(gate: Gate, attempt: { readonly startedAt: number; readonly isTaken: boolean }, now: number): Gate {
  const samples = samplesAt(gate, now);
  const after: Gate = { ...gate, samples: { ...samples, good: samples.good + 1 } };
  if (!attempt.isTaken) return isOldNews(gate, attempt.startedAt) ? after : grown(after);
  const sent = sentAt(gate, now);
  const retries = { tokens: Math.min(RETRY_TOKENS_MAX, retryTokens(gate, now) + RETRY_TOKENS_PER_SUCCESS), at: now };
  const counted: Gate = { ...after, sent: { ...sent, count: sent.count + 1 }, retries };
  return isOldNews(gate, attempt.startedAt) ? counted : grown(counted);
}

/** An attempt that the peer, not the mail, is to blame for: the network, or a server that refuses everybody. */
export function failed(gate: Gate, failure: Throttle, now: number): Gate {
  const samples = samplesAt(gate, now);
  const counted: Gate = { ...gate, samples: { ...samples, bad: samples.bad + 1 } };
  if (isOldNews(gate, failure.startedAt)) return counted;
  const isProbe = gate.openMax !== undefined && gate.growth === 'doubles' && gate.openMax < BREAKER_SAMPLES_MIN;
  const { good, bad } = counted.samples;
  const isBad = good + bad >= BREAKER_SAMPLES_MIN && bad / (good + bad) >= BREAKER_BAD_SHARE;
  return isProbe || isBad ? closed(counted, 'failing', failure, now) : counted;
}

/** A person or a new configuration says that the peer is well: as new, but for what was counted. */
export function reopened(gate: Gate): Gate {
  return { ...OPEN_GATE, sent: gate.sent, retries: gate.retries };
}

function closed(gate: Gate, why: GateReason, { baseMs, askedMs, spread, note }: Throttle, now: number): Gate {
  const isCalm = gate.closedUntil === 0 || now - gate.closedUntil >= GATE_CALM_MS;
  const level = isCalm ? 0 : gate.level + 1;
  const ownMs = Math.min(baseMs * 2 ** Math.min(level, 30), Math.max(GATE_CLOSED_MS_MAX, baseMs));
  const forMs = Math.ceil(Math.max(askedMs, ownMs * (0.9 + 0.2 * spread)));
  return {
    ...gate,
    closedUntil: now + forMs,
    closedAt: now,
    why,
    note,
    level,
    openMax: 1,
    growth: 'doubles',
    samples: { sinceAt: now, good: 0, bad: 0 },
  };
}

/** The attempt began before the gate was closed last: it was part of the crowd, not a probe. */
function isOldNews(gate: Gate, startedAt: number): boolean {
  return gate.closedUntil > 0 && startedAt < gate.closedUntil;
}

function grown(gate: Gate): Gate {
  if (gate.openMax === undefined) return gate;
  const openMax = gate.openMax + (gate.growth === 'adds' ? 1 / gate.openMax : 1);
  if (openMax < GATE_OPEN_MAX) return { ...gate, openMax };
  const { openMax: _, growth: __, ...open } = gate;
  return open;
}

function samplesAt({ samples }: Gate, now: number): Gate['samples'] {
  return now - samples.sinceAt < BREAKER_WINDOW_MS ? samples : { sinceAt: now, good: 0, bad: 0 };
}

function sentAt({ sent }: Gate, now: number): Gate['sent'] {
  const minutes = Math.floor((now - sent.sinceAt) / MINUTE_MS);
  if (minutes === 0) return sent;
  return { sinceAt: sent.sinceAt === 0 ? now : sent.sinceAt + minutes * MINUTE_MS, count: 0, before: minutes === 1 ? sent.count : 0 };
}
