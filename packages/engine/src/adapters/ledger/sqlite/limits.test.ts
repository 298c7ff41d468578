import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { laneId, senderId, tenantId, workerId } from '../../../model/ids.ts';
import type { Outcome } from '../../../model/outcome.ts';
import { inboxScope, senderScope } from '../../../model/scope.ts';
import type { NewJob } from '../../../ports/ledger.ts';
import { openSqliteFile, type SqliteFile } from '../../_shared/sqlite-file.ts';
import { migrate } from '../../_shared/sqlite-migrations.ts';
import { openSqliteLedger } from './index.ts';
import { LEDGER_MIGRATIONS } from './schema.ts';

const SENDERS = [senderId('one'), senderId('two')];
const WORKERS = [workerId(`wrk_${'1'.repeat(12)}`), workerId(`wrk_${'2'.repeat(12)}`)];
const INBOXES = [laneId('a'), laneId('b')];
const TENANT = tenantId(`acct_${'a'.repeat(26)}`);
const SECOND = 1_000;

interface Bench {
  readonly path: string;
  readonly clock: { now: number };
  open(): Promise<SqliteFile>;
}

async function onAFile(act: (bench: Bench) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-limits-'));
  const clock = { now: 1_700_000_000_000 };
  const path = join(folder, 'shoal.db');
  const files: SqliteFile[] = [];
  const open = async () => {
    const file = await openSqliteFile(path, { now: () => clock.now });
    files.push(file);
    return file;
  };
  try {
    await act({ path, clock, open });
  } finally {
    for (const file of files) await file.close();
    await rm(folder, { recursive: true });
  }
}

const pick = <T>(items: readonly T[], at: number): T => {
  const item = items[at % items.length];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
};

/** The same numbers every time, so that a failure can be seen again. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
}

function newJob(number: number, next: (below: number) => number): NewJob {
  const text = number.toString().padStart(24, '0');
  return {
    id: `job_00${text}` as NewJob['id'],
    kind: 'send',
    tenant: TENANT,
    sender: pick(SENDERS, next(2)),
    lane: pick(INBOXES, next(2)),
    messageId: `eml_00${text}` as NewJob['messageId'],
    envelope: {
      from: 'agent@shoal.example',
      to: ['x', 'y', 'z'].slice(0, 1 + next(3)).map((name) => `${name}${next(4)}@example.com`),
      smtpUtf8: false,
      eightBit: false,
    },
    payload: new TextEncoder().encode('hello'),
    onDoubt: next(2) === 0 ? 'hold' : 'resend',
    priority: pick(['high', 'normal', 'low'] as const, next(3)),
    fingerprint: text,
    guardMs: 0,
    ...(next(6) === 0 && { dueAt: 1_700_000_000_000 + next(300) * SECOND }),
  };
}

const OUTCOMES: readonly Outcome[] = [
  { kind: 'sent' },
  { kind: 'sent' },
  { kind: 'retry', failure: 'network', delayMs: 5 * SECOND },
  { kind: 'retry', failure: 'greylist', delayMs: 0 },
  { kind: 'release', why: 'busy', delayMs: 0 },
  { kind: 'dead', reason: 'permanent' },
  { kind: 'doubt', cause: 'cut', resendMs: 5 * SECOND },
];

/** Everything that is counted as it changes, beside what a count of the rows says. */
const COUNTS = `
  SELECT 'sender ' || s.name AS what, s.scheduled_count || ' ' || s.ready_count || ' ' || s.high_count || ' ' || s.open_count AS kept,
         coalesce(sum(j.state = 'scheduled'), 0) || ' ' || coalesce(sum(j.state = 'ready'), 0) || ' '
           || coalesce(sum(j.state = 'ready' AND l.priority = 0), 0) || ' ' || coalesce(sum(j.state IN ('leased', 'sending')), 0) AS counted
    FROM senders s LEFT JOIN lanes l ON l.owner = s.seq LEFT JOIN jobs j ON j.lane = l.seq GROUP BY s.seq
  UNION ALL
  SELECT 'rule ' || r.scope || ' ' || r.unit, r.used,
         CASE WHEN r.unit IN ('messages', 'recipients') THEN (SELECT coalesce(sum(cost), 0) FROM seats WHERE rule = r.id)
              ELSE (SELECT count(DISTINCT hash) FROM seats WHERE rule = r.id) END
    FROM rules r
  UNION ALL
  SELECT 'seats held by others than open jobs', 0,
         (SELECT count(*) FROM seats WHERE held = 1 AND job NOT IN (SELECT seq FROM jobs WHERE state IN ('leased', 'sending')))
  UNION ALL
  SELECT 'slots used by others than open jobs', 0,
         (SELECT count(*) FROM slots WHERE job IS NOT NULL AND job NOT IN (SELECT seq FROM jobs WHERE state IN ('leased', 'sending')))
  UNION ALL
  SELECT 'jobs in a lane of the wrong kind', 0,
         (SELECT count(*) FROM jobs j JOIN lanes l ON l.seq = j.lane
           WHERE l.retried <> CASE WHEN coalesce(json_extract(j.failures, '$.network'), 0) + coalesce(json_extract(j.failures, '$.deferred'), 0) > 0 THEN 1
                                   WHEN json_extract(j.failures, '$.greylist') > 0 THEN 2 ELSE 0 END)
  UNION ALL
  SELECT 'senders that may go without a lane that may', 0,
         (SELECT count(*) FROM senders s WHERE s.waiting = 1
             AND EXISTS (SELECT 1 FROM lanes l WHERE l.owner = s.seq AND l.waiting = 2)
             AND NOT EXISTS (SELECT 1 FROM lanes l WHERE l.owner = s.seq AND l.waiting = 1))
  UNION ALL
  SELECT 'lanes with a ready job and no mark', 0,
         (SELECT count(DISTINCT l.seq) FROM jobs j JOIN lanes l ON l.seq = j.lane JOIN senders s ON s.seq = l.owner
           WHERE j.state = 'ready' AND j.runs_apart = 0 AND (l.waiting = 0 OR s.waiting = 0))`;

