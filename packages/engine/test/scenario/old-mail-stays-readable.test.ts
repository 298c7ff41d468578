import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { openSqliteFile } from '../../src/adapters/_shared/sqlite-file.ts';
import { openSqliteLedger } from '../../src/adapters/ledger/sqlite/index.ts';
import { openSqliteStore } from '../../src/adapters/store/sqlite/index.ts';
import { getEmail, readRaw } from '../../src/api/emails.ts';
import { inboxId, messageId, tenantId, workerId } from '../../src/model/ids.ts';
import { RETENTION_MS } from '../../src/model/limits.ts';
import { createManualClock } from '../../src/testing/manual-clock.ts';
import { newJob } from '../../src/testing/ledger-suite/desk.ts';

const dir = mkdtempSync(join(tmpdir(), 'shoal-old-mail-'));
afterEach(() => rmSync(dir, { recursive: true }));

it('still says how a mail ended, and shows its bytes, when the ledger has dropped the record of it', async () => {
  const clock = createManualClock();
  const file = await openSqliteFile(join(dir, 'shoal.db'), { now: clock.now });
  const store = await openSqliteStore(file);
  const ledger = await openSqliteLedger(file, { keepsPayloads: true, onDropped: store.keepEndNow });
  const ended = { sent: newJob(), canceled: newJob() };
  for (const job of Object.values(ended)) {
    await file.write(() => {
      ledger.enqueueNow([job]);
      store.addMessageNow({
        id: messageId(job.messageId),
        tenant: tenantId(job.tenant),
        inbox: inboxId(`ibx_${'a'.repeat(26)}`),
        messageIdHeader: '<m@shoal.localhost>',
        from: 'ann@shoal.localhost',
        to: ['bob@example.net'],
        cc: [],
        bcc: [],
        subject: 'Hello',
        onDoubt: 'hold',
        sizeBytes: 3,
        createdAt: 1,
      });
    });
  }
  await ledger.cancel([ended.canceled.id]);
  const { leases } = await ledger.lease({
    worker: workerId(`wrk_${'a'.repeat(12)}`),
    kinds: ['send'],
    max: 1,
    leaseMs: 60_000,
    apart: false,
  });
  await ledger.commit(leases.map(({ jobId, token }) => ({ jobId, token, nonce: 'n' })));
  await ledger.settle(leases.map(({ jobId, token }) => ({ jobId, token, outcome: { kind: 'sent' }, note: 'taken' })));

  await clock.advance(RETENTION_MS + 1_000);
  const swept = await ledger.sweep({ max: 10, apartDelaysMs: [1], resendMs: 1, retentionMs: RETENTION_MS });

  expect(swept.dropped).toBe(2);
  for (const [status, job] of Object.entries(ended)) {
    expect(await getEmail({ store, ledger }, job.tenant, job.messageId)).toMatchObject({ status, jobs: [] });
    expect((await readRaw({ store, ledger }, job.tenant, job.messageId)).bytes).toEqual(job.payload);
  }
  await ledger.close();
  await file.close();
});
