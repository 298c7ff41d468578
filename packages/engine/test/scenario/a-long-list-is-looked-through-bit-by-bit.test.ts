import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openSqliteFile, type SqliteFile } from '../../src/adapters/_shared/sqlite-file.ts';
import { openSqliteLedger } from '../../src/adapters/ledger/sqlite/index.ts';
import { openSqliteStore } from '../../src/adapters/store/sqlite/index.ts';
import { inboxId, type JobId, jobId, laneId, messageId, operationId, senderId, tenantId } from '../../src/model/ids.ts';
import type { JobPage, JobQuery, Ledger } from '../../src/ports/ledger.ts';
import { workOnOne } from '../../src/send/operations.ts';
import { createManualClock } from '../../src/testing/index.ts';

const TENANT = tenantId(`acct_${'a'.repeat(26)}`);
const OTHER = tenantId(`acct_${'b'.repeat(26)}`);
/** Two looks and a part of a third. */
const MANY = 11_000;
const ID = (kind: string, index: number): string => `${kind}_${String(index).padStart(26, '0')}`;

it('meets the one job that is looked for at the far end, and no page looks through more than its share', async () => {
  const { file, ledger } = await openWith(MANY);
  await ledger.cancel([jobId(ID('job', 0))]);
  const pages = await walk(ledger, { tenant: TENANT, states: ['canceled'] });
  expect(pages.map(({ jobs }) => jobs.length)).toEqual([0, 0, 1]);
  expect(await walk(ledger, { tenant: OTHER, states: ['canceled'] })).toEqual([{ jobs: [] }]);

  file.exec("UPDATE jobs SET state = 'dead', reason = 'permanent', finished_at = 1 WHERE state = 'ready'");
  expect((await walk(ledger, { tenant: OTHER, states: ['dead'] })).map(({ jobs }) => jobs.length)).toEqual([0, 0, 0]);
});

it('puts back the one dead letter of an account behind all those of another', async () => {
  const { file, ledger } = await openWith(MANY);
  file.exec("UPDATE jobs SET state = 'dead', reason = 'permanent', finished_at = 1 WHERE state = 'ready'");
  file.exec(`UPDATE job_facts SET tenant = '${OTHER}' WHERE seq = (SELECT min(seq) FROM job_facts)`);
  const store = await openSqliteStore(file);
  const id = operationId(ID('op', 1));
  const begun = { id, tenant: OTHER, kind: 'requeue', filter: {}, status: 'running', matched: 1, done: 0, failed: 0 } as const;
  await store.addOperation({ ...begun, createdAt: 1, slice: [], isLastSlice: false });
  await workOnOne({ ledger, store, clock: createManualClock(), log: { debug() {}, info() {}, warn() {}, error() {} }, owner: 'one' });
  expect(await store.getOperation(OTHER, id)).toMatchObject({ status: 'done', done: 1, failed: 0 });
});

it('keeps the order of two states that are looked through side by side', async () => {
  const { file, ledger } = await openWith(MANY);
  file.exec(`UPDATE jobs SET reason = 'permanent', finished_at = 1, state = CASE WHEN seq % 3000 = 1 THEN 'in_doubt' ELSE 'dead' END`);
  const met = (await walk(ledger, { tenant: TENANT, states: ['dead', 'in_doubt'] })).flatMap(({ jobs }) => jobs.map(({ id }) => id));
  expect(met).toEqual(
    range(MANY)
      .reverse()
      .map((index) => ID('job', index)),
  );
});

it('meets the one mail that is looked for at the far end', async () => {
  const { file } = await openWith(0);
  const store = await openSqliteStore(file);
  await file.write(() => {
    for (const index of range(MANY))
      store.addMessageNow({
        id: messageId(ID('eml', index)),
        tenant: TENANT,
        inbox: inboxId(ID('ibx', 1)),
        messageIdHeader: '<m@a.example>',
        from: 'a@b.example',
        to: [index === 0 ? 'wanted@d.example' : 'c@d.example'],
        cc: [],
        bcc: [],
        subject: 's',
        onDoubt: 'hold',
        sizeBytes: 1,
        createdAt: index,
      });
  });
  const pages: number[] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const page = await store.listMessages({ tenant: TENANT, max: 10, to: 'wanted@d.example', ...(cursor !== '' && { cursor }) });
    pages.push(page.messages.length);
    cursor = page.cursor;
  }
  expect(pages).toEqual([0, 0, 1]);
});

async function walk(ledger: Ledger, query: Omit<JobQuery, 'max'>): Promise<readonly JobPage[]> {
  const pages: JobPage[] = [];
  let cursor: string | undefined;
  do {
    const page: JobPage = await ledger.list({ ...query, max: 100, ...(cursor !== undefined && { cursor }) });
    pages.push(page);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return pages;
}

async function openWith(jobs: number): Promise<{ readonly file: SqliteFile; readonly ledger: Ledger }> {
  const dir = mkdtempSync(join(tmpdir(), 'shoal-looks-'));
  const file = await openSqliteFile(join(dir, 'shoal.db'));
  onTestFinished(async () => {
    await file.close();
    rmSync(dir, { recursive: true });
  });
  const ledger = await openSqliteLedger(file, { keepsPayloads: true, onDropped: () => {} });
  const BATCH = 500;
  for (let from = 0; from < jobs; from += BATCH) await ledger.enqueue(range(BATCH).map((index) => newJob(jobId(ID('job', from + index)))));
  return { file, ledger };
}

const newJob = (id: JobId): Parameters<Ledger['enqueue']>[0][number] => ({
  id,
  kind: 'send',
  tenant: TENANT,
  sender: senderId('default'),
  lane: laneId('ann'),
  messageId: messageId(id.replace('job_', 'eml_')),
  envelope: { from: 'a@b.example', to: ['c@d.example'], eightBit: false, smtpUtf8: false },
  payload: Buffer.from('x'),
  onDoubt: 'hold',
  priority: 'normal',
  fingerprint: id,
  guardMs: 0,
});
const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
