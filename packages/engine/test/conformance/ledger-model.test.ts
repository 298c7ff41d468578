import { createManualClock, createMemoryLedger, ledgerModelTest } from '../../src/testing/index.ts';
import { sqliteWorld } from './sqlite-world.ts';

// Compared with itself it always agrees: what is judged here are the invariants and the fairness of its dealing.
for (const keepsPayloads of [true, false]) {
  ledgerModelTest(keepsPayloads ? 'memory' : 'memory that drops the bytes of sent mail', async () => {
    const clock = createManualClock();
    const ledger = createMemoryLedger({ clock, keepsPayloads });
    return { ledger, advance: clock.advance, close: ledger.close };
  });
}

ledgerModelTest('sqlite', () => sqliteWorld(true));
ledgerModelTest('sqlite that drops the bytes of sent mail', () => sqliteWorld(false));
