import { expect, it } from 'vitest';
import { balance, type Evidence, type MailRecord } from '../../../../bench/storm/judge.mjs';
import type { Dot } from '../../../../bench/storm/sink.mjs';

/** A judge that saw nothing is content as well, so this one is shown planted faults. */
const REPLY_DELAY_MS = 100;
const KILL_AT = 10_000;

const mail = (to: string, more: Partial<MailRecord> = {}): MailRecord => ({
  to,
  id: `eml_${to}`,
  requests: 1,
  status: 'sent',
  unsettled: 0,
  crashes: 0,
  ...more,
});
const dot = (to: string, more: Partial<Dot> = {}): Dot => ({
  at: 5_000,
  messageId: `<${to}>`,
  to,
  recipients: 1,
  sha256: to,
  sizeBytes: 9,
  connection: 1,
  reply: '250',
  ...more,
});

/** One mail delivered plainly, one recovered from a crash before the commit. */
function honest(more: Partial<Evidence> = {}): Evidence {
  return {
    policy: 'hold',
    attempted: 2,
    recipients: ['a', 'b'],
    records: [mail('a'), mail('b', { crashes: 1 })],
    dots: [dot('a'), dot('b')],
    lostLines: [{ lostConnection: 1, at: KILL_AT + 3 }],
    kills: [{ at: KILL_AT, name: 'work', pid: 1 }],
    refused: [],
    ownEnds: [],
    connectionsMax: 10,
    replyDelayMs: REPLY_DELAY_MS,
    ...more,
  };
}
const failing = (evidence: Evidence): readonly string[] =>
  balance(evidence)
    .rows.filter((row) => !row.adds)
    .map((row) => row.account);
const inWindow = KILL_AT - REPLY_DELAY_MS;

it('accepts an honest run', () => {
  expect(balance(honest())).toMatchObject({ adds: true, findings: [] });
});

it.each<[string, Partial<Evidence>, readonly string[]]>([
  ['a mail said to be sent that is not in the journal', { dots: [dot('b')] }, ['lost']],
  ['a mail whose only dot was answered 451', { dots: [dot('a', { reply: '451' }), dot('b')] }, ['lost']],
  ['a mail that never came to an end', { records: [mail('a', { status: 'open' }), mail('b', { crashes: 1 })] }, ['still open']],
  ['a mail that was never acknowledged', { records: [mail('b', { crashes: 1 })] }, ['acknowledged']],
  [
    'a second copy under hold, even beside a kill',
    { dots: [dot('a', { at: inWindow }), dot('a', { at: 12_000 }), dot('b')] },
    ['duplicated'],
  ],
  [
    'a second copy whose sender was not killed, though another process was',
    {
      policy: 'resend',
      dots: [dot('a', { at: inWindow, connection: 2 }), dot('a', { at: 12_000 }), dot('b')],
      records: [mail('a', { unsettled: 1 }), mail('b')],
    },
    ['duplicated', 'unexplained copies'],
  ],
  ['a second copy far from every kill', { dots: [dot('a'), dot('a', { at: 12_000 }), dot('b')] }, ['duplicated', 'unexplained copies']],
  [
    'a second copy with other bytes',
    {
      policy: 'resend',
      dots: [dot('a', { at: inWindow }), dot('a', { at: 12_000, sha256: 'other' }), dot('b')],
      records: [mail('a', { unsettled: 1 }), mail('b')],
    },
    ['copies that differ'],
  ],
  ['a doubt without a commit left unsettled', { records: [mail('a', { status: 'in_doubt' }), mail('b', { crashes: 1 })] }, ['in doubt']],
  ['an unsettled commit that is not shown as a doubt', { records: [mail('a', { unsettled: 1 }), mail('b', { crashes: 1 })] }, ['in doubt']],
  ['a healthy mail that died', { records: [mail('a', { status: 'failed' }), mail('b', { crashes: 1 })] }, ['healthy jobs dead']],
  ['a mail nobody handed in', { dots: [dot('a'), dot('b'), dot('c')] }, ['unexpected']],
  ['a run in which nothing was hurt', { records: [mail('a'), mail('b')] }, ['recovered']],
  ['a process that ended by itself', { ownEnds: ['work ended by itself'] }, ['processes ended by themselves']],
])('finds %s', (_, fault, accounts) => {
  const evidence = honest(fault);
  expect(failing(evidence)).toEqual(accounts);
  expect(balance(evidence).adds).toBe(false);
});

it('explains a second copy under resend by the kill of the process that wrote the first dot, soon after it', () => {
  const resent = (firstAt: number): Evidence =>
    honest({
      policy: 'resend',
      records: [mail('a', { unsettled: 1 }), mail('b')],
      dots: [dot('a', { at: firstAt }), dot('a', { at: 12_000 }), dot('b')],
    });
  expect(failing(resent(inWindow - 50))).toEqual([]);
  expect(failing(resent(inWindow - 2_000))).toEqual([]);
  expect(failing(resent(inWindow - 2_001))).toEqual(['duplicated', 'unexplained copies']);
  expect(failing(resent(KILL_AT + 51))).toEqual(['duplicated', 'unexplained copies']);
});

it('counts the explained copies whose reply was older than 50 ms at the kill, and says how long replies waited for their record', () => {
  const { rows } = balance(
    honest({
      policy: 'resend',
      records: [
        mail('a', { unsettled: 1, recordedAt: 12_000 + REPLY_DELAY_MS + 7 }),
        mail('b', { recordedAt: 5_000 + REPLY_DELAY_MS + 9 }),
      ],
      dots: [dot('a', { at: inWindow - 51 }), dot('a', { at: 12_000 }), dot('b')],
    }),
  );
  expect(rows.find((row) => row.account.includes('over 50 ms'))).toMatchObject({ value: 1 });
  expect(rows.find((row) => row.account.startsWith('reply to record'))).toMatchObject({ value: '7, 7' });
});
