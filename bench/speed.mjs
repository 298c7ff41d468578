// @ts-check
/**
 * One worker process against the founding article's own stack (BullMQ, SET NX, nodemailer's pool) and against Postfix's
 * smtp-source, interleaved, so that ratios hold whatever else the machine does. Needs redis-server, and Debian's postfix
 * for its two test programs (nothing of Postfix runs); see docs/reference/performance.md.
 *
 *   npm run build && node bench/speed.mjs ratio [rounds=3] [size=2048]
 *   node bench/speed.mjs calls     system calls of a worker for one mail (strace) [only=ours] [max=9: fails above it]
 *   node bench/speed.mjs wide      one process, 400 connections, a server that takes 100 ms
 *   node bench/speed.mjs idle      from a submit to the mail server's reply, one mail at a time
 *   node bench/speed.mjs enqueue   submissions made durable, over HTTP and in the process
 *   node bench/speed.mjs far       one connection, 20 ms away
 *   node bench/speed.mjs ours      our worker alone [size=2048] [count=30000] [prof=DIR]
 */
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { textOf } from './speed/fill.mjs';
import { hasPostfix, machine, median, openCSink, openNodeSink, quiet, runCSource } from './speed/machine.mjs';
import { measured, openRun } from './speed/run.mjs';
import { overDistance } from './speed/round-trips.mjs';
import { enqueueRate, idleLatency } from './speed/single-engine.mjs';
import { pause, until } from './storm/wait.mjs';

const [what = 'ratio', ...words] = process.argv.slice(2);
/** @type {Readonly<Record<string, string | undefined>>} */
const wish = Object.fromEntries(words.map((word) => word.split('=')));
const sizeBytes = Number(wish['size'] ?? 2_048);
const BIG = 5_000;

const countOf = (/** @type {'ours' | 'baseline'} */ system) =>
  system === 'ours' ? { count: sizeBytes > BIG ? 16_000 : 30_000, warm: 4_000 } : { count: 6_000, warm: 2_000 };

/** @typedef {import('./speed/run.mjs').Figures} Figures */
/** @typedef {{ ceiling: number | undefined, ours: Figures, baseline: Figures }} Round */

async function ratio() {
  const rounds = Number(wish['rounds'] ?? 3);
  /** @type {Round[]} */
  const seen = [];
  for (let round = 0; round < rounds; round += 1) {
    const ceiling = hasPostfix() ? await ceilingRate() : undefined;
    const baseline = await measured('baseline', { sizeBytes, concurrency: 50, sink: sinkKind(), ...countOf('baseline') });
    const ours = await measured('ours', { sizeBytes, concurrency: 50, sink: sinkKind(), ...countOf('ours') });
    seen.push({ ceiling, ours, baseline });
    for (const [name, figures] of Object.entries({ baseline, ours })) say(name, figures);
    if (ceiling !== undefined) console.log(`ceiling   ${Math.round(ceiling)}/s`);
  }
  const of = (/** @type {(round: Round) => number} */ figure) => median(seen.map(figure));
  console.log(`\n${sizeBytes} bytes, ${rounds} rounds, medians of the ratios:`);
  console.log(`mails per second against the baseline:   ${of(({ ours, baseline }) => ours.rate / baseline.rate).toFixed(2)} times`);
  console.log(
    `processor time per mail of the baseline: one part in ${of(({ ours, baseline }) => baseline.cpuPer1k / ours.cpuPer1k).toFixed(2)}`,
  );
  if (hasPostfix())
    console.log(
      `of smtp-source into smtp-sink:           ${(of(({ ours, ceiling }) => ours.rate / (ceiling ?? Number.NaN)) * 100).toFixed(0)} %`,
    );
}

const sinkKind = () => (hasPostfix() ? /** @type {const} */ ('c') : /** @type {const} */ ('node'));

async function ceilingRate() {
  const sink = await openCSink();
  await quiet();
  const count = 20_000;
  const { seconds } = await runCSource({ port: sink.port, sizeBytes, count });
  await sink.close();
  return count / seconds;
}

/** @param {string} name @param {import('./speed/run.mjs').Figures} figures */
function say(name, { rate, cpuPer1k, workerPer1k, queuePer1k, sinkPer1k, rssMib, foreignCores }) {
  console.log(
    `${name.padEnd(9)} ${Math.round(rate)}/s, ${cpuPer1k.toFixed(3)} s of processor per 1,000 (worker ${workerPer1k.toFixed(3)}, queue ${queuePer1k.toFixed(3)}; ` +
      `sink ${sinkPer1k.toFixed(3)}), ${rssMib} MiB, others took ${foreignCores.toFixed(2)} cores`,
  );
}

