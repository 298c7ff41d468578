import { LIMIT_UNITS, type LimitRule, type LimitUnit, type Limits, ruleName } from './limit.ts';
import { nearest } from './nearest.ts';

/** How many of each unit in a window; a plain number means messages. */
export type WrittenWindow = number | Readonly<Partial<Record<LimitUnit, number>>>;

/**
 * Limits as a person writes them, in the configuration and in the API.
 *
 * @example
 * const limits: WrittenLimits = { perDay: { messages: 2_000, uniqueRecipients: 1_000 }, perMinute: 30, connections: 3 };
 */
export interface WrittenLimits {
  readonly perSecond?: WrittenWindow;
  readonly perMinute?: WrittenWindow;
  readonly perHour?: WrittenWindow;
  /** Any 24 hours, never a calendar day. */
  readonly perDay?: WrittenWindow;
  /** Of the whole fleet, at once. */
  readonly connections?: number;
  readonly pace?: { readonly perMinute: number; readonly burst: number };
  readonly ownDomains?: readonly string[];
  /** Instead of a minute for windows above ten minutes and nothing for the others. */
  readonly marginMs?: number;
}

/** Says what is wrong at which place, such as `perDay.messages`; what it makes is thrown. */
export type Refuse = (at: string, problem: string) => Error;

const WINDOWS = { perSecond: 1_000, perMinute: 60_000, perHour: 3_600_000, perDay: 86_400_000 } as const;
type WindowName = keyof typeof WINDOWS;
const WINDOW_NAMES = Object.keys(WINDOWS) as readonly WindowName[];
const NAMES = [...WINDOW_NAMES, 'connections', 'pace', 'ownDomains', 'marginMs'] as const;

/** No provider allows as many; a larger number is a slip of the pen. */
const COUNT_MAX = 1_000_000_000;
const PER_MINUTE_MAX = 60_000;
const CONNECTIONS_MAX = 10_000;
const MARGIN_MS_MAX = 3_600_000;
const OWN_DOMAINS_MAX = 100;

const MARGIN_MS = 60_000;
/** A mail may wait ten minutes for the reply to its dot (RFC 5321 section 4.5.3.2.6); a margin would eat up shorter windows. */
const MARGIN_WINDOW_MS = 600_000;

/** Providers count by their own clock, when they take the mail: for a long window a minute more costs next to nothing. */
export function marginFor(windowMs: number): number {
  return windowMs > MARGIN_WINDOW_MS ? MARGIN_MS : 0;
}

/** What is in `written`, checked in every part: an unknown name, 0, NaN and 1.5 are refused and never repaired. */
export function checkedLimits(written: unknown, refuse: Refuse): WrittenLimits {
  const given = record(written, '', refuse);
  onlyKnown(given, NAMES, '', refuse);
  for (const name of WINDOW_NAMES) if (name in given) checkWindow(given[name], name, refuse);
  if ('connections' in given) whole(given['connections'], 'connections', { min: 1, max: CONNECTIONS_MAX }, refuse);
  if ('marginMs' in given) whole(given['marginMs'], 'marginMs', { min: 0, max: MARGIN_MS_MAX }, refuse);
  if ('pace' in given) {
    const pace = record(given['pace'], 'pace', refuse);
    onlyKnown(pace, ['perMinute', 'burst'], 'pace.', refuse);
    whole(pace['perMinute'], 'pace.perMinute', { min: 1, max: PER_MINUTE_MAX }, refuse);
    whole(pace['burst'], 'pace.burst', { min: 1, max: COUNT_MAX }, refuse);
  }
  if ('ownDomains' in given) checkDomains(given['ownDomains'], refuse);
  return given as WrittenLimits;
}

/** The rules that these limits mean. `idleMs`: how long the transport keeps a connection after its last mail. */
export function limitsOf(written: WrittenLimits, { idleMs }: { readonly idleMs: number }): Limits {
  const rules = WINDOW_NAMES.flatMap((name) => rulesOf(written[name], WINDOWS[name], written.marginMs));
  const { pace, connections, ownDomains } = written;
  return {
    rules,
    ...(pace !== undefined && { pace: { everyMs: Math.ceil(MINUTE_MS / pace.perMinute), burst: pace.burst } }),
    ...(connections !== undefined && { connections: { max: connections, idleMs } }),
    ...(ownDomains !== undefined && { ownDomains: ownDomains.map((domain) => domain.toLowerCase()) }),
  };
}
const MINUTE_MS = 60_000;

function rulesOf(window: WrittenWindow | undefined, windowMs: number, marginMs: number = marginFor(windowMs)): LimitRule[] {
  if (window === undefined) return [];
  const maxOf = typeof window === 'number' ? { messages: window } : window;
  return LIMIT_UNITS.flatMap((unit) => {
    const max = maxOf[unit];
    return max === undefined ? [] : [{ unit, max, windowMs, marginMs }];
  });
}

/** `first` and what it does not say of `second`; a rule of the same unit and window counts as said. */
export function withLimits(first: Limits, second: Limits): Limits {
  const said = new Set(first.rules.map(ruleName));
  return { ...second, ...first, rules: [...first.rules, ...second.rules.filter((rule) => !said.has(ruleName(rule)))] };
}

function checkWindow(value: unknown, name: string, refuse: Refuse): void {
  if (typeof value === 'number') {
    whole(value, name, { min: 1, max: COUNT_MAX }, refuse);
    return;
  }
  const given = record(value, name, refuse, 'a number of messages, or one object such as { messages: 100, recipients: 500 }');
  onlyKnown(given, LIMIT_UNITS, `${name}.`, refuse);
  if (Object.keys(given).length === 0) throw refuse(name, 'is empty; say how many of what, or leave it out');
  for (const [unit, max] of Object.entries(given)) whole(max, `${name}.${unit}`, { min: 1, max: COUNT_MAX }, refuse);
}

function whole(value: unknown, at: string, range: { readonly min: number; readonly max: number }, refuse: Refuse): void {
  if (typeof value === 'number' && Number.isInteger(value) && value >= range.min && value <= range.max) return;
  throw refuse(at, `must be a whole number from ${range.min} to ${range.max}, got ${shown(value)}`);
}

/** RFC 1123 section 2.1. */
const DOMAIN = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

function checkDomains(value: unknown, refuse: Refuse): void {
  const wanted = `must be an array of at most ${OWN_DOMAINS_MAX} domain names, such as ["example.com"]`;
  if (!Array.isArray(value) || value.length > OWN_DOMAINS_MAX) throw refuse('ownDomains', `${wanted}, got ${shown(value)}`);
  const wrong: unknown = value.find((domain) => typeof domain !== 'string' || !DOMAIN.test(domain));
  if (wrong !== undefined) throw refuse('ownDomains', `${wanted}; ${shown(wrong)} is none`);
}

function record(
  value: unknown,
  at: string,
  refuse: Refuse,
  wanted = 'one object such as { perDay: 2000 }',
): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
  throw refuse(at, `must be ${wanted}, got ${shown(value)}`);
}

function onlyKnown(given: object, known: readonly string[], prefix: string, refuse: Refuse): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    throw refuse(
      `${prefix}${name}`,
      `is not known here; ${near === undefined ? `there are ${known.join(', ')}` : `did you mean ${prefix}${near}?`}`,
    );
  }
}

/** Never what looks like a URL or an address: a password may be in it (security G1). */
export function shown(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return /[@/]/.test(text) ? 'something else' : text.slice(0, 60);
}
