import { describe, expect, it } from 'vitest';
import { controlStorm } from '../../../../bench/storm/control/storm.mjs';
import { printed } from '../../../../bench/storm/judge.mjs';

/** A storm that finds no loss proves nothing unless it can: the founding article's sender has to lose mail in it. */
describe('control storm: redis', () => {
  it.for(['deferrals', 'kills'] as const)('sees the mail that a claim with an expiry loses to %s', async (hurt, { skip }) => {
    const result = await controlStorm({ hurt, mails: 400, ratePerSecond: 100, kills: 3, seed: 7 });
    if (result === undefined) return skip('no redis-server found; apt-get install -y redis-server');
    expect(lostIn(result), printed('the control', result.sheet)).toBeGreaterThan(0);
  });
});

function lostIn({ sheet }: NonNullable<Awaited<ReturnType<typeof controlStorm>>>): number {
  return Number(sheet.rows.find((row) => row.account === 'lost')?.value);
}
