import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ShoalError } from '@shoal/sdk';

export interface StormWorkers {
  readonly killsAt: readonly number[];
  readonly ownEnds: readonly string[];
  /** SIGKILL; another one is started in its place. */
  kill(at: number): void;
  /** Resolves once all of them run for the first time. @throws ShoalError with what the first one said that does not */
  readonly ready: Promise<void>;
  close(): void;
}

/** A worker that cannot live is not started for ever. */
const OWN_ENDS_MAX = 5;
const START_MS_MAX = 30_000;

/** Real processes on one ledger: `shoal work`, each started again when it ends. */
export function stormWorkers(count: number, env: Readonly<Record<string, string>>, cwd: string): StormWorkers {
  const killsAt: number[] = [];
  const ownEnds: string[] = [];
  let isOpen = true;
  const start = (at: number): Worker => {
    const worker = startWorker(env, cwd);
    worker.process.once('exit', (code, signal) => {
      if (!isOpen || worker.isKilled) return;
      ownEnds.push(`worker ${at + 1}, with ${signal ?? code}: ${worker.lastWords() || 'without a word'}`);
      if (ownEnds.length < OWN_ENDS_MAX) workers[at] = start(at);
    });
    return worker;
  };
  const workers: Worker[] = [];
  for (let at = 0; at < count; at++) workers.push(start(at));
  return {
    killsAt,
    ownEnds,
    ready: Promise.all(workers.map((worker) => worker.ready)).then(() => {}),
    kill(at) {
      const worker = workers[at];
      if (!isOpen || worker === undefined) return;
      worker.isKilled = true;
      killsAt.push(Date.now());
      worker.process.kill('SIGKILL');
      workers[at] = start(at);
    },
    close() {
      isOpen = false;
      for (const worker of workers) worker.process.kill('SIGKILL');
    },
  };
}

interface Worker {
  readonly process: ChildProcess;
  isKilled: boolean;
  readonly ready: Promise<void>;
  readonly lastWords: () => string;
}

function startWorker(env: Readonly<Record<string, string>>, cwd: string): Worker {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('SHOAL_'));
  const program = fileURLToPath(new URL('../../bin/shoal.js', import.meta.url));
  const child = spawn(process.execPath, [program, 'work', '--json'], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...Object.fromEntries(own), ...env },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-2_000);
    });
  const lastWords = (): string => said.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
  const ready = new Promise<void>((resolve, reject) => {
    const failed = (): void => reject(cannotStart(lastWords()));
    const tooLate = setTimeout(failed, START_MS_MAX);
    child.stdout?.once('data', () => resolve());
    child
      .once('exit', failed)
      .once('error', failed)
      .once('exit', () => clearTimeout(tooLate));
    child.stdout?.once('data', () => clearTimeout(tooLate));
  });
  ready.catch(() => {}); // only the first ones are waited for; a later one that ends by itself is counted
  return { process: child, isKilled: false, ready, lastWords };
}

function cannotStart(said: string): ShoalError {
  return new ShoalError({
    code: 'storm_no_worker',
    message: `a worker did not start: ${said || 'it said nothing'}`,
    hint: '`shoal doctor` looks at what a worker stands on.',
  });
}
