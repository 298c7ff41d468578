import { expect, it } from 'vitest';
import { senderId } from '../../model/ids.ts';
import type { FailureCause, Phase, RecipientReply, Report } from '../../model/reply.ts';
import type { Lease, Settlement } from '../../ports/ledger.ts';
import { classify } from '../classify.ts';
import { decide } from '../decide.ts';
import { merged } from './effects.ts';
import { SAMPLE_LEASE } from '../../../test/samples.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const GMAIL = 'smtp.gmail.com:587';
const TO = ['ann@x.example', 'bob@y.example', 'cyd@z.example'];
const LEASE: Lease = {
  ...SAMPLE_LEASE,
  sender: senderId('bulk'),
  envelope: { from: 'agent@Agents.example', to: TO, smtpUtf8: false, eightBit: false },
};

interface Given {
  readonly peer?: string;
  readonly lease?: Partial<Lease>;
  readonly retryScale?: number;
  readonly login?: string;
}

function decided(report: Report, { lease = {}, retryScale = 1, login }: Given): Settlement {
  const seen = { report, isStopping: false, ...(login !== undefined && { login }) };
  return decide(classify(report), { ...LEASE, ...lease }, seen, { retryScale, resendMs: 60_000 }, () => 0.5);
}
const factsOf = (peer = 'mx.example:25') => ({ peer, tls: 'none', isReused: false, durationMs: 5 });
const replyOf = (written: string) => ({ code: Number(written.slice(0, 3)), text: written.slice(4) });

function afterReply(phase: Phase, written: string, given: Given = {}): Settlement {
  return decided({ kind: 'refused', phase, reply: replyOf(written), refused: [], facts: factsOf(given.peer) }, given);
}
function afterFailure(phase: Phase, cause: FailureCause, given: Given = {}, isReused = false): Settlement {
  return decided({ kind: 'failed', phase, cause, detail: 'x', facts: { ...factsOf(given.peer), isReused } }, given);
}
/** One reply for each recipient; those with 250 are accepted. */
function afterRecipients(written: readonly string[], given: Given = {}): Settlement {
  const each = TO.map((address, n): RecipientReply => ({ address, reply: replyOf(written[n] ?? '250 ok') }));
  const accepted = each.filter(({ reply }) => reply.code < 300);
  const refused = each.filter(({ reply }) => reply.code >= 300);
  const facts = factsOf(given.peer);
  return accepted.length > 0
    ? decided({ kind: 'accepted', reply: replyOf('250 ok'), accepted, refused, facts }, given)
    : decided({ kind: 'refused', phase: 'rcpt', reply: replyOf('554 none'), refused, facts }, given);
}

it('tells the sender that its peer is well when a mail was taken', () => {
  expect(afterRecipients([]).effects).toEqual([{ kind: 'through', isTaken: true }]);
});

it.each([
  ['a dead address', 'rcpt', '550 5.1.1 no such user', 'dead'],
  ['a mail that nobody wants', 'dot', '554 5.7.1 message content rejected', 'dead'],
  ['a full mailbox', 'rcpt', '452 4.2.2 mailbox full', 'retry'],
  ['a greylist', 'rcpt', '451 4.7.1 greylisted', 'retry'],
] as const)('blames no peer for %s', (_, phase, written, kind) => {
  const settlement = afterReply(phase, written);
  expect(settlement.outcome.kind).toBe(kind);
  expect(settlement.effects).toEqual([{ kind: 'through', isTaken: false }]);
});

it('counts a peer that cannot be reached, or turns everybody away, against the peer', () => {
  const failed = { kind: 'failed', baseMs: 30 * SECOND_MS, spread: 0.5 };
  expect(afterFailure('connect', 'refused')).toMatchObject({ outcome: { kind: 'retry', failure: 'network' }, effects: [failed] });
  expect(afterFailure('body', 'cut')).toMatchObject({ outcome: { kind: 'retry', failure: 'network' }, effects: [failed] });
  expect(afterReply('greeting', '554 go away')).toMatchObject({ outcome: { kind: 'retry', failure: 'deferred' }, effects: [failed] });
  expect(afterReply('dot', '421 closing')).toMatchObject({ outcome: { kind: 'retry' }, effects: [failed] });
});

