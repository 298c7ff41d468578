import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openSqliteFile } from '../src/adapters/_shared/sqlite-file.ts';
import { openSqliteLedger } from '../src/adapters/ledger/sqlite/index.ts';
import type { Ledger } from '../src/ports/ledger.ts';
import { type SimulationOptions, simulate } from '../src/testing/simulator/simulate.ts';

/** Thousands of syncs a seed: in memory where the system has such a folder, since no simulated process can lose what SQLite holds. */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** One seed of your own: `SIM_SEED=1234 npx vitest run packages/engine/test/simulator-sqlite.test.ts`. */
const { SIM_SEED, SIM_SQLITE_SEEDS = '100' } = process.env;
const seeds = SIM_SEED === undefined ? Array.from({ length: Number(SIM_SQLITE_SEEDS) }, (_, at) => 1 + at) : [Number(SIM_SEED)];

it(`finds nothing lost, doubled or stuck on the SQLite ledger in ${seeds.length} seeds`, { timeout: 1_800_000 }, async () => {
  for (const seed of seeds) {
    const { violations } = await simulateOnSqlite(seed);
    if (violations.length > 0)
      expect.fail(
        `seed ${seed}: ${violations.join('; ')}\nreplay: SIM_SEED=${seed} npx vitest run packages/engine/test/simulator-sqlite.test.ts`,
      );
  }
});

async function simulateOnSqlite(seed: number): Promise<{ readonly violations: readonly string[] }> {
  const dir = mkdtempSync(join(MEMORY, 'shoal-simulator-'));
  let underWay = 0;
  /** Virtual time stands still while the disk is asked. */
  const counted = (ledger: Ledger): Ledger =>
    new Proxy(ledger, {
      get(target, name, receiver) {
        const value: unknown = Reflect.get(target, name, receiver);
        if (typeof value !== 'function' || name === 'wake') return value;
        return async (...args: unknown[]) => {
          underWay += 1;
          try {
            return await value.apply(target, args);
          } finally {
            underWay -= 1;
          }
        };
      },
    });
  const openLedger: SimulationOptions['openLedger'] = async (time) => {
    const file = await openSqliteFile(join(dir, 'shoal.db'), { now: time.now });
    const ledger = await openSqliteLedger(file, { keepsPayloads: true });
    return counted({
      ...ledger,
      // The file's own doorbell rings in real time; here a worker looks every 50 ms of virtual time.
      wake: (maxMs, signal) =>
        new Promise((resolve) => {
          const cancel = time.after(Math.min(maxMs, 50), resolve);
          signal.addEventListener('abort', () => {
            cancel();
            resolve();
          });
        }),
      async close() {
        await ledger.close();
        await file.close();
      },
    });
  };
  try {
    return await simulate({ seed, openLedger, isBusy: () => underWay > 0 });
  } finally {
    rmSync(dir, { recursive: true });
  }
}
