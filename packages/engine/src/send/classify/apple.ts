import { HOUR_MS, MINUTE_MS, type ReplyRule } from './rule.ts';

/** iCloud Mail. Sources: support.apple.com/102198 for the limits, Sisimai's Rhost/Apple for the replies; as of 2026-08. */
export const APPLE_SUFFIXES: readonly string[] = ['.icloud.com', '.me.com', '.apple.com'];

// biome-ignore format: a rule is a row
export const APPLE_RULES: readonly ReplyRule[] = [
  { id: 'apple-volume', codes: [421, 451], phrases: ['[bs02]', '[hcm1]', 'excessive volume'], blame: 'source', action: 'throttle', waitMs: 15 * MINUTE_MS },
  { id: 'apple-sending-limit', codes: [550], status: ['7.1'], phrases: ['sending limit'],
    blame: 'account', action: 'throttle', waitMs: HOUR_MS, hint: 'This account has sent all that iCloud allows in a day. Lower the limits of this sender.' },
];