it('slows the whole sender down after a 421 as greeting, and uses up no attempt of the mail', () => {
  expect(afterReply('greeting', '421 too busy, try again in 5 minutes', { retryScale: 0.5 })).toMatchObject({
    outcome: { kind: 'release', why: 'throttled', delayMs: 0 },
    effects: [{ kind: 'throttled', askedMs: 5 * MINUTE_MS, baseMs: 15 * SECOND_MS, spread: 0.5 }],
  });
});

it('waits for the longer of what the peer asks for and what its reply is known to want', () => {
  const asked = (text: string) => afterReply('dot', `550 5.4.5 daily limit; ${text}`, { peer: GMAIL, retryScale: 0.1 }).effects;
  expect(asked('sorry')).toMatchObject([{ kind: 'throttled', askedMs: HOUR_MS / 10 }]);
  expect(asked('try again in 3 hours')).toMatchObject([{ kind: 'throttled', askedMs: 3 * HOUR_MS }]);
});

it('holds back a domain that its peer has enough of, and leaves other domains alone', () => {
  expect(afterReply('dot', '421 4.7.28 unusual rate from your DKIM domain', { peer: GMAIL })).toMatchObject({
    outcome: { kind: 'release', why: 'throttled' },
    effects: [{ kind: 'hold', hold: { scope: 'identity:agents.example', why: 'throttled', forMs: 30 * MINUTE_MS } }],
  });
});

it('lets only the recipient wait that gets too much mail, for an hour at least', () => {
  const settlement = afterRecipients(['250 ok', '450 4.2.1 receiving mail too quickly'], { peer: GMAIL });
  expect(settlement.effects).toEqual([{ kind: 'through', isTaken: true }]);
  expect(settlement.children).toMatchObject([
    { to: ['bob@y.example'], outcome: { kind: 'release', why: 'throttled', delayMs: 66 * MINUTE_MS } },
  ]);
  const whole = afterReply('rcpt', '450 4.2.1 receiving mail too quickly', { peer: GMAIL });
  expect(whole).toMatchObject({ outcome: { kind: 'release', why: 'throttled', delayMs: 66 * MINUTE_MS }, effects: [] });
});

it('lets no mail wait an hour that expires before', () => {
  const given = { peer: GMAIL, lease: { expiresInMs: HOUR_MS } };
  expect(afterReply('rcpt', '450 4.2.1 too quickly', given).outcome).toEqual({ kind: 'dead', reason: 'expired' });
});

it('defers the definite form of a recipient’s flood once', () => {
  const flood = '550 5.2.1 receiving mail at a rate that prevents additional messages';
  expect(afterReply('rcpt', flood, { peer: GMAIL }).outcome).toEqual({ kind: 'retry', failure: 'deferred', delayMs: HOUR_MS });
  const again = afterReply('rcpt', flood, { peer: GMAIL, lease: { failures: { deferred: 1 } } });
  expect(again.outcome).toEqual({ kind: 'dead', reason: 'permanent' });
});

it.each([
  ['432 4.3.2 concurrent connections limit exceeded', 'smtp.office365.com:587'],
  ['421 4.7.0 too many connections', 'mx.example:25'],
])('uses fewer connections after "%s", and counts no attempt however often it comes', (written, peer) => {
  const settlement = afterReply('greeting', written, { peer, lease: { busyReleases: 50 } });
  expect(settlement).toMatchObject({
    outcome: { kind: 'release', why: 'throttled', delayMs: 4 * SECOND_MS },
    effects: [{ kind: 'crowded' }],
  });
});

