import type { LimitRule, LimitUnit } from './limit.ts';

const WINDOW_NAMES: ReadonlyMap<number, string> = new Map([
  [1_000, 'second'],
  [60_000, 'minute'],
  [3_600_000, 'hour'],
  [86_400_000, '24 hours'],
]);
const UNIT_NAMES: Readonly<Record<LimitUnit, string>> = {
  messages: 'mails',
  recipients: 'recipients',
  externalRecipients: 'recipients outside its own domains',
  uniqueRecipients: 'different recipients',
  uniqueExternalRecipients: 'different recipients outside its own domains',
  newRecipients: 'new recipients',
};

/**
 * A rule in words, as the end of a sentence.
 *
 * @example ruleText({ unit: 'recipients', max: 2_000, windowMs: 86_400_000 }) // '2000 recipients in any 24 hours'
 */
export function ruleText({ unit, max, windowMs }: Pick<LimitRule, 'unit' | 'max' | 'windowMs'>): string {
  return `${max} ${UNIT_NAMES[unit]} in any ${WINDOW_NAMES.get(windowMs) ?? `${windowMs / 1_000} seconds`}`;
}