/** @type {readonly import('./speed/run.mjs').System[]} */
const systems = wish['only'] === 'ours' ? ['ours'] : ['baseline', 'ours'];

async function calls() {
  for (const system of systems) {
    const run = await openRun(system, { sizeBytes, concurrency: 50, sink: sinkKind(), count: 14_000, warm: 0, tickMs: 50 });
    const path = join(tmpdir(), `shoal-calls-${process.pid}.txt`);
    const strace = spawn('strace', ['-f', '-c', '-U', 'calls,name', '-o', path, '-p', String(run.worker.pid)], { stdio: 'ignore' });
    await pause(1_500); // until strace has hold of every thread
    const before = run.worker.settled;
    run.worker.say('go');
    await until('some thousand mails are settled', 60_000, () => run.worker.settled - before >= 8_000);
    const count = run.worker.settled - before;
    strace.kill('SIGINT');
    await new Promise((resolve) => strace.once('exit', resolve));
    const rows = [...readFileSync(path, 'utf8').matchAll(/^\s*(\d+)\s+([a-z]\w+)\s*$/gm)].filter(([, , name]) => name !== 'total');
    rmSync(path);
    const each = rows.map(([, times, name]) => ({ name, times: Number(times) / count })).filter(({ times }) => times >= 0.03);
    const total = each.reduce((sum, { times }) => sum + times, 0);
    console.log(
      `${system}: ${total.toFixed(2)} system calls a mail (${each.map(({ name, times }) => `${name} ${times.toFixed(2)}`).join(', ')})`,
    );
    await run.close();
    if (system === 'ours' && total > Number(wish['max'] ?? Number.POSITIVE_INFINITY)) {
      console.log(`more than ${wish['max']}`);
      process.exitCode = 1;
    }
  }
}

async function wide() {
  const load = { sizeBytes, concurrency: 400, latencyMs: 100, sink: /** @type {const} */ ('node') };
  for (const system of systems) {
    const figures = await measured(system, {
      ...load,
      ...(system === 'ours' ? { count: 30_000, warm: 8_000 } : { count: 9_000, warm: 3_000 }),
    });
    say(system, figures);
    console.log(`          ${((figures.rate / 4_000) * 100).toFixed(1)} % of 4,000/s`);
  }
}

async function oursAlone() {
  const execArgv = wish['prof'] === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${wish['prof']}`];
  const { count, warm } = countOf('ours');
  say(
    'ours',
    await measured('ours', {
      sizeBytes,
      concurrency: Number(wish['concurrency'] ?? 50),
      sink: sinkKind(),
      count: Number(wish['count'] ?? count),
      warm,
      execArgv,
    }),
  );
}

console.log(machine());
async function idle() {
  const sink = await openNodeSink();
  await quiet();
  const { count, p50Ms, p99Ms } = await idleLatency({ port: sink.port, count: Number(wish['count'] ?? 1_000), text: textOf(sizeBytes) });
  console.log(`idle, ${count} mails, one every 15 ms: P50 ${p50Ms.toFixed(1)} ms, P99 ${p99Ms.toFixed(1)} ms from the call to the reply`);
  await sink.close();
}

async function enqueue() {
  for (const over of /** @type {const} */ (['engine', 'http']))
    for (const callers of [1, 100]) {
      await quiet();
      const count = callers === 1 ? 2_000 : 20_000;
      const rate = await enqueueRate({ over, callers, count, text: textOf(sizeBytes) });
      console.log(`durable submissions over ${over}, ${callers} at once: ${Math.round(rate)}/s`);
    }
}

async function far() {
  const { ours, baseline } = await overDistance({ roundTripMs: 20, seconds: 10, text: textOf(sizeBytes) });
  console.log(
    `one connection, 20 ms away: ours ${ours.toFixed(1)}/s, nodemailer's pool ${baseline.toFixed(1)}/s, ${(ours / baseline).toFixed(2)} times`,
  );
}

const benches = { ratio, calls, wide, idle, enqueue, far, ours: oursAlone };
if (!(what in benches)) throw new RangeError(`${what}: known are ${Object.keys(benches).join(', ')}`);
await benches[/** @type {keyof typeof benches} */ (what)]();
process.exit();
