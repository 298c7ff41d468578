import { describe, expect, it } from 'vitest';
import { controlStorm } from '../../../../bench/storm/control/storm.mjs';
import { printed } from '../../../../bench/storm/judge.mjs';

/** A storm that finds no loss proves nothing unless it can: the founding article's sender has to lose mail in it. */
describe('control storm: redis', () => {
  // Kills come every one to three seconds, so the load lasts until the last of eight: three could all miss a send.
  it.for([
    { hurt: 'deferrals', mails: 400, kills: 0 },
    { hurt: 'kills', mails: 1_600, kills: 8 },
  ] as const)('sees the mail that a claim with an expiry loses to $hurt', async (harm, { skip }) => {
    const result = await controlStorm({ ...harm, ratePerSecond: 100, seed: 7 });
    if (result === undefined) return skip('no redis-server found; apt-get install -y redis-server');
    expect(lostIn(result), printed('the control', result.sheet)).toBeGreaterThan(0);
  });
});

function lostIn({ sheet }: NonNullable<Awaited<ReturnType<typeof controlStorm>>>): number {
  return Number(sheet.rows.find((row) => row.account === 'lost')?.value);
}
