import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { CommitRef } from '../../../ports/ledger.ts';
import { leaseRequest, newJob } from '../../../testing/ledger-suite/desk.ts';
import { openSqliteFile, type SqliteFile } from '../../_shared/sqlite-file.ts';
import { openSqliteLedger, type SqliteLedger } from './index.ts';

async function onALedger(act: (ledger: SqliteLedger, file: SqliteFile) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-ledger-'));
  const file = await openSqliteFile(join(folder, 'shoal.db'));
  const ledger = await openSqliteLedger(file, { keepsPayloads: true });
  try {
    await act(ledger, file);
  } finally {
    await ledger.close();
    await file.close();
    await rm(folder, { recursive: true });
  }
}

async function leased(ledger: SqliteLedger, count: number): Promise<readonly CommitRef[]> {
  await ledger.enqueue(Array.from({ length: count }, () => newJob()));
  const { leases } = await ledger.lease(leaseRequest());
  return leases.map(({ jobId, token }) => ({ jobId, token, nonce: `nonce ${jobId}` }));
}

/** All in one tick, each in a call of its own, as a worker asks for them. */
const commitEach = (ledger: SqliteLedger, refs: readonly CommitRef[]) => Promise.allSettled(refs.map((ref) => ledger.commit([ref])));
const GRANTED = { status: 'fulfilled', value: [{ kind: 'granted' }] };

it('answers each commit of one tick for itself, also when something else of that tick fails and all of it runs again', async () => {
  await onALedger(async (ledger, file) => {
    const [one, other] = await leased(ledger, 2);
    if (one === undefined || other === undefined) throw new Error('expected two leases');
    const failing = expect(file.write(() => file.prepare('SELECT 1 FROM nowhere').get())).rejects.toThrow('no such table');
    const lost = { ...other, token: 9 };
    expect(await commitEach(ledger, [one, lost, other, one])).toEqual([
      GRANTED,
      { status: 'fulfilled', value: [{ kind: 'refused', because: 'lost' }] },
      GRANTED,
      GRANTED,
    ]);
    await failing;
    expect((await ledger.stats()).byState).toMatchObject({ leased: 0, sending: 2 });
  });
});

it('grants the other commits of one tick when one can’t be carried out', async () => {
  await onALedger(async (ledger) => {
    const [one, other, third] = await leased(ledger, 3);
    if (one === undefined || other === undefined || third === undefined) throw new Error('expected three leases');
    const bad = { ...other, nonce: undefined as never };
    const [first, second, last] = await commitEach(ledger, [one, bad, third]);
    expect(first).toEqual(GRANTED);
    expect(second).toMatchObject({ status: 'rejected' });
    expect(last).toEqual(GRANTED);
    expect((await ledger.stats()).byState).toMatchObject({ leased: 1, sending: 2 });
  });
});