it.each([1, 2, 3, 4])('keeps its counts as a count of the rows would have them, whatever happens (seed %i)', async (seed) => {
  await onAFile(async ({ clock, open }) => {
    const next = numbers(seed);
    const file = await open();
    const ledger = await openSqliteLedger(file, { keepsPayloads: true });
    const live: { jobId: NewJob['id']; token: number }[] = [];
    for (let step = 0; step < 250; step += 1) {
      const what = next(12);
      if (what < 3) await ledger.enqueue([newJob(step * 2, next), newJob(step * 2 + 1, next)]);
      else if (what < 6) {
        const request = {
          worker: pick(WORKERS, next(2)),
          kinds: ['send'] as const,
          max: 1 + next(4),
          leaseMs: 60 * SECOND,
          apart: next(4) === 0,
        };
        live.push(...(await ledger.lease(request)).leases.map(({ jobId, token }) => ({ jobId, token })));
      } else if (what < 9 && live.length > 0) {
        const [ref] = live.splice(next(live.length), 1);
        if (ref === undefined) continue;
        if (next(4) > 0) await ledger.commit([{ ...ref, nonce: `${step}` }]);
        await ledger.settle([{ ...ref, outcome: pick(OUTCOMES, next(7)), note: '' }]);
      } else if (what === 9) clock.now += pick([SECOND, 5 * SECOND, 20 * SECOND, 61 * SECOND], next(4));
      else if (what === 10) await ledger.sweep({ max: 100, apartDelaysMs: [0], resendMs: SECOND, retentionMs: 300 * SECOND });
      else if (next(2) === 0) {
        const some = await ledger.list({ max: 20 });
        await ledger.cancel(some.jobs.filter(() => next(8) === 0).map(({ id }) => id));
        await ledger.requeue(some.jobs.filter(({ state }) => state === 'dead').map(({ id }) => id));
      } else {
        const scope = next(2) === 0 ? senderScope(pick(SENDERS, next(2))) : inboxScope(pick(INBOXES, next(2)));
        const units = ['messages', 'recipients', 'uniqueRecipients', 'newRecipients'] as const;
        const rules = units.filter(() => next(2) === 0).map((unit) => ({ unit, max: 3 + next(5), windowMs: 30 * SECOND, marginMs: 0 }));
        const connections = next(2) === 0 ? { connections: { max: 2, idleMs: 5 * SECOND } } : {};
        await ledger.limit([{ scope, limits: { rules, ...connections } }]);
      }
      const wrong = file.prepare<{ what: string; kept: unknown; counted: unknown }>(COUNTS).all();
      expect(
        wrong.filter(({ kept, counted }) => String(kept) !== String(counted)),
        `after step ${step}`,
      ).toEqual([]);
    }
    await ledger.close();
  });
});

