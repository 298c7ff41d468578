import { expect, it } from 'vitest';
import type { RecipientReply, Report } from '../model/reply.ts';
import type { Lease, Settlement } from '../ports/ledger.ts';
import { classify } from './classify.ts';
import type { CommitAnswer } from './commit.ts';
import { decide } from './decide.ts';
import { SAMPLE_LEASE } from '../../test/samples.ts';

const MINUTE_MS = 60_000;
const FACTS = { peer: 'mx.example:25', tls: 'none', isReused: false, durationMs: 5 };
const OK = { code: 250, text: 'ok' };
const LEASE: Lease = {
  ...SAMPLE_LEASE,
  envelope: {
    from: 'agent@agents.example',
    to: ['a@x.example', 'b@x.example', 'c@x.example', 'd@x.example'],
    smtpUtf8: false,
    eightBit: false,
  },
};

function decided(report: Report, change: Partial<Lease> = {}, seen: { commit?: CommitAnswer; isStopping?: boolean } = {}): Settlement {
  const settings = { retryScale: 1, resendMs: 60_000 };
  return decide(classify(report), { ...LEASE, ...change }, { report, isStopping: false, ...seen }, settings, () => 0.5);
}

const said = (address: string, code: number, text = 'no'): RecipientReply => ({ address: `${address}@x.example`, reply: { code, text } });
const accepted = (taken: readonly RecipientReply[], refused: readonly RecipientReply[]): Report => ({
  kind: 'accepted',
  reply: OK,
  accepted: taken,
  refused,
  facts: FACTS,
});

it('is done when everybody was accepted', () => {
  const settlement = decided(accepted([said('a', 250), said('b', 250), said('c', 250), said('d', 250)], []));
  expect(settlement).toMatchObject({ jobId: LEASE.jobId, token: 3, outcome: { kind: 'sent' }, phase: 'dot', reply: OK });
  expect(settlement.children).toBeUndefined();
});

it('is done for the accepted, and carries on only the others, grouped by what comes next', () => {
  const report = accepted([said('a', 250)], [said('b', 451), said('c', 550), said('d', 452)]);
  const settlement = decided(report);
  expect(settlement.outcome).toEqual({ kind: 'sent' });
  expect(settlement.keeps).toEqual(['a@x.example']);
  expect(settlement.children).toMatchObject([
    { to: ['b@x.example', 'd@x.example'], outcome: { kind: 'retry', failure: 'deferred', delayMs: 5 * MINUTE_MS } },
    { to: ['c@x.example'], outcome: { kind: 'dead', reason: 'permanent' }, recipients: [{ reply: { code: 550 } }] },
  ]);
  const ids = settlement.children?.map(({ id }) => id);
  expect(new Set(ids).size).toBe(2);
  expect(decided(report).children?.map(({ id }) => id)).toEqual(ids); // the same settle makes the same children
  expect(decided(report, { token: 4 }).children?.[0]?.id).not.toBe(ids?.[0]);
  expect(ids?.[0]?.slice(0, 6)).toBe('job_05'); // in its parent's partition
});

it('splits a job that was taken for nobody, each part with its own future', () => {
  const refused = [said('a', 550), said('b', 451, 'greylisted'), said('c', 451), said('d', 550)];
  const settlement = decided({ kind: 'refused', phase: 'rcpt', reply: { code: 554, text: 'none' }, refused, facts: FACTS });
  expect(settlement.outcome).toMatchObject({ kind: 'retry', failure: 'deferred' });
  expect(settlement.keeps).toEqual(['c@x.example']);
  expect(settlement.children).toMatchObject([
    { to: ['b@x.example'], outcome: { kind: 'retry', failure: 'greylist' } },
    { to: ['a@x.example', 'd@x.example'], outcome: { kind: 'dead', reason: 'permanent' } },
  ]);
});

it('splits nothing when all recipients fare alike', () => {
  const refused = ['a', 'b', 'c', 'd'].map((one) => said(one, 550));
  const settlement = decided({ kind: 'refused', phase: 'rcpt', reply: { code: 550, text: 'no' }, refused, facts: FACTS });
  expect(settlement.outcome).toEqual({ kind: 'dead', reason: 'permanent' });
  expect(settlement).not.toHaveProperty('children');
  expect(settlement).not.toHaveProperty('keeps');
});

it.each([
  ['hold', 0, { kind: 'doubt', cause: 'timeout' }],
  ['resend', 0, { kind: 'doubt', cause: 'timeout', resendMs: 60_000 }],
  ['resend', 1, { kind: 'doubt', cause: 'timeout' }],
] as const)('under %s, after %i resends, silence after the dot is %j', (onDoubt, resends, outcome) => {
  expect(decided({ kind: 'unknown', cause: 'timeout', detail: '', facts: FACTS }, { onDoubt, resends }).outcome).toEqual(outcome);
});

it('uses up no attempt for what is not the mail’s fault', () => {
  const busy: Report = { kind: 'refused', phase: 'greeting', reply: { code: 421, text: 'busy' }, refused: [], facts: FACTS };
  expect(decided(busy).outcome).toEqual({ kind: 'release', why: 'throttled', delayMs: 0 });
  const login: Report = { kind: 'refused', phase: 'auth', reply: { code: 535, text: 'bad credentials' }, refused: [], facts: FACTS };
  expect(decided(login).outcome).toEqual({ kind: 'release', why: 'throttled', delayMs: 0 });
  const aborted: Report = { kind: 'aborted', phase: 'rcpt', facts: FACTS };
  expect(decided(aborted, {}, { isStopping: true }).outcome).toEqual({ kind: 'release', why: 'shutdown', delayMs: 0 });
  expect(decided(aborted).outcome).toEqual({ kind: 'release', why: 'lost', delayMs: 0 });
});

it('knows why the commit was refused', () => {
  const withheld: Report = { kind: 'withheld', facts: FACTS };
  const after = (because: 'lost' | 'canceled' | 'expired' | 'settled' | 'unanswered') =>
    decided(withheld, {}, { commit: { kind: 'refused', because } }).outcome;
  expect(after('lost')).toEqual({ kind: 'release', why: 'lost', delayMs: 0 });
  expect(after('expired')).toEqual({ kind: 'dead', reason: 'expired' });
  expect(after('unanswered')).toEqual({ kind: 'release', why: 'lost', delayMs: 1_500 });
});

it('lets expiresAt win over a child’s schedule too', () => {
  const settlement = decided(accepted([said('a', 250), said('c', 250), said('d', 250)], [said('b', 451)]), { expiresInMs: MINUTE_MS });
  expect(settlement.children).toMatchObject([{ outcome: { kind: 'dead', reason: 'expired' } }]);
});

it('tells a person what was said and what comes next', () => {
  const report: Report = { kind: 'refused', phase: 'mail', reply: { code: 451, text: '4.3.2 try later' }, refused: [], facts: FACTS };
  expect(decided(report).note).toBe('At MAIL FROM: The server said "451 4.3.2 try later". Tried again in 5 min.');
});
