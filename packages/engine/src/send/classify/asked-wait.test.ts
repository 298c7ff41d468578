import { expect, it } from 'vitest';
import { ASKED_MS_MAX, askedWaitMs } from './asked-wait.ts';

it.each([
  ['4.7.1 greylisted, try again in 5 minutes', 300_000],
  ['please try again in 30 seconds.', 30_000],
  ['retry after 2 hours', 7_200_000],
  ['greylisted for 299 seconds', 299_000],
  ['please wait 10 min before the next mail', 600_000],
  ['greylisting in action, please come back in 00:04:58', 298_000],
  ['retry-after: 120', 120_000],
  ['try again in 90 hours', ASKED_MS_MAX],
  ['try again later', 0],
  ['4.7.28 unusual rate, try again later. 4.7.28 see our pages', 0],
  ['limit of 500 messages in 24 hours exceeded', 0],
  ['250 mails were sent; quota frees in some hours', 0],
])('reads the wait out of "%s"', (text, expected) => {
  expect(askedWaitMs(text)).toBe(expected);
});

it('takes time in proportion to the text, whatever the text is', () => {
  const startedAt = performance.now();
  for (const part of ['again ', 'retry 1', 'wait 99999 ', 'back 00:00:', 'retry-after:']) expect(askedWaitMs(part.repeat(100_000))).toBe(0);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});
