import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const from = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Tests that start and kill real processes; they need a build, and CI runs them on the oldest Node only. */
const PROCESS_TESTS = ['packages/*/test/crash/**/*.test.ts', 'packages/*/test/storm/**/*.test.ts'];
const ALL_TESTS = ['packages/*/src/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'test/**/*.test.ts'];

/** One run over the whole repository, so that one closing line counts everything. */
export default defineConfig({
  resolve: {
    // The sources, so that a test never passes on an old build; exact names, since `shoal` is also a prefix.
    alias: [
      { find: /^@shoal\/sdk$/, replacement: from('./packages/sdk/src/index.ts') },
      { find: /^shoal$/, replacement: from('./packages/engine/src/index.ts') },
      { find: /^shoal\/testing$/, replacement: from('./packages/engine/src/testing/index.ts') },
    ],
  },
  test: {
    reporters: ['default', './test/count.ts'],
    pool: 'forks', // a native SQLite library and signals to children want processes, not threads
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    projects: [
      {
        extends: true,
        test: { name: 'core', include: ALL_TESTS, exclude: ['**/node_modules/**', ...PROCESS_TESTS], sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        // After the others, since leases of real workers run out while something else has the processor.
        test: { name: 'processes', include: PROCESS_TESTS, testTimeout: 180_000, hookTimeout: 60_000, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
