import { badOption } from './option.ts';

/** A time as the server reads it, from what a caller has at hand. */
export function isoTime(name: string, time: Date | number | undefined): string | undefined {
  if (time === undefined) return undefined;
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) throw badOption(`${name} is no time`, 'Give a Date, or a number of ms since 1970.');
  return date.toISOString();
}
