import { expect, it } from 'vitest';
import { type StormEvidence, type StormMail, stormSheet } from './storm-sheet.ts';

const KILLED_AT = 10_000;
const mail = (n: number, status = 'sent', unsettled = 0): StormMail => ({ to: `m${n}@example.com`, id: `eml_${n}`, status, unsettled });

/** One mail sent, and one in doubt whose worker was killed while the sink thought about its dot. */
const GOOD: StormEvidence = {
  handedIn: 2,
  refused: [],
  mails: [mail(1), mail(2, 'in_doubt', 1)],
  traces: new Map([
    ['m1@example.com', { connection: 1, dotsAt: [9_000] }],
    ['m2@example.com', { connection: 2, dotsAt: [9_950] }],
  ]),
  lostAt: new Map([[2, KILLED_AT + 20]]),
  killsAt: [KILLED_AT],
  ownEnds: [],
  replyDelayMs: 100,
};
const trace = (n: number, connection: number, ...dotsAt: readonly number[]): StormEvidence['traces'] =>
  new Map([...GOOD.traces, [`m${n}@example.com`, { connection, dotsAt }]]);

it('adds up when every mail is at the sink once, or in doubt with its worker killed', () => {
  expect(stormSheet(GOOD)).toMatchObject({ adds: true, findings: [] });
});

it.each<[string, Partial<StormEvidence>, RegExp]>([
  ['a mail that is sent by its record alone', { traces: trace(1, 1) }, /^lost: m1@example\.com \(eml_1\)/],
  ['a mail that the sender forgot', { mails: [mail(1, 'gone'), mail(2, 'in_doubt', 1)] }, /^lost: m1/],
  ['a second copy', { traces: trace(1, 1, 9_000, 9_500) }, /^sent twice: m1/],
  ['a second copy of one in doubt', { traces: trace(2, 2, 9_000, 9_950) }, /^sent twice: m2/],
  ['a mail that never ends', { mails: [mail(1, 'queued'), mail(2, 'in_doubt', 1)] }, /^never ended: m1/],
  ['a mail given up', { mails: [mail(1, 'failed'), mail(2, 'in_doubt', 1)] }, /^given up: m1/],
  ['a doubt without a commit', { mails: [mail(1), mail(2, 'in_doubt', 0)] }, /^doubt, no commit: m2/],
  ['a doubt whose line was never cut', { lostAt: new Map() }, /^doubt, no kill: m2/],
  ['a doubt whose line was cut before the kill', { killsAt: [KILLED_AT + 500] }, /^doubt, no kill: m2/],
  ['a doubt answered long before the kill', { traces: trace(2, 2, KILLED_AT - 2_200) }, /^doubt, no kill: m2/],
  ['a mail of nobody', { traces: trace(3, 1, 9_100) }, /^never handed in: m3/],
  ['a request that was refused', { handedIn: 3, refused: ['m3@example.com: no'] }, /^refused: m3/],
  ['a worker that ended by itself', { ownEnds: ['worker 1, with 1: no disk'] }, /^ended by itself: worker 1/],
])('tells %s apart', (_, change, finding) => {
  const sheet = stormSheet({ ...GOOD, ...change });
  expect(sheet.findings).toEqual([expect.stringMatching(finding)]);
  expect(sheet.adds).toBe(false);
});

it('excuses a doubt that was killed between the commit and the dot', () => {
  expect(stormSheet({ ...GOOD, traces: trace(2, 2) }).adds).toBe(true);
});
