// @ts-check
import { configOf, openEngine } from '../../packages/engine/dist/index.js';
import { reportTo } from './report.mjs';

/**
 * One worker of ours in a process of its own, as `shoal work` is, that says how many mails it has settled.
 *
 *   node bench/speed/engine-process.mjs '{"ledger": "sqlite:...", "transport": "smtp://...", "concurrency": 50}'
 */
const { tickMs = 50, role = 'worker', ...options } = JSON.parse(process.argv[2] ?? '{}');
const config = configOf({ http: 'off', log: 'warn', ...options });
let settled = 0;
const engine = await openEngine(config, {
  roles: { http: role === 'both', worker: true },
  decorate: {
    ledger: (ledger) => Object.assign(Object.create(ledger), {
      /** @param {Parameters<typeof ledger.settle>} args */
      async settle(...args) {
        const answer = await ledger.settle(...args);
        settled += answer.settled.length;
        return answer;
      },
    }), // biome-ignore format: one ledger
  },
});

reportTo({ settled: () => settled, tickMs, go: () => void engine.start(), end: () => void engine.close().then(() => process.exit(0)) });
