import { HOUR_MS, MINUTE_MS, type ReplyRule } from './rule.ts';

/**
 * Yahoo and AOL. Source: senders.yahooinc.com ("SMTP error codes"); as of 2026-08. The token in brackets tells the case,
 * and comes with more than one enhanced code. [TSS..] before [TS..]: a bracket belongs to each phrase, so they don't mix.
 */
export const YAHOO_SUFFIXES: readonly string[] = ['.yahoodns.net', '.yahoo.com', '.aol.com'];

// biome-ignore format: a rule is a row
export const YAHOO_RULES: readonly ReplyRule[] = [
  { id: 'yahoo-suspend-4h', phrases: ['[tss05]'], blame: 'source', action: 'throttle', waitMs: 4 * HOUR_MS },
  { id: 'yahoo-suspend', phrases: ['[tss04]', '[ts01]', '[ipts04]'], blame: 'source', action: 'throttle', waitMs: 2 * HOUR_MS, hint: 'Yahoo sees complaints about mail from this IP address: send less through it, and to people who want it.' },
  { id: 'yahoo-slow', phrases: ['[ts02]'], blame: 'source', action: 'throttle', waitMs: 30 * MINUTE_MS },
  // It says "permanently" and means it, whatever its first digit.
  { id: 'yahoo-permanent', phrases: ['[ts03]'], blame: 'source', action: 'pause', hint: 'Yahoo defers this IP address for good: ask at senders.yahooinc.com for a review.' },
  { id: 'yahoo-blocked', codes: [553], phrases: ['[bl'], blame: 'source', action: 'pause', hint: 'Yahoo found this IP address on a block list; the token in brackets says on which.' },
  // A count for one connection, not for how many there are: a new one is enough.
  { id: 'yahoo-session-full', phrases: ['max message', 'maximum message', 'messages per connection', 'too many messages'], blame: 'session', action: 'reconnect' },
];
