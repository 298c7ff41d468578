import { HOUR_MS, type ReplyRule, SECOND_MS } from './rule.ts';

/**
 * Amazon SES, over SMTP or its API. Source: docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html; checked
 * 2026-11. One code stands for two limits, and the text tells the rate from the day.
 */
export const SES_SUFFIXES: readonly string[] = ['.amazonaws.com', '.amazonses.com'];

// biome-ignore format: a rule is a row
export const SES_RULES: readonly ReplyRule[] = [
  { id: 'ses-daily', phrases: ['daily message quota', 'daily sending quota'],
    blame: 'account', action: 'throttle', waitMs: HOUR_MS, hint: 'This account has sent all it may in 24 hours in this region; the quota can be raised in the SES console.' },
  { id: 'ses-rate', phrases: ['throttling', 'maximum sending rate'], blame: 'account', action: 'throttle', waitMs: 5 * SECOND_MS },
  { id: 'ses-sandbox', codes: [554], phrases: ['not verified'],
    blame: 'identity', action: 'reject', hint: 'SES sends only from verified identities, and in its sandbox only to verified addresses.' },
];
