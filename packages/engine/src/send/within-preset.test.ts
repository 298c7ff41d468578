import { expect, it } from 'vitest';
import { senderId } from '../model/ids.ts';
import { PLAIN_SETTINGS, senderOf } from '../model/sender.ts';
import type { Acceptance } from '../ports/acceptance.ts';
import { withinPreset } from './within-preset.ts';

const ses = senderOf({ id: senderId('bulk'), origin: 'config', transport: 'smtp://h', settings: { ...PLAIN_SETTINGS, preset: ['ses'] } });
const roster = { get: (id: string) => (id === 'bulk' ? ses : undefined) };

type Accepted = Parameters<Acceptance['accept']>[0];
function aMail(sender: string, recipients: number): Accepted {
  const to = Array.from({ length: recipients }, (_, n) => `r${n}@example.net`);
  return { message: { sizeBytes: 300 }, job: { sender, envelope: { to } } } as unknown as Accepted;
}

it('accepts nothing that the provider would not take, and says which preset allows how much', async () => {
  const accepted: Accepted[] = [];
  const ledgerSide: Acceptance = {
    async accept(mail) {
      accepted.push(mail);
      return { kind: 'stale' };
    },
  };
  const acceptance = withinPreset(ledgerSide, roster);
  await expect(acceptance.accept(aMail('bulk', 51))).rejects.toMatchObject({
    code: 'refused_value',
    message: 'the mail has 51 recipients, and `ses`, the preset of sender bulk, allows 50 in one mail; split it up',
  });
  expect(accepted).toEqual([]);
  await acceptance.accept(aMail('bulk', 50));
  await acceptance.accept(aMail('other', 51));
  expect(accepted).toHaveLength(2);
});
