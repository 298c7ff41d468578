import { GIVE_UP_CEILING_MS } from '../model/limits.ts';
import { nearest } from '../model/nearest.ts';
import type { FailureClass } from '../model/outcome.ts';
import type { RetryClassOptions, RetryOptions, RetryPolicy } from '../model/retry.ts';

/** How `check.ts` says what is wrong with an option. */
export interface RetryChecks {
  readonly said: string;
  readonly bad: (said: string, problem: string) => Error;
}

const CLASSES = ['network', 'deferred', 'greylist'] as const satisfies readonly FailureClass[];
const KEYS = ['delaysMs', 'ceilingMs', 'giveUpMs', 'attemptsMax'] as const satisfies readonly (keyof RetryClassOptions)[];
const EXAMPLE = '{ network: { attemptsMax: 8 }, deferred: { giveUpMs: 3600000 } }';
const DELAYS_MAX = 100;

/**
 * Reads `retry`: a policy function, or an object with settings by class of failure and perhaps a policy beside them; JSON text
 * where it comes from the environment, which cannot carry a function.
 */
export function checkRetry(value: unknown, checks: RetryChecks): RetryOptions {
  if (isPolicy(value)) return { classes: {}, policy: value };
  const { said, bad } = checks;
  const given = typeof value === 'string' ? parsed(value, checks) : value;
  if (!isRecord(given)) throw bad(said, `must be a function, or an object such as ${EXAMPLE}`);
  const { policy, ...classes } = given;
  if (policy !== undefined && !isPolicy(policy))
    throw bad(`${said}.policy`, 'must be a function; only shoal.config.ts and .js can hold one');
  checkNames(classes, CLASSES, checks);
  const read = Object.entries(classes).map(([name, options]) => [name, checkClass(options, { ...checks, said: `${said}.${name}` })]);
  return { classes: Object.fromEntries(read), ...(policy !== undefined && { policy }) };
}

function checkClass(value: unknown, checks: RetryChecks): RetryClassOptions {
  const { said, bad } = checks;
  if (!isRecord(value)) throw bad(said, 'must be an object such as { attemptsMax: 8, giveUpMs: 3600000 }');
  checkNames(value, KEYS, checks);
  const options: Record<string, unknown> = {};
  for (const [key, given] of Object.entries(value)) {
    if (given === undefined) continue;
    const place = { ...checks, said: `${said}.${key}` };
    if (key === 'delaysMs') options[key] = delays(given, place);
    else options[key] = wholeNumber(given, key === 'attemptsMax' ? [1, 1_000] : [1, GIVE_UP_CEILING_MS], place);
  }
  return options;
}

function delays(value: unknown, checks: RetryChecks): readonly number[] {
  const { said, bad } = checks;
  if (!Array.isArray(value) || value.length < 1 || value.length > DELAYS_MAX)
    throw bad(said, `must be a list of 1 to ${DELAYS_MAX} waits in ms, such as [60000, 300000]`);
  return value.map((each: unknown, index) => wholeNumber(each, [0, GIVE_UP_CEILING_MS], { ...checks, said: `${said}[${index}]` }));
}

function wholeNumber(value: unknown, [min, max]: readonly [min: number, max: number], { said, bad }: RetryChecks): number {
  if (typeof value === 'number' && Number.isInteger(value) && min <= value && value <= max) return value;
  const got = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value)).slice(0, 60);
  throw bad(said, `must be a whole number from ${min} to ${max}, got ${got}`);
}

function checkNames(given: Readonly<Record<string, unknown>>, known: readonly string[], { said, bad }: RetryChecks): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    throw bad(`${said}.${name}`, `is not an option; ${near === undefined ? `there are ${known.join(', ')}` : `did you mean ${near}?`}`);
  }
}

function parsed(text: string, { said, bad }: RetryChecks): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw bad(said, 'is not JSON; write {"deferred":{"giveUpMs":3600000}}');
  }
}

function isPolicy(value: unknown): value is RetryPolicy {
  return typeof value === 'function';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
