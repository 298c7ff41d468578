// @ts-check
/**
 * A million queued mails in one SQLite file: how fast they come in, and what they cost a server that may send none of them.
 * Mails of 300 bytes, since what is measured is the number of jobs; a payload is never touched before its turn.
 *
 *   npm run build && node bench/million.mjs [jobs=1000000] [payloadBytes=300] [waits=limit] [idleSeconds=30]
 *
 * `waits=limit`: all are ready and belong to one sender that may send one mail a day. `waits=time`: all are due in a week.
 * The folder is below SHOAL_BENCH_DIR (or the system's own for temporary files) and needs about 1 GB; it is removed at the end.
 */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { openSqliteFile } from '../packages/engine/dist/adapters/_shared/sqlite-file.js';
import { openSqliteLedger } from '../packages/engine/dist/adapters/ledger/sqlite/index.js';
import { openSqliteStore } from '../packages/engine/dist/adapters/store/sqlite/index.js';
import { base32, jobIdIn, senderId } from '../packages/engine/dist/model/ids.js';
import { senderScope } from '../packages/engine/dist/model/scope.js';
import { endGroup } from './storm/child.mjs';
import { apiAt, freePort, makeWorld, startShoal } from './storm/shoal.mjs';
import { openSink } from './storm/sink.mjs';
import { pause, until } from './storm/wait.mjs';

const BATCH = 500;
const STEP = 100_000;
const SMALL_SENDERS = 10;
const WEEK_MS = 7 * 24 * 3_600_000;
const START_MS_MAX = 120_000;
/** /proc counts a process's time in these (sysconf(_SC_CLK_TCK), 100 on every Linux there is). */
const TICKS_PER_SECOND = 100;

const SETTLE_MS = 30_000;
const wish = { jobs: 1_000_000, payloadBytes: 300, waits: 'limit', idleSeconds: 30 };
for (const word of process.argv.slice(2)) {
  const [name = '', value = ''] = word.split('=');
  if (name === 'waits' && (value === 'limit' || value === 'time')) wish.waits = value;
  else if ((name === 'jobs' || name === 'payloadBytes' || name === 'idleSeconds') && Number(value) > 0) wish[name] = Number(value);
  else throw new RangeError(`${word}: known are jobs=N, payloadBytes=N, waits=limit, waits=time and idleSeconds=N`);
}
const isLimited = wish.waits === 'limit';

if (process.env['SHOAL_BENCH_DIR'] !== undefined) process.env['TMPDIR'] = process.env['SHOAL_BENCH_DIR'];
const world = makeWorld('million');
const path = world.ledger.slice('sqlite:'.length);
const head = 'From: agent@shoal.localhost\r\nSubject: One of many\r\n\r\n';
const line = `${'a'.repeat(60)}\r\n`;
const payload = Buffer.from(head + line.repeat(Math.ceil(Math.max(1, wish.payloadBytes - head.length) / line.length)));
let made = 0;

/** @param {{ sender: string, lane: number, to: string, dueAt?: number }} job */
function newJob({ sender, lane, to, ...rest }) {
  made += 1;
  const hash = createHash('sha256').update(`job ${made}`).digest();
  return /** @type {any} */ ({
    id: jobIdIn(0, hash),
    kind: 'send',
    tenant: 'acct_aaaaaaaaaaaaaaaaaaaaaaaaaa',
    sender,
    lane: `ibx_${String(lane).padStart(26, '0')}`,
    messageId: `eml_${base32(hash, 26)}`,
    envelope: { from: 'agent@shoal.localhost', to: [to], smtpUtf8: false, eightBit: false },
    payload,
    onDoubt: 'hold',
    priority: 'normal',
    key: { text: `auto_${made}`, generation: 0 },
    fingerprint: hash.toString('hex'),
    guardMs: 600_000,
    ...rest,
  });
}

/** @param {string} what @param {string} figure */
const say = (what, figure) => console.log(`${what}: ${figure}`);

/** @param {number} share of 0 to 1 @param {readonly number[]} numbers */
const quantile = (share, numbers) => [...numbers].sort((a, b) => a - b)[Math.ceil(share * numbers.length) - 1] ?? Number.NaN;

// ---- Enqueue, as one caller that brings batches

async function openLedger() {
  const file = await openSqliteFile(path);
  const store = await openSqliteStore(file);
  const ledger = await openSqliteLedger(file, { keepsPayloads: true, onDropped: store.keepEndNow });
  return { file, ledger, close: () => ledger.close().then(() => file.close()) };
}

