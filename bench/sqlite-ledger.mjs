/**
 * How fast the SQLite ledger alone is, at synchronous=FULL: enqueue by concurrent callers, then lease + commit + settle in
 * batches as a worker does it. Figures of one machine; ratios between two runs on it are what counts.
 *
 *   node bench/sqlite-ledger.mjs [jobs=20000] [batch=50] [payloadBytes=2048] [callers=100] [backlog=0]
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteFile } from '../packages/engine/dist/adapters/_shared/sqlite-file.js';
import { openSqliteLedger } from '../packages/engine/dist/adapters/ledger/sqlite/index.js';
import { base32, jobIdIn } from '../packages/engine/dist/model/ids.js';

const wish = { jobs: 20_000, batch: 50, payloadBytes: 2_048, callers: 100, backlog: 0 };
for (const word of process.argv.slice(2)) {
  const [name, value] = word.split('=');
  if (!(name in wish) || !(Number(value) >= 0)) throw new RangeError(`${word}: known are ${Object.keys(wish).join(', ')}, each a number`);
  wish[name] = Number(value);
}

const folder = mkdtempSync(join(process.env.SHOAL_BENCH_DIR ?? tmpdir(), 'shoal-bench-'));
const file = await openSqliteFile(join(folder, 'shoal.db'));
const ledger = await openSqliteLedger(file, { keepsPayloads: true });
console.log(ledger.capabilities.description);

let made = 0;
const payload = new Uint8Array(wish.payloadBytes).fill(97);
function newJob() {
  made += 1;
  const hash = createHash('sha256').update(`job ${made}`).digest();
  return {
    id: jobIdIn(0, hash),
    kind: 'send',
    tenant: 'acct_aaaaaaaaaaaaaaaaaaaaaaaaaa',
    sender: 'default',
    lane: `ibx_${String(made % 20).padStart(26, '0')}`,
    messageId: `eml_${base32(hash, 26)}`,
    envelope: { from: 'agent@shoal.localhost', to: [`person${made}@example.com`], smtpUtf8: false, eightBit: false },
    payload,
    onDoubt: 'hold',
    priority: 'normal',
    key: { text: `auto_${made}`, generation: 0 },
    fingerprint: hash.toString('hex'),
    guardMs: 600_000,
  };
}

/** Reads and writes asked of the kernel so far (Linux): they do not jitter with what else the machine does. */
function inputOutput() {
  if (!existsSync('/proc/self/io')) return { syscr: 0, syscw: 0 };
  return Object.fromEntries(
    [...readFileSync('/proc/self/io', 'utf8').matchAll(/^(syscr|syscw): (\d+)$/gm)].map(([, name, count]) => [name, Number(count)]),
  );
}

async function timed(what, count, act) {
  const before = process.cpuUsage();
  const io = inputOutput();
  const startedAt = performance.now();
  await act();
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(before);
  const each = (number) => (number / count).toFixed(3);
  const { syscr, syscw } = inputOutput();
  console.log(
    `${what}: ${Math.round(count / seconds)}/s; each ${each(user / 1_000)} ms user, ${each(system / 1_000)} ms system, ` +
      `${each(syscr - io.syscr)} reads, ${each(syscw - io.syscw)} writes; ${count} in ${seconds.toFixed(2)} s`,
  );
}

async function enqueueAll(count) {
  let left = count;
  const caller = async () => {
    while (left > 0) {
      left -= 1;
      const [answer] = await ledger.enqueue([newJob()]);
      if (answer.kind !== 'created') throw new Error(`not created: ${answer.kind}`);
    }
  };
  await Promise.all(Array.from({ length: wish.callers }, caller));
}

async function workOff(count) {
  const request = { worker: 'wrk_aaaaaaaaaaaa', kinds: ['send'], max: wish.batch, leaseMs: 60_000, apart: false };
  const reply = { code: 250, enhanced: '2.0.0', text: '2.0.0 Ok: queued as 4ABCDEF' };
  const facts = { peer: '127.0.0.1:2525', tls: 'none', isReused: true, durationMs: 3 };
  let done = 0;
  let { leases } = await ledger.lease(request);
  while (leases.length > 0 && done < count) {
    const committed = await ledger.commit(leases.map(({ jobId, token }) => ({ jobId, token, nonce: `${jobId}${token}` })));
    if (committed.some(({ kind }) => kind !== 'granted')) throw new Error('a commit was refused');
    const outcomes = leases.map(({ jobId, token, envelope }) => ({
      jobId,
      token,
      outcome: { kind: 'sent' },
      note: 'Sent.',
      phase: 'dot',
      reply,
      facts,
      recipients: [{ address: envelope.to[0], reply }],
    }));
    done += leases.length;
    const { next } = await ledger.settle(outcomes, request);
    leases = next.leases;
  }
  return done;
}

if (wish.backlog > 0) {
  const step = 100_000;
  for (let at = 0; at < wish.backlog; at += step) {
    await timed(`backlog ${at}`, Math.min(step, wish.backlog - at), async () => {
      for (let n = 0; n < Math.min(step, wish.backlog - at); n += 500) await ledger.enqueue(Array.from({ length: 500 }, newJob));
    });
  }
}
await timed(`enqueue, ${wish.callers} callers`, wish.jobs, () => enqueueAll(wish.jobs));
const startedAt = performance.now();
const stats = await ledger.stats();
console.log(`stats: ${(performance.now() - startedAt).toFixed(2)} ms`, JSON.stringify(stats));
await timed(`lease + commit + settle, batches of ${wish.batch}`, wish.jobs, () => workOff(wish.jobs));
console.log(`memory: ${Math.round(process.memoryUsage().rss / 2 ** 20)} MB`);
await ledger.close();
await file.close();
rmSync(folder, { recursive: true });
