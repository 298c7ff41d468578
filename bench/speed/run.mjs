// @ts-check
import { fork, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { fillBullmq, fillSqlite } from './fill.mjs';
import { busySeconds, cpuSeconds, freePort, HOST, openCSink, openNodeSink, quiet, residentMib, whenOpen } from './machine.mjs';
import { pause } from '../storm/wait.mjs';

/** One worker process over a queue that was filled before, measured between two of its own reports. */

const RUN_MS_MAX = 120_000;

/** @typedef {'ours' | 'baseline'} System */
/** @typedef {{ sizeBytes: number, count: number, warm: number, concurrency: number, latencyMs?: number, sink: 'c' | 'node', execArgv?: string[], tickMs?: number }} Load */
/** @typedef {{ rate: number, cpuPer1k: number, workerPer1k: number, queuePer1k: number, sinkPer1k: number, rssMib: number, foreignCores: number }} Figures */

/** @param {System} system @param {Load} load */
export async function openRun(system, load) {
  const folder = mkdtempSync(join(process.env['SHOAL_BENCH_DIR'] ?? tmpdir(), 'shoal-speed-'));
  const sink = load.sink === 'c' ? await openCSink() : await openNodeSink({ latencyMs: load.latencyMs ?? 0 });
  const { concurrency, tickMs } = load;
  const queue = system === 'ours' ? await ours() : await baseline();
  const child = fork(new URL(queue.program, import.meta.url).pathname, [JSON.stringify(queue.options)], {
    execArgv: load.execArgv ?? [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  process.once('exit', () => child.kill('SIGKILL'));
  const worker = { pid: Number(child.pid), settled: 0, say: (/** @type {string} */ word) => child.send(word) };
  await new Promise((resolve, reject) => {
    child.on('message', (/** @type {any} */ message) => {
      if (message.ready) resolve(undefined);
      if (message.settled !== undefined) worker.settled = message.settled;
    });
    child.once('exit', (code) => reject(new Error(`the worker ended with ${code}`)));
  });

  return {
    worker,
    sink,
    queuePid: queue.pid,
    async close() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      worker.say('end');
      await Promise.race([ended, pause(5_000)]);
      child.kill('SIGKILL');
      await queue.close();
      await sink.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };

  async function ours() {
    const path = join(folder, 'shoal.db');
    await fillSqlite(path, load);
    const options = { ledger: `sqlite:${path}`, dataDir: folder, transport: `smtp://${HOST}:${sink.port}`, concurrency, tickMs };
    return { program: './engine-process.mjs', options, pid: undefined, close: async () => undefined };
  }

  async function baseline() {
    const redisPort = await freePort();
    const args = ['--port', String(redisPort), '--bind', HOST, '--dir', folder, '--save', '', '--appendonly', 'no'];
    const redis = spawn('redis-server', [...args, '--maxmemory-policy', 'noeviction'], { stdio: 'ignore' });
    process.once('exit', () => redis.kill('SIGKILL'));
    await whenOpen(redisPort);
    const jobs = new Queue('mail', { connection: { host: HOST, port: redisPort } });
    await fillBullmq(jobs, load);
    await jobs.close();
    const close = () => new Promise((/** @type {(value?: unknown) => void} */ resolve) => {
      redis.once('exit', () => resolve());
      redis.kill('SIGTERM');
    }); // biome-ignore format: one act
    return {
      program: './baseline-process.mjs',
      options: { redisPort, smtpPort: sink.port, concurrency, tickMs },
      pid: Number(redis.pid),
      close,
    };
  }
}

/** @param {System} system @param {Load} load @returns {Promise<Figures>} */
export async function measured(system, load) {
  const run = await openRun(system, load);
  const { worker, sink, queuePid } = run;
  await quiet();
  const look = () => ({
    at: performance.now(),
    settled: worker.settled,
    worker: cpuSeconds(worker.pid),
    queue: queuePid === undefined ? 0 : cpuSeconds(queuePid),
    sink: cpuSeconds(sink.pid),
    busy: busySeconds(),
  });
  const giveUpAt = performance.now() + RUN_MS_MAX;
  const settledBy = async (/** @type {number} */ count) => {
    while (worker.settled < count) {
      if (performance.now() > giveUpAt) throw new Error(`${system}: only ${worker.settled} of ${load.count} mails in ${RUN_MS_MAX} ms`);
      await pause(5);
    }
    return look();
  };
  worker.say('go');
  const before = await settledBy(load.warm);
  const after = await settledBy(load.count);
  const rssMib = residentMib(worker.pid);
  await run.close();
  const count = after.settled - before.settled;
  const seconds = (after.at - before.at) / 1_000;
  const per1k = (/** @type {'worker' | 'queue' | 'sink'} */ what) => ((after[what] - before[what]) / count) * 1_000;
  const own = per1k('worker') + per1k('queue');
  return {
    rate: count / seconds,
    cpuPer1k: own,
    workerPer1k: per1k('worker'),
    queuePer1k: per1k('queue'),
    sinkPer1k: per1k('sink'),
    rssMib,
    foreignCores: (after.busy - before.busy - ((own + per1k('sink')) * count) / 1_000) / seconds,
  };
}
