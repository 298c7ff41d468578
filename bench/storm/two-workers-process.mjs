// @ts-check
import { openBuiltEngine } from './built-engine.mjs';

// Two workers of one machine in one process, each with a connection of its own to the ledger: what they share is the
// ledger alone, as processes do.
const roles = { http: false, worker: true };
const engines = [await openBuiltEngine({ roles }), await openBuiltEngine({ roles })];
for (const engine of engines) await engine.start();
process.once('SIGTERM', async () => {
  await Promise.all(engines.map((engine) => engine.close()));
  process.exit(0);
});
