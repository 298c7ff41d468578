import { HOUR_MS, MINUTE_MS, SECOND_MS } from './rule.ts';

/** No peer makes us wait longer than this by its words alone; a quota of a day frees in a day. */
export const ASKED_MS_MAX = 24 * HOUR_MS;

/**
 * "Try again in 5 minutes": a wait the peer names in its text, in ms; 0 when it names none. A number needs a cue before it
 * and a unit behind it, or any count of mails would be taken for a time. Each part of the patterns is bounded.
 *
 * @param text  lower case, white space folded
 */
export function askedWaitMs(text: string): number {
  const [, count, unit] = CUED.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) return bounded(Number(count) * unitMs(unit));
  const [, hours, minutes, seconds] = CLOCK.exec(text) ?? []; // milter-greylist: "please come back in 00:04:59"
  if (hours !== undefined) return bounded(Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS + Number(seconds) * SECOND_MS);
  const [, plain] = HEADER.exec(text) ?? [];
  return plain === undefined ? 0 : bounded(Number(plain) * SECOND_MS);
}

const CUED =
  /\b(?:again|retry|wait|back|gr[ae]y-?list(?:ed|ing)?)\b[^0-9]{0,32}(\d{1,6}) ?(seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h)\b/;
const CLOCK = /\b(?:again|retry|wait|back)\b[^0-9]{0,32}(\d\d):(\d\d):(\d\d)\b/;
/** Of an HTTP answer (RFC 9110 section 10.2.3), in seconds. */
const HEADER = /\bretry-after: ?(\d{1,6})\b/;

function unitMs(unit: string): number {
  if (unit.startsWith('s')) return SECOND_MS;
  return unit.startsWith('m') ? MINUTE_MS : HOUR_MS;
}

function bounded(ms: number): number {
  return Math.min(ms, ASKED_MS_MAX);
}