it('holds a sender whose login is refused until somebody mends it, and says what to do', () => {
  const settlement = afterReply('auth', '535 5.7.8 bad credentials', { peer: GMAIL });
  expect(settlement.outcome).toMatchObject({ kind: 'release', why: 'throttled' });
  expect(settlement.effects).toEqual([
    { kind: 'hold', hold: { scope: 'sender:bulk', why: 'account', note: expect.stringContaining('app password') } },
  ]);
});

it('names the login that was refused in its hold, and in no other', () => {
  const login = 'f00d';
  expect(afterReply('auth', '535 5.7.8 bad credentials', { login }).effects).toMatchObject([{ hold: { why: 'account', login } }]);
  const [blocked] = afterReply('greeting', '554 blocked using spamhaus', { login }).effects ?? [];
  expect(blocked?.kind === 'hold' && blocked.hold).not.toHaveProperty('login');
});

it('looks at a blocked address or domain again after half an hour, and names the domain', () => {
  expect(afterReply('greeting', '554 blocked using spamhaus').effects).toMatchObject([
    { kind: 'hold', hold: { scope: 'sender:bulk', why: 'blocked', forMs: 30 * MINUTE_MS } },
  ]);
  expect(afterReply('dot', '550 5.7.26 unauthenticated', { peer: GMAIL }).effects).toMatchObject([
    { kind: 'hold', hold: { scope: 'identity:agents.example', why: 'blocked', note: expect.stringContaining('SPF for agents.example') } },
  ]);
});

it('looks again after a while at a sender whose transport cannot be opened', () => {
  expect(afterFailure('connect', 'missing').effects).toMatchObject([{ kind: 'hold', hold: { why: 'account', forMs: 5 * MINUTE_MS } }]);
});

it('tries three more connections for a dead one, then counts a failure', () => {
  for (const busyReleases of [0, 1, 2])
    expect(afterFailure('mail', 'cut', { lease: { busyReleases } }, true)).toMatchObject({
      outcome: { kind: 'release', why: 'busy', delayMs: 500 },
      effects: [],
    });
  expect(afterFailure('mail', 'cut', { lease: { busyReleases: 3 } }, true).outcome).toMatchObject({ kind: 'retry', failure: 'deferred' });
  expect(afterReply('mail', '503 bad sequence').outcome).toMatchObject({ kind: 'release', why: 'busy' });
  expect(afterReply('mail', '503 bad sequence', { lease: { busyReleases: 1 } }).outcome).toMatchObject({ kind: 'retry' });
});

it('sends the recipients that were too many for one transaction at once, uncounted', () => {
  const settlement = afterRecipients(['250 ok', '452 4.5.3 too many recipients', '452 4.5.3 too many recipients']);
  expect(settlement.keeps).toEqual(['ann@x.example']);
  expect(settlement.children).toMatchObject([
    { to: ['bob@y.example', 'cyd@z.example'], outcome: { kind: 'release', why: 'busy', delayMs: 0 } },
  ]);
});

it('gives each recipient a future of its own, and tells each scope once', () => {
  const settlement = afterRecipients(['451 4.7.1 greylisted', '550 5.7.1 exceeded the sending limit', '550 5.1.1 unknown'], {});
  expect(settlement).toMatchObject({ outcome: { kind: 'retry', failure: 'greylist' }, keeps: ['ann@x.example'] });
  expect(settlement.children).toMatchObject([
    { to: ['bob@y.example'], outcome: { kind: 'release', why: 'throttled' } },
    { to: ['cyd@z.example'], outcome: { kind: 'dead', reason: 'permanent' } },
  ]);
  expect(settlement.effects?.map(({ kind }) => kind)).toEqual(['through', 'throttled']);
});

it('blames nobody for a doubt, or for a stop of its own', () => {
  expect(decided({ kind: 'unknown', cause: 'timeout', detail: '', facts: factsOf() }, {}).effects ?? []).toEqual([]);
  expect(decided({ kind: 'aborted', phase: 'rcpt', facts: factsOf() }, {}).effects ?? []).toEqual([]);
  expect(afterFailure('connect', 'unsendable')).toMatchObject({ outcome: { kind: 'dead' }, effects: [] });
});

