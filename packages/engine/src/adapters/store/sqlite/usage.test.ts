import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { tenantId } from '../../../model/ids.ts';
import { openSqliteFile } from '../../_shared/sqlite-file.ts';
import { openSqliteStore } from './index.ts';

const ANN = tenantId(`acct_${'a'.repeat(26)}`);
const BOB = tenantId(`acct_${'b'.repeat(26)}`);

it('counts the mails of one account since a time, also where others stand between and some were removed', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'shoal-usage-'));
  const file = await openSqliteFile(join(dir, 'shoal.db'), {});
  onTestFinished(async () => {
    await file.close();
    rmSync(dir, { recursive: true });
  });
  const store = await openSqliteStore(file);
  expect(await store.usage(ANN, { day: 0, month: 0 })).toEqual({ inboxes: 0, emailsToday: 0, emailsThisMonth: 0 });
  await file.write(() => {
    const add = file.prepare(
      `INSERT INTO messages (id, tenant, inbox, message_id_header, sender_address, to_addresses, cc_addresses, bcc_addresses, subject, on_doubt, size_bytes, created_at)
       VALUES (?, ?, 'i', 'm', 'a', '[]', '[]', '[]', 's', 'hold', 1, ?)`,
    );
    for (let time = 0; time < 1_000; time++) add.run(`eml_${time}`, time % 3 === 0 ? BOB : ANN, time);
    file.prepare('DELETE FROM messages WHERE created_at BETWEEN 450 AND 549').run();
  });
  const counted = (tenant: typeof ANN, from: number): number =>
    Array.from({ length: 1_000 }, (_, time) => time).filter(
      (time) => time >= from && (time < 450 || time > 549) && (time % 3 === 0) === (tenant === BOB),
    ).length;
  for (const [day, month] of [
    [900, 0],
    [500, 449],
    [550, 451],
    [1_000, 999],
    [5_000, 1],
  ] as const) {
    for (const tenant of [ANN, BOB])
      expect(await store.usage(tenant, { day, month })).toEqual({
        inboxes: 0,
        emailsToday: counted(tenant, day),
        emailsThisMonth: counted(tenant, month),
      });
  }
});
