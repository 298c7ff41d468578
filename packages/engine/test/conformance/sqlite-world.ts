import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteFile } from '../../src/adapters/_shared/sqlite-file.ts';
import { openSqliteLedger } from '../../src/adapters/ledger/sqlite/index.ts';
import { createManualClock, type LedgerWorld } from '../../src/testing/index.ts';

/** A ledger on a fresh file, on a manual clock; `second` is a second connection of the same library. */
export async function sqliteWorld(keepsPayloads: boolean): Promise<LedgerWorld> {
  const clock = createManualClock();
  const folder = mkdtempSync(join(tmpdir(), 'shoal-ledger-'));
  const closers: (() => Promise<void>)[] = [];
  const open = async () => {
    const file = await openSqliteFile(join(folder, 'shoal.db'), { now: clock.now });
    const ledger = await openSqliteLedger(file, { keepsPayloads });
    closers.push(ledger.close, file.close);
    return ledger;
  };
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0)) await close();
  };
  return {
    ledger: await open(),
    advance: clock.advance,
    reopen: async () => {
      await closeAll();
      return open();
    },
    second: open,
    close: async () => {
      await closeAll();
      await rm(folder, { recursive: true });
    },
  };
}
