// @ts-check
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { cpus, totalmem } from 'node:os';
import { pause, until } from '../storm/wait.mjs';

/** What the benches of speed ask of Linux: processor time and memory of processes, free ports, and Postfix's own two test programs. */

const TICKS_PER_SECOND = 100; // sysconf(_SC_CLK_TCK) on every Linux there is
export const HOST = '127.0.0.1';
process.setMaxListeners(0); // each child is ended with us

/** User and system time of a process so far, all threads. @param {number} pid */
export function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' '); // from the third field on (proc(5))
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Busy time of the whole machine so far. */
export function busySeconds() {
  const [cpu = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = cpu.trim().split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}

/** @param {number} pid */
export function residentMib(pid) {
  return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024);
}

/** One line that says where a figure comes from. */
export function machine() {
  const [cpu] = cpus();
  return `${cpus().length} x ${cpu?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}`;
}

/** Waits a while for others to leave the machine alone. */
export async function quiet(maxCores = 0.35, maxMs = 8_000) {
  const endsAt = performance.now() + maxMs;
  for (;;) {
    const before = busySeconds();
    await pause(500);
    if ((busySeconds() - before) / 0.5 < maxCores || performance.now() > endsAt) return;
  }
}

/** @returns {Promise<number>} */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, HOST, () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });
}

/** @param {number} port */
export const whenOpen = (port) => until(`port ${port} is open`, 10_000, () => isOpen(port));

/** @param {number} port @returns {Promise<boolean>} */
const isOpen = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, HOST, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** Debian's package postfix has both; nothing of Postfix itself runs. */
const SMTP_SINK = '/usr/sbin/smtp-sink';
const SMTP_SOURCE = '/usr/sbin/smtp-source';
export const hasPostfix = () => existsSync(SMTP_SINK) && existsSync(SMTP_SOURCE);

/** Postfix's sink, in C: the least a receiver can cost. */
export async function openCSink() {
  const port = await freePort();
  const child = spawn(SMTP_SINK, ['-u', 'nobody', '-m', '1024', `${HOST}:${port}`, '1024'], { stdio: 'ignore' });
  return opened(child, port);
}

/** Our own, which can take its time over each mail. @param {{ latencyMs?: number }} [options] */
export async function openNodeSink({ latencyMs = 0 } = {}) {
  const port = await freePort();
  const child = spawn(process.execPath, [new URL('./sink-process.mjs', import.meta.url).pathname, String(port), String(latencyMs)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return opened(child, port);
}

/** @param {import('node:child_process').ChildProcess} child @param {number} port */
async function opened(child, port) {
  process.once('exit', () => child.kill('SIGKILL'));
  await whenOpen(port);
  return {
    pid: Number(child.pid),
    port,
    close: () => new Promise((/** @type {(value?: unknown) => void} */ resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGTERM');
    }), // biome-ignore format: one act
  };
}

/** The ceiling: Postfix's source into its sink. @param {{ port: number, sizeBytes: number, count: number }} load @returns {Promise<{ seconds: number }>} */
export function runCSource({ port, sizeBytes, count }) {
  const startedAt = performance.now();
  const mail = [
    '-l',
    String(sizeBytes - 300),
    '-m',
    String(count),
    '-f',
    'a@sender.example',
    '-t',
    'r@example.com',
    '-M',
    'sender.example',
  ];
  const child = spawn(SMTP_SOURCE, ['-d', '-4', '-s', '20', ...mail, `${HOST}:${port}`], { stdio: 'ignore' });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => {
      if (code === 0) resolve({ seconds: (performance.now() - startedAt) / 1_000 });
      else reject(new Error(`smtp-source ended with ${code}`));
    });
  });
}

/** @param {readonly number[]} numbers */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (/** @type {number} */ index) => sorted[index] ?? Number.NaN;
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
}

/** @param {number} share of 0 to 1 @param {readonly number[]} numbers */
export const quantile = (share, numbers) => [...numbers].sort((a, b) => a - b)[Math.ceil(share * numbers.length) - 1] ?? Number.NaN;