it('lets no mail wait on its own for what its effect holds back: it is ready whenever its sender or domain is', () => {
  const slowed = { kind: 'release', why: 'throttled', delayMs: 0 };
  expect(afterReply('greeting', '421 too busy').outcome).toEqual(slowed);
  expect(afterReply('auth', '535 5.7.8 bad credentials').outcome).toEqual(slowed);
  expect(afterReply('dot', '421 4.7.28 unusual rate from your DKIM domain', { peer: GMAIL }).outcome).toEqual(slowed);
  const split = afterRecipients(['250 ok', '550 5.7.1 exceeded the sending limit']);
  expect(split.children).toMatchObject([{ to: ['bob@y.example'], outcome: slowed }]);
});

it.each([
  ['a throttled sender', 'rcpt', '450 4.7.1 <bob@y.example>: rate limit exceeded', 'At RCPT TO: the server answered 450 4.7.1 ('],
  [
    'a throttled domain',
    'dot',
    '421 4.7.28 unusual rate to bob@y.example from your DKIM domain',
    'After the message: the server answered 421 4.7.28 (',
  ],
  ['a blocked address', 'rcpt', '554 5.7.1 <bob@y.example>: blocked using spamhaus', 'At RCPT TO: the server answered 554 5.7.1 ('],
  ['a peer that fails', 'greeting', '554 bob@y.example is no friend', 'Waiting for the greeting: the server answered 554 ('],
  ['codes that are none', 'greeting', '421 4.7.bob@y.example too busy', 'Waiting for the greeting: the server answered 421 ('],
] as const)('T3: keeps the words of the server out of the note of %s, and in that of the attempt', (_, phase, written, begins) => {
  const peer = phase === 'dot' ? GMAIL : 'mx.example:25';
  const { effects = [], note } = afterReply(phase, written, { peer });
  expect(effects).toHaveLength(1);
  expect(effects).toMatchObject([
    written.includes('DKIM') || written.includes('spamhaus')
      ? { hold: { note: expect.stringContaining(begins) } }
      : { note: expect.stringContaining(begins) },
  ]);
  expect(JSON.stringify(effects)).not.toContain('bob');
  expect(note).toContain(written);
});

it('T3: tells of a failure only how it ended, where others read it', () => {
  const report = { kind: 'failed', phase: 'connect', cause: 'refused', detail: 'nobody at 192.0.2.1', facts: factsOf() } as const;
  const { effects, note } = decided(report, {});
  expect(effects).toMatchObject([{ kind: 'failed', note: 'Connecting: refused (network).' }]);
  expect(note).toContain('nobody at 192.0.2.1');
});

it('T3: names in no note the recipient whose reply it was', () => {
  const settlement = afterRecipients([
    '250 ok',
    '450 4.7.1 <bob@y.example>: sending limit exceeded',
    '550 5.7.26 cyd@z.example is unauthenticated',
  ]);
  expect(settlement.effects?.map(({ kind }) => kind)).toEqual(['through', 'throttled', 'hold']);
  expect(JSON.stringify(settlement.effects)).not.toMatch(/bob|cyd/);
  expect(JSON.stringify(settlement.children?.map(({ note }) => note))).toMatch(/bob.*cyd/);
});

it('keeps the longer of two waits for one scope', () => {
  const throttled = { kind: 'throttled', askedMs: 1, baseMs: 1, spread: 0, note: '' } as const;
  expect(
    merged([throttled, { ...throttled, askedMs: 5 }, { kind: 'through', isTaken: false }, { kind: 'through', isTaken: true }]),
  ).toEqual([
    { kind: 'through', isTaken: true },
    { ...throttled, askedMs: 5 },
  ]);
});
