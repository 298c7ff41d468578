import { expect, it } from 'vitest';
import { SAMPLE_INBOX, SAMPLE_LEASE } from '../test/samples.ts';
import { prometheusMeter } from './adapters/meter/prometheus/index.ts';
import { meteredLedger, meteredMail, meteredSubmit } from './metered.ts';
import { ShoalError } from './model/errors.ts';
import { jobId, messageId, workerId } from './model/ids.ts';
import type { Lease, NewJob } from './ports/ledger.ts';
import { createManualClock, createMemoryLedger } from './testing/index.ts';

const LEASE_MS = 60_000;
const SWEEP = { max: 10, apartDelaysMs: [0], resendMs: 0, retentionMs: 604_800_000 };

function openMeter() {
  const meter = prometheusMeter({
    version: '0',
    leases: () => ({ sending: 0, shelved: 0, unrecorded: 0 }),
    disk: () => ({ floorBytes: 0, isShort: false }),
  });
  const standing = createMemoryLedger({ clock: createManualClock() });
  return {
    meter,
    /** The figures of these names that are not 0. */
    async figures(names: RegExp): Promise<Readonly<Record<string, number>>> {
      const { text } = await meter.exposition({ ...(await standing.stats()), workers: 0, sending: 0 });
      const lines = text.split('\n').map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]);
      return Object.fromEntries(lines.filter(([name, value]) => !String(name).startsWith('#') && names.test(String(name)) && value !== 0));
    },
  };
}

function openWorld() {
  const { meter, figures } = openMeter();
  const clock = createManualClock();
  const ledger = meteredLedger(createMemoryLedger({ clock }), meter);
  const request = { worker: workerId(`wrk_${'0'.repeat(12)}`), kinds: ['send'], leaseMs: LEASE_MS, apart: false } as const;
  return {
    figures,
    clock,
    ledger,
    ask: (max: number) => ({ ...request, max }),
    queue: (numbers: readonly number[], more: Partial<NewJob> = {}) => ledger.enqueue(numbers.map((number) => newJob(number, more))),
    lease: async (max: number): Promise<readonly Lease[]> => (await ledger.lease({ ...request, max })).leases,
    commit: (lease: Lease) => ledger.commit([{ ...refOf(lease), nonce: 'once' }]),
  };
}

function newJob(number: number, more: Partial<NewJob>): NewJob {
  const { kind, tenant, sender, lane, envelope, payload, onDoubt } = SAMPLE_LEASE;
  const digits = String(number).padStart(2, '0');
  return {
    ...{ kind, tenant, sender, lane, envelope, payload, onDoubt },
    id: jobId(`job_05${'0'.repeat(22)}${digits}`),
    messageId: messageId(`eml_${'0'.repeat(24)}${digits}`),
    priority: 'normal',
    fingerprint: digits,
    guardMs: 0,
    ...more,
  };
}

const refOf = ({ jobId, token }: Lease) => ({ jobId, token });
const released = (lease: Lease) => ({
  ...refOf(lease),
  outcome: { kind: 'release', why: 'busy', delayMs: 3_600_000 } as const,
  note: 'later',
});

it('counts how long a mail took from its submit on, the wait for its lease and the lease together, in seconds', async () => {
  const { meter, figures } = openMeter();
  const lease = { ...SAMPLE_LEASE, ageMs: 5_000 };
  const settlement = { ...refOf(lease), outcome: { kind: 'sent' }, note: 'taken' } as const;
  meteredMail(meter)({ point: 'settled', lease, heldMs: 700, settlement, settled: { kind: 'settled', state: 'sent' } });
  expect(await figures(/^shoal_send_latency_seconds_(sum|count)/)).toEqual({
    shoal_send_latency_seconds_sum: 5.7,
    shoal_send_latency_seconds_count: 1,
  });
});

it('counts an end that the ledger refused as that, and not as what the worker meant', async () => {
  const { meter, figures } = openMeter();
  const settlement = { ...refOf(SAMPLE_LEASE), outcome: { kind: 'dead', reason: 'permanent' }, note: 'no' } as const;
  const settled = { kind: 'refused', because: 'lost' } as const;
  meteredMail(meter)({ point: 'settled', lease: SAMPLE_LEASE, heldMs: 1, settlement, settled });
  expect(await figures(/^shoal_(attempts|dead_letters|send_latency)/)).toEqual({
    'shoal_attempts_total{outcome="refused",cause="lost"}': 1,
  });
});

