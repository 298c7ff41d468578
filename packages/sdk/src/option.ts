import { ShoalError } from './error.ts';

/**
 * A misspelt field that is quietly dropped becomes a mail that says less than its writer meant, and plain JavaScript has
 * no compiler to tell. So every object a caller hands in is compared with the names it may have.
 */
export function onlyKnown(call: string, given: object, known: readonly string[]): void {
  const unknown = Object.keys(given).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw badOption(`${call} has no ${unknown.map((name) => `\`${name}\``).join(', ')}`, `It takes ${known.join(', ')}.`);
}

export function positiveNumber(name: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number' || !(value > 0) || !Number.isFinite(value))
    throw badOption(`${name} must be a number above 0, got ${String(value)}`, 'Leave it out for the default.');
  return value;
}

export function notEmpty(name: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value.trim() === '') throw badOption(`${name} is empty`, 'Give it a value, or leave it out.');
  return value.trim();
}

/** For what stands in a path: left out or empty it would name something else. */
export function needed(name: string, value: string): string {
  const given = notEmpty(name, value);
  if (given === undefined) throw badOption(`${name} is missing`, 'Name what is meant.');
  return given;
}

export function badOption(message: string, hint: string): ShoalError {
  return new ShoalError({ code: 'bad_option', message, hint });
}
