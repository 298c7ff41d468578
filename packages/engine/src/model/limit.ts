import type { Envelope } from './envelope.ts';
import { domainOf } from './scope.ts';

/**
 * What a provider counts. A recipient is one RCPT: To, Cc and Bcc alike. External: outside the sender's own domains. Unique:
 * counted once a window, however often it is mailed. New: never mailed by this scope before.
 */
export const LIMIT_UNITS = [
  'messages',
  'recipients',
  'externalRecipients',
  'uniqueRecipients',
  'uniqueExternalRecipients',
  'newRecipients',
] as const;
export type LimitUnit = (typeof LIMIT_UNITS)[number];

/** At most `max` units in any window of `windowMs`, wherever it begins: exact, never a calendar day. */
export interface LimitRule {
  readonly unit: LimitUnit;
  /** 1 or more. */
  readonly max: number;
  readonly windowMs: number;
  /** Added to the window: the provider counts by its own clock, when it takes the mail, which is later than the commit. */
  readonly marginMs: number;
}

/** Smooths a quota out: a mail every `everyMs`, up to `burst` of them at once after a rest. Never a quota by itself. */
export interface Pace {
  readonly everyMs: number;
  /** 1 or more. */
  readonly burst: number;
}

export interface Limits {
  readonly rules: readonly LimitRule[];
  readonly pace?: Pace;
  /**
   * Connections of the whole fleet. A worker that may use one keeps it for `idleMs` after its last mail, since its transport
   * keeps the connection open that long.
   */
  readonly connections?: { readonly max: number; readonly idleMs: number };
  /** Domains whose recipients are not external, in lower case. */
  readonly ownDomains?: readonly string[];
  /** Of an inbox: turns it has while an inbox of weight 1 has one. 1 to `WEIGHT_MAX`; 1 unless set. */
  readonly weight?: number;
}

export const WEIGHT_MAX = 100;
export const NO_LIMITS: Limits = { rules: [] };

export const PRIORITIES = ['high', 'normal', 'low'] as const;
/** Within a sender the higher goes first, but for one turn in `PRIORITY_TURNS`, which goes to whoever waits longest. */
export type Priority = (typeof PRIORITIES)[number];
export const PRIORITY_TURNS = 8;

/** Names a rule within its scope; changing `max` or the margin keeps its history. */
export function ruleName(rule: Pick<LimitRule, 'unit' | 'windowMs'>): string {
  return `${rule.unit}/${rule.windowMs}`;
}

/** Counted once each by what they are, not by how many there are. */
export function countsAddresses(unit: LimitUnit): boolean {
  return unit === 'uniqueRecipients' || unit === 'uniqueExternalRecipients' || unit === 'newRecipients';
}

/** The recipients that a rule of this unit counts; all of them for `messages`, which counts the mail itself. */
export function countedRecipients(unit: LimitUnit, envelope: Pick<Envelope, 'to'>, ownDomains: readonly string[] = []): readonly string[] {
  const isExternalOnly = unit === 'externalRecipients' || unit === 'uniqueExternalRecipients';
  const counted = isExternalOnly ? envelope.to.filter((address) => !ownDomains.includes(domainOf(address))) : envelope.to;
  return countsAddresses(unit) ? [...new Set(counted.map(sameMailbox))] : counted;
}

/** The most a mail can cost under a rule, whatever was mailed before. */
export function costMax(unit: LimitUnit, envelope: Pick<Envelope, 'to'>, ownDomains?: readonly string[]): number {
  return unit === 'messages' ? 1 : countedRecipients(unit, envelope, ownDomains).length;
}

/** Domains have no letter case (RFC 5321 section 2.4); of local parts only their owner knows, and providers ignore it. */
export function sameMailbox(address: string): string {
  return address.toLowerCase();
}
