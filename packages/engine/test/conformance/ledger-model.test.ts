import { createManualClock, createMemoryLedger, ledgerModelTest } from '../../src/testing/index.ts';
import { sqliteWorld } from './sqlite-world.ts';

// Compared with itself it always agrees: what is judged here are the invariants and the fairness of its dealing.
ledgerModelTest(
  'memory',
  async () => {
    const clock = createManualClock();
    const ledger = createMemoryLedger({ clock });
    return { ledger, advance: clock.advance, close: ledger.close };
  },
  { mustReach: true },
);

ledgerModelTest('sqlite', () => sqliteWorld(true));
// Differs in the bytes alone, so that fewer runs will do.
ledgerModelTest('sqlite that drops the bytes of sent mail', () => sqliteWorld(false), { runs: 10 });
