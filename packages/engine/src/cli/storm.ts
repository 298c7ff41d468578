import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Email, Shoal } from '@shoal/sdk';
import { configOf } from '../config/check.ts';
import { environmentOf } from '../config/environment.ts';
import { openBenchSink } from './bench-sink.ts';
import { wholeNumber } from './bench.ts';
import { EXIT } from './exit.ts';
import type { OpenEngine } from './serve.ts';
import type { Terminal } from './terminal.ts';

export interface StormFlags {
  readonly mails?: string;
  readonly kills?: string;
  readonly json?: boolean;
}

const WORKERS = 2;
const LEASE_MS = 2_000;
/** The sink thinks this long after a dot, so that kills do meet mails on both sides of it. */
const REPLY_DELAY_MS = 50;
const QUIET_MS_MAX = 60_000;

/** Workers are killed while they send. In the end every acknowledged mail is at the sink once, or is shown as in doubt. */
export async function storm(terminal: Terminal, flags: StormFlags, open: OpenEngine): Promise<number> {
  const mails = wholeNumber('--mails', flags.mails ?? '200', { min: 50, max: 5_000 });
  const kills = wholeNumber('--kills', flags.kills ?? '5', { min: 1, max: 50 });
  const dir = await mkdtemp(join(tmpdir(), 'shoal-storm-'));
  const sink = await openBenchSink({ replyDelayMs: REPLY_DELAY_MS });
  const copies = new Map<string, number>();
  sink.onMail = (to) => void copies.set(to, (copies.get(to) ?? 0) + 1);
  const transport = `smtp://127.0.0.1:${sink.port}`;
  const more = { http: 'off', log: 'silent', diskFloorMb: 0, leaseMs: LEASE_MS, concurrency: 4, retryScale: 0.01 };
  const config = configOf({ dataDir: dir, transport, senders: { default: { preset: 'none' } }, ...more });
  const engine = await open(config, { roles: { http: true, worker: false } });
  const workers = Array.from({ length: WORKERS }, () => startWorker(environmentOf(config), dir));
  try {
    const client = await Shoal.create({ fetch: (request) => engine.fetch(request) });
    const inbox = await client.createInbox();
    const emails: Email[] = [];
    for (let n = 0; n < mails; n++) emails.push(await inbox.send({ to: `m${n}@example.com`, subject: `Storm ${n}`, text: 'x' }));
    for (let n = 0; n < kills; n++) {
      await sleep(300 + Math.random() * 700);
      const at = Math.floor(Math.random() * WORKERS);
      workers[at]?.kill('SIGKILL');
      workers[at] = startWorker(environmentOf(config), dir);
    }
    const isOpen = new Set(['queued', 'sending']);
    for (const until = Date.now() + QUIET_MS_MAX; Date.now() < until; await sleep(250)) {
      for (const email of emails) if (isOpen.has(email.status)) await email.refresh();
      if (emails.every(({ status }) => !isOpen.has(status))) break;
    }
    const count = (...statuses: readonly string[]): number => emails.filter(({ status }) => statuses.includes(status)).length;
    const lost = emails.filter(({ status }, n) => status === 'sent' && !copies.has(`m${n}@example.com`)).length;
    const twice = [...copies.values()].filter((seen) => seen > 1).length;
    const sheet = {
      mails,
      kills,
      sent: count('sent'),
      inDoubt: count('in_doubt'),
      failed: count('failed'),
      unfinished: count('queued', 'sending'),
      lost,
      twice,
    };
    const adds = sheet.sent + sheet.inDoubt === mails && lost === 0 && twice === 0;
    if (flags.json === true) terminal.printJson({ ...sheet, adds });
    else
      terminal.print(
        [
          ...Object.entries(sheet).map(([account, value]) => `${account.padEnd(12)}${String(value).padStart(6)}`),
          adds ? 'It adds up: nothing lost, nothing twice.' : 'It does NOT add up.',
        ].join('\n'),
      );
    return adds ? EXIT.ok : EXIT.failed;
  } finally {
    for (const worker of workers) worker.kill('SIGKILL');
    await engine.close();
    sink.close();
    await rm(dir, { recursive: true, force: true });
  }
}

function startWorker(env: Readonly<Record<string, string>>, cwd: string): ChildProcess {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('SHOAL_'));
  const program = fileURLToPath(new URL('../../bin/shoal.js', import.meta.url));
  return spawn(process.execPath, [program, 'work'], { cwd, stdio: 'ignore', env: { ...Object.fromEntries(own), ...env } });
}