it('goes on with the jobs of a file of version 1, each where it was', async () => {
  await onAFile(async ({ clock, open }) => {
    const old = await open();
    await migrate(old, 'ledger', LEDGER_MIGRATIONS.slice(0, 1));
    const { now } = clock;
    const envelope = JSON.stringify({ from: 'agent@Shoal.example', to: ['reader@example.com'], smtpUtf8: false, eightBit: false });
    old.exec(`
      INSERT INTO senders (sender, waiting, turn) VALUES ('default', 1, 7);
      INSERT INTO lanes (seq, sender, name, kind, waiting, turn) VALUES (1, 'default', 'inbox', 'send', 1, 7), (2, 'default', 'hooks', 'notify', 1, 5);`);
    const states = [
      ['ready', 1, null],
      ['ready', 1, '{"network":2}'],
      ['scheduled', 1, '{"greylist":1}'],
      ['leased', 1, null],
      ['sending', 1, '{"deferred":1}'],
      ['dead', 1, '{"deferred":3}'],
      ['ready', 2, null],
    ] as const;
    for (const [at, [state, lane, failures]] of states.entries()) {
      const seq = at + 1;
      const isOpen = state === 'leased' || state === 'sending';
      old
        .prepare(
          `INSERT INTO jobs (seq, id, lane, state, token, worker, leased_at, leased_until, failures, created_at, queued_at, due_at, finished_at, reason)
           VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(seq, jobName(seq), lane, state, isOpen ? pick(WORKERS, 0) : null, isOpen ? now : null, isOpen ? now + 60 * SECOND : null,
          failures, now, now, state === 'scheduled' ? now + 60 * SECOND : now, state === 'dead' ? now : null, state === 'dead' ? 'exhausted' : null); // biome-ignore format: a row a line
      old.prepare('INSERT INTO mails (seq, id, size_bytes, payload) VALUES (?, ?, 5, ?)').run(seq, `eml_${seq}`, new Uint8Array(5));
      old
        .prepare("INSERT INTO job_facts (seq, tenant, mail, envelope, on_doubt, fingerprint) VALUES (?, ?, ?, ?, 'hold', 'f')")
        .run(seq, TENANT, seq, envelope);
      old.prepare('UPDATE state_counts SET jobs = jobs + 1 WHERE state = ?').run(state);
    }
    await old.close();

    const file = await open();
    const ledger = await openSqliteLedger(file, { keepsPayloads: true });
    const wrong = file.prepare<{ what: string; kept: unknown; counted: unknown }>(COUNTS).all();
    expect(wrong.filter(({ kept, counted }) => String(kept) !== String(counted))).toEqual([]);
    const [standing] = await ledger.standing([senderScope(senderId('default'))]);
    expect(standing?.sender).toMatchObject({ ready: 2, scheduled: 1, underWay: 2 });
    expect(await ledger.scopes({ kind: 'identity', max: 10 })).toEqual(['identity:shoal.example']);
    const request = { worker: pick(WORKERS, 1), kinds: ['send', 'notify'] as const, max: 10, leaseMs: 60 * SECOND, apart: false };
    const { leases, askAgainMs } = await ledger.lease(request);
    expect(leases.map(({ jobId }) => jobId).sort()).toEqual([1, 2, 7].map(jobName));
    expect(askAgainMs).toBe(60 * SECOND);
    expect((await ledger.commit([{ jobId: jobName(4), token: 1, nonce: 'n' }]))[0]).toEqual({ kind: 'granted' });
    expect((await ledger.settle([{ jobId: jobName(5), token: 1, outcome: { kind: 'sent' }, note: '' }])).settled[0]).toMatchObject({
      kind: 'settled',
    });
    expect((await ledger.requeue([jobName(6)]))[0]).toEqual({ kind: 'requeued' });
    expect((await ledger.lease(request)).leases.map(({ jobId }) => jobId)).toEqual([jobName(6)]);
    await ledger.close();
  });
});

const jobName = (seq: number): NewJob['id'] => `job_00${'0'.repeat(23)}${seq}` as NewJob['id'];

it('looks at nothing that waits before its time, however many do', async () => {
  await onAFile(async ({ clock, open }) => {
    const file = await open();
    const ledger = await openSqliteLedger(file, { keepsPayloads: true });
    const next = numbers(9);
    await ledger.limit(
      SENDERS.map((id) => ({
        scope: senderScope(id),
        limits: { rules: [{ unit: 'messages', max: 1, windowMs: 3_600 * SECOND, marginMs: 0 }] },
      })),
    );
    for (let batch = 0; batch < 10; batch += 1)
      await ledger.enqueue(Array.from({ length: 100 }, (_, n) => ({ ...newJob(batch * 100 + n, next), dueAt: clock.now })));
    const request = { worker: pick(WORKERS, 0), kinds: ['send'] as const, max: 100, leaseMs: 60 * SECOND, apart: false };
    for (const { jobId, token } of (await ledger.lease(request)).leases) {
      await ledger.commit([{ jobId, token, nonce: 'n' }]);
      await ledger.settle([{ jobId, token, outcome: { kind: 'sent' }, note: '' }]);
    }
    await ledger.lease(request);
    const changes = (): unknown => file.prepare('SELECT total_changes() AS total').get()?.['total'];
    const before = changes();
    for (let look = 0; look < 50; look += 1) {
      clock.now += 10 * SECOND;
      expect((await ledger.lease(request)).leases).toEqual([]);
    }
    expect(Number(changes()) - Number(before)).toBeLessThan(5); // the file's own clock
    await ledger.close();
  });
});

it('changes nothing in the file when a worker finds no connection free, so that nobody is woken by it', async () => {
  await onAFile(async ({ open }) => {
    const file = await open();
    const ledger = await openSqliteLedger(file, { keepsPayloads: true });
    const [mine, other] = WORKERS;
    if (mine === undefined || other === undefined) return;
    await ledger.limit(
      SENDERS.map((sender) => ({ scope: senderScope(sender), limits: { rules: [], connections: { max: 1, idleMs: 60 * SECOND } } })),
    );
    await ledger.enqueue(
      Array.from({ length: 20 }, (_, number) => newJob(number, (below) => 0 % below)).map(({ dueAt: _, ...job }) => job),
    );
    const request = { kinds: ['send'] as const, max: 5, leaseMs: 60 * SECOND, apart: false };
    const { leases } = await ledger.lease({ ...request, worker: mine });
    const settlements = leases.map(({ jobId, token }) => ({
      jobId,
      token,
      outcome: { kind: 'dead', reason: 'permanent' } as const,
      note: '',
    }));
    await ledger.settle(settlements);
    await ledger.lease({ ...request, worker: other });
    const before = file.prepare('SELECT total_changes() AS total').get();
    for (let looks = 0; looks < 5; looks += 1) expect((await ledger.lease({ ...request, worker: other })).leases).toEqual([]);
    expect(file.prepare('SELECT total_changes() AS total').get()).toEqual(before);
  });
});
