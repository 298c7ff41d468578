import { createManualClock, createMemoryLedger, ledgerSuite } from '../../src/testing/index.ts';
import { sqliteWorld } from './sqlite-world.ts';

// Nothing of it survives a process, so one object stands in for the restarted and for the second one.
ledgerSuite('memory', async () => {
  const clock = createManualClock();
  const ledger = createMemoryLedger({ clock });
  return { ledger, advance: clock.advance, reopen: async () => ledger, second: async () => ledger, close: ledger.close };
});

ledgerSuite('memory that drops the bytes of sent mail', async () => {
  const clock = createManualClock();
  const ledger = createMemoryLedger({ clock, keepsPayloads: false });
  return { ledger, advance: clock.advance, close: ledger.close };
});

ledgerSuite('sqlite', () => sqliteWorld(true));
ledgerSuite('sqlite that drops the bytes of sent mail', () => sqliteWorld(false));
