import { describe, expect, it } from 'vitest';
import { createMemoryLedger } from '../src/testing/memory-ledger.ts';
import { simulate } from '../src/testing/simulator/simulate.ts';

/** CI runs `SIM_SEEDS=10000`. One seed of your own: `SIM_SEED=1234 npx vitest run packages/engine/test/simulator.test.ts`. */
const { SIM_SEED, SIM_SEEDS = '2000', SIM_FROM = '1' } = process.env;
const seeds = SIM_SEED === undefined ? Array.from({ length: Number(SIM_SEEDS) }, (_, at) => Number(SIM_FROM) + at) : [Number(SIM_SEED)];

describe('the simulator, on the memory ledger', () => {
  it(`finds nothing lost, doubled or stuck in ${seeds.length} seeds`, { timeout: 1_800_000 }, async () => {
    const sums = { delivered: 0, inDoubt: 0, copies: 0 };
    for (const seed of seeds) {
      const { sheet, violations } = await simulate({ seed, openLedger: async (clock) => createMemoryLedger({ clock }) });
      if (violations.length > 0)
        expect.fail(
          `seed ${seed}: ${violations.join('; ')}\nreplay: SIM_SEED=${seed} npx vitest run packages/engine/test/simulator.test.ts`,
        );
      sums.delivered += sheet.delivered;
      sums.inDoubt += sheet.inDoubt;
      sums.copies += sheet.copies;
    }
    if (SIM_SEED === undefined)
      for (const [what, sum] of Object.entries(sums)) expect(sum, `${what}: nothing was tried`).toBeGreaterThan(0);
  });
});

describe('a worker killed at each step of its work, one by one', () => {
  // By their seeds: any number of connections, a single one, two of them.
  it.each([7, 8, 15])('loses no mail and doubles none, wherever it dies: seed %i', { timeout: 300_000 }, async (seed) => {
    let step = 1;
    for (; ; step++) {
      const { killed, sheet, violations } = await simulate({
        seed,
        diesAtStep: step,
        openLedger: async (clock) => createMemoryLedger({ clock }),
      });
      expect(violations, `killed at step ${step}`).toEqual([]);
      if (!killed) break; // it had no such step: every one was tried
      expect(sheet.delivered + sheet.inDoubt, `killed at step ${step}`).toBeGreaterThanOrEqual(sheet.acknowledged);
      if (step >= 400) break; // long after the last mail: heartbeats and sweeps of an idle worker
    }
    expect(step, 'steps tried').toBeGreaterThan(50);
  });
});
