// @ts-check
import { openBuiltEngine } from './built-engine.mjs';

// Two workers of one machine in one process, each with a connection of its own to the ledger: what they share is the
// ledger alone, as processes do.
const engines = [];
for (let made = 0; made < 2; made += 1) engines.push(await openBuiltEngine({ roles: { http: false, worker: true } }));
for (const engine of engines) await engine.start();
process.once('SIGTERM', async () => {
  await Promise.all(engines.map((engine) => engine.close()));
  process.exit(0);
});
