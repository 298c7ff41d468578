/** What the other processes of `sqlite-processes.test.ts` do, on the build: `node sqlite-child.mjs <act> <path> [worker]`. */
import { openSqliteFile } from '../../dist/adapters/_shared/sqlite-file.js';
import { openSqliteLedger } from '../../dist/adapters/ledger/sqlite/index.js';

const [act, path, worker] = process.argv.slice(2);
const acts = { open, work, write };
await acts[act]();

async function open() {
  const file = await openSqliteFile(path, { sharing: 'required' });
  await openSqliteLedger(file, { keepsPayloads: true });
  await file.close();
}

/** Leases, commits and settles until nothing is left; prints the jobs it sent, one a line. */
async function work() {
  const file = await openSqliteFile(path, { sharing: 'required' });
  const ledger = await openSqliteLedger(file, { keepsPayloads: true });
  const request = { worker, kinds: ['send'], max: 20, leaseMs: 60_000, apart: false };
  for (let { leases } = await ledger.lease(request); leases.length > 0; ) {
    const committed = await ledger.commit(leases.map(({ jobId, token }) => ({ jobId, token, nonce: `${worker} ${jobId}` })));
    const granted = leases.filter((_, index) => committed[index].kind === 'granted');
    const { next } = await ledger.settle(
      granted.map(({ jobId, token }) => ({ jobId, token, outcome: { kind: 'sent' }, note: 'Sent.' })),
      request,
    );
    process.stdout.write(granted.map(({ jobId }) => `${jobId}\n`).join(''));
    leases = next.leases;
  }
  await file.close();
}

/** Writes numbers until it is killed; prints each once it is durable. */
async function write() {
  const file = await openSqliteFile(path);
  await file.write(() => file.exec('CREATE TABLE IF NOT EXISTS numbers (n INTEGER PRIMARY KEY, padding BLOB)'));
  const padding = new Uint8Array(3_000);
  for (let n = Number(file.prepare('SELECT coalesce(max(n), 0) AS n FROM numbers').get().n) + 1; ; n += 1) {
    await file.write(() => file.prepare('INSERT INTO numbers (n, padding) VALUES (?, ?)').run(n, padding));
    process.stdout.write(`${n}\n`);
  }
}