async function fill() {
  const { ledger, close } = await openLedger();
  if (isLimited) {
    const limits = { rules: [{ unit: 'messages', max: 1, windowMs: 24 * 3_600_000, marginMs: 0 }] };
    await ledger.limit([{ scope: senderScope(senderId('bulk')), limits: /** @type {any} */ (limits) }]);
  }
  const waits = isLimited ? {} : { dueAt: Date.now() + WEEK_MS };
  for (let from = 0; from < wish.jobs; from += STEP) {
    const count = Math.min(STEP, wish.jobs - from);
    const startedAt = performance.now();
    const cpuBefore = process.cpuUsage();
    for (let at = 0; at < count; at += BATCH) {
      const jobs = Array.from({ length: Math.min(BATCH, count - at) }, () =>
        newJob({ sender: isLimited ? 'bulk' : 'default', lane: made % 100, to: `person${made}@sink.test`, ...waits }),
      );
      const answers = await ledger.enqueue(jobs);
      if (answers.some(({ kind }) => kind !== 'created')) throw new Error('a job was not created');
    }
    const seconds = (performance.now() - startedAt) / 1_000;
    const { user, system } = process.cpuUsage(cpuBefore);
    say(
      `enqueue ${from + 1} to ${from + count}`,
      `${Math.round(count / seconds)}/s, ${((user + system) / count).toFixed(0)} µs of processor time each`,
    );
  }
  await close();
  say('database', `${Math.round(statSync(path).size / 2 ** 20)} MiB`);
}

// ---- A server that may send none of them

/** @param {number} pid */
function memoryMib(pid) {
  return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024);
}

/** @param {number} pid user and system time so far, its ended children's left out */
function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' '); // from the third field on (proc(5))
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** @param {number} pid */
async function idleShare(pid) {
  const before = cpuSeconds(pid);
  const startedAt = performance.now();
  await pause(wish.idleSeconds * 1_000);
  return (cpuSeconds(pid) - before) / ((performance.now() - startedAt) / 1_000);
}

async function serve() {
  const sink = await openSink(world.journalPath);
  const httpPort = await freePort();
  const transport = `smtp://127.0.0.1:${sink.port}`;
  const small = Array.from({ length: SMALL_SENDERS }, (_, index) => `small${index}`);
  const senders = { bulk: { transport, limits: { perDay: 1 } }, ...Object.fromEntries(small.map((name) => [name, { transport }])) };
  const env = isLimited ? { SHOAL_SENDERS: JSON.stringify(senders) } : {};
  const settings = { world, smtpPort: sink.port, httpPort, concurrency: 50, leaseMs: 60_000 };
  const arrivalOf = (/** @type {string} */ to) => until(`${to} arrived`, START_MS_MAX, () => world.journal().dots.find((dot) => dot.to === to), { everyMs: 5 }); // biome-ignore format: one line

  const startedAt = Date.now();
  const child = startShoal('serve', settings, { env });
  try {
    const api = apiAt(httpPort);
    await api.whenReady(START_MS_MAX);
    say('from the start of `shoal serve` to /ready', `${Date.now() - startedAt} ms`);
    await api.open();
    const [first] = await Promise.all([arrivalOf('first@sink.test'), api.submit({ key: 'first', to: 'first@sink.test', subject: 'First', text: 'The first one.', onDoubt: 'hold' })]); // biome-ignore format: one line
    say('... to the first mail at the server', `${first.at - startedAt} ms`);

    if (isLimited) await smallSenders(small, arrivalOf);
    await pause(SETTLE_MS); // what the start and the load left to compile and to collect is not rest
    const share = await idleShare(child.pid);
    say('memory at rest', `${memoryMib(child.pid)} MiB`);
    say(`processor at rest, over ${wish.idleSeconds} s`, `${(share * 100).toFixed(2)} %`);
    say('mail that left', String(world.journal().dots.length));
  } finally {
    await endGroup(child);
    await sink.close();
    process.stderr.write(child.output().split('\n').filter((line) => /warn|error/i.test(line)).slice(0, 5).join('\n')); // biome-ignore format: one line
  }
}

/** Ten mails of each, one at a time: from its submit by another process on the file to the final dot. @param {readonly string[]} senders @param {(to: string) => Promise<{ at: number }>} arrivalOf */
async function smallSenders(senders, arrivalOf) {
  const { ledger, close } = await openLedger();
  /** @type {number[]} */
  const waitsMs = [];
  for (let round = 0; round < 10; round += 1) {
    const sent = senders.map((sender, index) => newJob({ sender, lane: 1_000 + index, to: `${sender}-${round}@sink.test` }));
    const askedAt = Date.now();
    await ledger.enqueue(sent);
    for (const { envelope } of sent) waitsMs.push((await arrivalOf(envelope.to[0])).at - askedAt);
  }
  await close();
  say(
    `${waitsMs.length} mails of ${senders.length} small senders, beside it`,
    `P50 ${quantile(0.5, waitsMs)} ms, P99 ${quantile(0.99, waitsMs)} ms`,
  );
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1)); // and so ends the server too (storm/child.mjs)
try {
  await fill();
  await serve();
} finally {
  world.remove();
}