it('counts the recipients of a mail that died while the others went', async () => {
  const { meter, figures } = openMeter();
  const child = (number: number, reason: 'permanent' | 'expired') => ({
    id: newJob(number, {}).id,
    to: ['b@x.example'],
    outcome: { kind: 'dead', reason } as const,
    note: 'no',
    recipients: [],
  });
  const settlement = {
    ...refOf(SAMPLE_LEASE),
    outcome: { kind: 'sent' } as const,
    note: 'taken',
    children: [child(1, 'permanent'), child(2, 'permanent'), child(3, 'expired')],
  };
  meteredMail(meter)({ point: 'settled', lease: SAMPLE_LEASE, heldMs: 1, settlement, settled: { kind: 'settled', state: 'sent' } });
  expect(await figures(/^shoal_(attempts|dead_letters)_total/)).toEqual({
    'shoal_attempts_total{outcome="sent",cause=""}': 1,
    'shoal_dead_letters_total{reason="permanent"}': 2,
    'shoal_dead_letters_total{reason="expired"}': 1,
  });
});

it('counts how many leases an answer brought, also one to a settle, and none of those that brought nothing', async () => {
  const { figures, queue, lease, ledger, ask } = openWorld();
  expect(await lease(2)).toHaveLength(0);
  await queue([1, 2, 3, 4, 5]);
  const held = await lease(2);
  await ledger.settle(held.map(released), ask(3));
  await ledger.settle([], ask(3));
  expect(await figures(/^shoal_(lease|settle)_batch_jobs_(sum|count)/)).toEqual({
    shoal_lease_batch_jobs_sum: 5,
    shoal_lease_batch_jobs_count: 2,
    shoal_settle_batch_jobs_sum: 2,
    shoal_settle_batch_jobs_count: 2,
  });
});

it('counts what a sweep finds: crashes, poison, doubts and mail whose time is over', async () => {
  const { figures, clock, queue, lease, ledger, commit } = openWorld();
  await queue([1, 2]);
  const [first, second] = await lease(2);
  if (first === undefined || second === undefined) throw new Error('nothing to lease');
  await commit(first);
  await queue([3], { expiresAt: clock.now() + 1_000 });
  await clock.advance(LEASE_MS + 1);
  expect(await ledger.sweep(SWEEP)).toMatchObject({ crashed: 1, inDoubt: 1, expired: 1 });
  expect(await figures(/^shoal_(crashes|doubts|dead_letters)_total/)).toEqual({
    shoal_crashes_total: 1,
    'shoal_doubts_total{cause="worker-lost"}': 1,
    'shoal_dead_letters_total{reason="expired"}': 1,
  });
  for (const apart of [false, true, true]) {
    await ledger.lease({ worker: workerId(`wrk_${'1'.repeat(12)}`), kinds: ['send'], leaseMs: LEASE_MS, apart, max: 1 });
    await clock.advance(LEASE_MS + 1);
    await ledger.sweep(SWEEP);
  }
  expect(await figures(/^shoal_(crashes_total|dead_letters_total\{reason="poison")/)).toEqual({
    shoal_crashes_total: 4,
    'shoal_dead_letters_total{reason="poison"}': 1,
  });
});

it('counts a doubt that somebody gave up as a dead letter, and not one that was said to be sent', async () => {
  const { figures, clock, queue, lease, ledger, commit } = openWorld();
  await queue([1, 2]);
  const held = await lease(2);
  for (const one of held) await commit(one);
  await clock.advance(LEASE_MS + 1);
  await ledger.sweep(SWEEP);
  const verdicts = ['sent', 'dead'] as const;
  await ledger.resolve(held.map(({ jobId }, index) => ({ jobId, verdict: verdicts[index] ?? 'sent', note: 'as its reader said' })));
  expect(await figures(/^shoal_dead_letters_total/)).toEqual({ 'shoal_dead_letters_total{reason="decided"}': 1 });
});

it('counts a request to send by its answer, and hands on what it was', async () => {
  const { meter, figures } = openMeter();
  const request = { tenant: SAMPLE_INBOX.tenant, inbox: SAMPLE_INBOX, to: [], subject: '' };
  for (const error of [new ShoalError('too_large', 'too large'), new TypeError('not foreseen')]) {
    const submit = meteredSubmit({ submit: () => Promise.reject(error) }, meter);
    await expect(submit.submit(request)).rejects.toBe(error);
  }
  expect(await figures(/^shoal_submits_total/)).toEqual({
    'shoal_submits_total{answer="refused",code="too_large"}': 1,
    'shoal_submits_total{answer="refused",code="internal_error"}': 1,
  });
});
