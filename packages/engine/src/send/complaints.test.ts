import { expect, it } from 'vitest';
import { jobId, senderId } from '../model/ids.ts';
import { identityScope, senderScope } from '../model/scope.ts';
import type { Lease, Settlement } from '../ports/ledger.ts';
import type { Effect } from '../ports/ledger-scopes.ts';
import type { Log, LogFields } from '../ports/log.ts';
import { createManualClock } from '../testing/manual-clock.ts';
import { createComplaints } from './complaints.ts';

const JOB = jobId(`job_05${'0'.repeat(24)}`);
const LEASE = { jobId: JOB, sender: senderId('bulk') } as Lease;
const SENDER = senderScope(LEASE.sender);

function bench() {
  const lines: { readonly level: string; readonly message: string; readonly fields?: LogFields }[] = [];
  const at = (level: string) => (message: string, fields?: LogFields) => void lines.push({ level, message, ...(fields && { fields }) });
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const clock = createManualClock();
  const complaints = createComplaints(clock, log);
  const tell = (effects: readonly Effect[], more: Partial<Settlement> = {}): void =>
    complaints.attempt(LEASE, {
      jobId: JOB,
      token: 1,
      outcome: { kind: 'sent' },
      note: 'The server said "450 too fast".',
      effects,
      ...more,
    });
  return { lines, clock, tell };
}

const waits = { askedMs: 1, baseMs: 1, spread: 0, note: 'codes' } as const;
const slowed: Effect = { kind: 'throttled', ...waits };
const held: Effect = { kind: 'hold', hold: { scope: SENDER, why: 'account', note: 'codes' } };
const slowedDomain: Effect = { kind: 'hold', hold: { scope: identityScope('x.example'), why: 'throttled', note: 'codes' } };
const failing: Effect = { kind: 'failed', ...waits };

it.each([
  ['error', 'mail is held back', SENDER, held],
  ['warn', 'mail is slowed down', SENDER, slowed],
  ['warn', 'mail is slowed down', 'identity:x.example', slowedDomain],
  ['warn', 'a peer fails', SENDER, failing],
] as const)('logs as %s "%s" about %s, with the words of the server and the job', (level, message, about, effect) => {
  const { lines, tell } = bench();
  tell([effect]);
  const fields = { about, note: 'codes', jobId: JOB, said: 'The server said "450 too fast".' };
  expect(lines).toEqual([{ level, message, fields }]);
});

it('tells what was said to each part of a mail', () => {
  const { lines, tell } = bench();
  const child = { to: [], outcome: { kind: 'release', why: 'throttled', delayMs: 0 }, note: 'The server said "535 no".' } as const;
  tell([held], { note: 'Taken for 1 of 2.', children: [{ ...child, id: JOB, recipients: [] }] });
  expect(lines[0]?.fields).toMatchObject({ said: 'Taken for 1 of 2. The server said "535 no".' });
});

it('says the same of the same thing once a minute, and nothing of a mail that got through', async () => {
  const { lines, clock, tell } = bench();
  tell([{ kind: 'through', isTaken: true }, { kind: 'crowded' }]);
  expect(lines).toEqual([]);
  for (let n = 0; n < 3; n += 1) tell([failing, slowed]);
  expect(lines.map(({ message }) => message)).toEqual(['a peer fails', 'mail is slowed down']);
  await clock.advance(60_000);
  tell([failing]);
  expect(lines).toHaveLength(3);
});
