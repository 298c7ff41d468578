import { expect, it } from 'vitest';
import { createManualClock, createMemoryLedger } from '../testing/index.ts';
import { jobIdIn, laneId, messageId, senderId, tenantId, workerId } from './ids.ts';
import { senderScope } from './scope.ts';
import { checkedLimits, limitsOf } from './written-limits.ts';

const SENDER = senderId('bulk');
const refuse = (at: string, problem: string): Error => new Error(`${at} ${problem}`);
const OURS = 'ann@example.com';

/** How many of these mails, one after another, leave at once under these limits. */
async function leaving(written: unknown, mails: readonly (readonly string[])[]): Promise<number> {
  const ledger = createMemoryLedger({ clock: createManualClock() });
  await ledger.limit([{ scope: senderScope(SENDER), limits: limitsOf(checkedLimits(written, refuse), { idleMs: 5_000 }) }]);
  await ledger.enqueue(
    mails.map((to, n) => ({
      id: jobIdIn(
        0,
        Uint8Array.from({ length: 16 }, (_, index) => (index === 0 ? n : 7)),
      ),
      kind: 'send',
      tenant: tenantId(`acct_${'a'.repeat(26)}`),
      sender: SENDER,
      lane: laneId('lane'),
      messageId: messageId(`eml_${String(n).padStart(26, 'a')}`),
      envelope: { from: OURS, to, smtpUtf8: false, eightBit: false },
      payload: Uint8Array.of(13, 10),
      onDoubt: 'hold',
      priority: 'normal',
      fingerprint: String(n),
      guardMs: 0,
    })),
  );
  const request = { worker: workerId(`wrk_${'0'.repeat(12)}`), kinds: ['send'], max: 100, leaseMs: 60_000, apart: false } as const;
  return (await ledger.lease(request)).leases.length;
}

const [a, b, c] = ['a@example.net', 'b@example.net', 'c@example.net'] as const;

it.each([
  ['messages', { perDay: 2 }, [[a], [a, b], [a]], 2],
  ['recipients', { perDay: { recipients: 3 } }, [[a, b], [a], [a]], 2],
  ['external recipients', { perDay: { externalRecipients: 1 }, ownDomains: ['example.com'] }, [[OURS], [OURS], [a], [b]], 3],
  ['different recipients', { perDay: { uniqueRecipients: 2 } }, [[a], [a], [a, b], [c]], 3],
  [
    'different external recipients',
    { perDay: { uniqueExternalRecipients: 1 }, ownDomains: ['example.com'] },
    [[OURS], [a], ['A@example.net'], [b]],
    3,
  ],
  ['new recipients', { perDay: { newRecipients: 2 } }, [[a], [a], [b], [c]], 3],
  ['mails in a row by the pace', { pace: { perMinute: 1, burst: 2 } }, [[a], [b], [c]], 2],
] as const)('counts %s', async (_, written, mails, expected) => {
  expect(await leaving(written, mails)).toBe(expected);
});
