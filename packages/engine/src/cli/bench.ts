import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Inbox, Shoal, ShoalError } from '@shoal/sdk';
import { configOf } from '../config/check.ts';
import { type BenchSink, openBenchSink } from './bench-sink.ts';
import { EXIT } from './exit.ts';
import { longRun } from './long-run.ts';
import type { OpenEngine } from './serve.ts';
import type { Terminal } from './terminal.ts';

export interface BenchFlags {
  readonly mails?: string;
  readonly size?: string;
  readonly json?: boolean;
}

const LIMIT_MS = 120_000;
const SUBMITTED_AT_ONCE = 50;
const IDLE_MAILS = 50;

/** What this machine does: one process, a database in a temporary folder, a sink that takes everything at once. */
export async function bench(terminal: Terminal, flags: BenchFlags, open: OpenEngine): Promise<number> {
  const mails = wholeNumber('--mails', flags.mails ?? '1000', { min: 100, max: 100_000 });
  const sizeBytes = wholeNumber('--size', flags.size ?? '2000', { min: 100, max: 1_000_000 });
  const dir = await mkdtemp(join(tmpdir(), 'shoal-bench-'));
  const sink = await openBenchSink();
  const senders = { default: { preset: 'none' } };
  const config = configOf({
    dataDir: dir,
    transport: `smtp://127.0.0.1:${sink.port}`,
    http: 'off',
    log: 'silent',
    diskFloorMb: 0,
    senders,
  });
  const engine = await open(config, { roles: { http: true, worker: true } });
  const measure = async (): Promise<Figures> => {
    await engine.start();
    const inbox = await (await Shoal.create({ fetch: (request) => engine.fetch(request) })).createInbox();
    const text = 'x'
      .repeat(70)
      .concat('\n')
      .repeat(Math.ceil(sizeBytes / 71))
      .slice(0, sizeBytes);
    return { mails, sizeBytes, ...(await busy(inbox, sink, mails, text)), ...(await idle(inbox, sink, text)) };
  };
  try {
    const figures = await longRun(terminal, () => `${sink.taken()} of ${mails + IDLE_MAILS} sent`, measure);
    if (flags.json === true) terminal.printJson(figures);
    else
      terminal.say(
        [
          `accepted  ${figures.acceptedPerSecond} mails a second, each durable before its 202`,
          `sent      ${figures.sentPerSecond} mails a second, from the first request to the last final dot`,
          `CPU       ${figures.cpuSecondsPer1000} s for 1,000 mails, sink and client included`,
          `idle      a lone mail is at the server after ${figures.idleMsP50} ms (P50), ${figures.idleMsP99} ms (P99)`,
        ].join('\n'),
      );
    return EXIT.ok;
  } finally {
    await engine.close();
    sink.close();
    await rm(dir, { recursive: true, force: true });
  }
}

interface Figures extends BusyFigures, IdleFigures {
  readonly mails: number;
  readonly sizeBytes: number;
}

interface BusyFigures {
  readonly acceptedPerSecond: number;
  readonly sentPerSecond: number;
  readonly cpuSecondsPer1000: number;
}

async function busy(inbox: Inbox, sink: BenchSink, mails: number, text: string): Promise<BusyFigures> {
  const [startedAt, cpu] = [performance.now(), process.cpuUsage()];
  const all = reached(sink, mails);
  let next = 0;
  const submit = async (): Promise<void> => {
    while (next < mails) {
      next += 1;
      await inbox.send({ to: 'sink@example.com', subject: `Bench ${next}`, text });
    }
  };
  await Promise.all(Array.from({ length: SUBMITTED_AT_ONCE }, submit));
  const acceptedMs = performance.now() - startedAt;
  await all;
  const sentMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpu);
  return {
    acceptedPerSecond: Math.round((mails / acceptedMs) * 1_000),
    sentPerSecond: Math.round((mails / sentMs) * 1_000),
    cpuSecondsPer1000: Number(((user + system) / 1_000 / mails).toFixed(2)),
  };
}

interface IdleFigures {
  readonly idleMsP50: number;
  readonly idleMsP99: number;
}

/** One mail at a time, from the call to the sink: what an agent waits that is alone on the machine. */
async function idle(inbox: Inbox, sink: BenchSink, text: string): Promise<IdleFigures> {
  const waits: number[] = [];
  for (let n = 0; n < IDLE_MAILS; n++) {
    const startedAt = performance.now();
    const there = reached(sink, sink.taken() + 1);
    await inbox.send({ to: 'sink@example.com', subject: `Idle ${n}`, text });
    await there;
    waits.push(performance.now() - startedAt);
  }
  waits.sort((a, b) => a - b);
  const at = (share: number): number => Number((waits[Math.min(waits.length - 1, Math.floor(share * waits.length))] ?? 0).toFixed(1));
  return { idleMsP50: at(0.5), idleMsP99: at(0.99) };
}

function reached(sink: BenchSink, count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const tooLate = setTimeout(() => reject(slow(sink.taken(), count)), LIMIT_MS);
    const dot = (): void => {
      if (sink.taken() < count) return;
      clearTimeout(tooLate);
      resolve();
    };
    sink.events = { dot };
  });
}

function slow(taken: number, count: number): ShoalError {
  return new ShoalError({
    code: 'bench_too_slow',
    message: `${taken} of ${count} mails were sent within ${LIMIT_MS / 1_000} s`,
    hint: 'Ask for fewer with --mails; `shoal doctor` looks at the disk.',
  });
}

export function wholeNumber(flag: string, written: string, { min, max }: { readonly min: number; readonly max: number }): number {
  const value = /^\d+$/.test(written) ? Number(written) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new ShoalError({
    code: 'bad_option',
    message: `${flag} takes a whole number from ${min} to ${max}, got ${JSON.stringify(written)}`,
    hint: `Write for example ${flag} ${min}.`,
  });
}
