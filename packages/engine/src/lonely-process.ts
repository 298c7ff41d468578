import { type ChildProcess, spawn } from 'node:child_process';
import type { Apart } from './ports/apart.ts';
import type { Clock } from './ports/clock.ts';
import type { Log } from './ports/log.ts';

export interface LonelyProcess {
  /** Script and arguments for this Node. */
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** The child says on its IPC channel that it lives; after this long without a word it is killed. */
  readonly silenceMsMax: number;
  /** Asked to stop, it has this long. */
  readonly drainMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** A child that drains to its limit ends by itself; this much later it did not. */
const KILL_GRACE_MS = 2_000;
/** When this process ends first, a child that was silent for so long is taken along: it would block a processor for ever. */
const ORPHAN_SILENCE_MS = 5_000;

/**
 * Runs jobs set apart in a child process each, so that one that crashes its worker harms nothing else. A job may also hang
 * it: a child whose event loop stands still lets its lease run out, and cannot hear SIGTERM either. It is killed, and the
 * ledger counts a crash. One that waits long for a reply speaks all the while and is left alone.
 */
export function lonelyProcess(parts: LonelyProcess): Apart {
  return { runOne: (signal) => new Promise((resolve) => watch(start(parts), parts, signal, resolve)) };
}

function start({ command, env }: LonelyProcess): ChildProcess {
  return spawn(process.execPath, command, { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

function watch(child: ChildProcess, { silenceMsMax, drainMs, clock, log }: LonelyProcess, signal: AbortSignal, ended: () => void): void {
  let note = '';
  let heardAt = clock.now();
  const killAfter = (ms: number, why: string): (() => void) =>
    clock.after(ms, () => {
      note = `, killed since ${why}`;
      child.kill('SIGKILL');
    });
  const silence = `it said nothing for ${silenceMsMax} ms`;
  let spareSilent = killAfter(silenceMsMax, silence);
  let spareStopping = (): void => {};
  const stop = (): void => {
    child.kill('SIGTERM');
    spareStopping = killAfter(drainMs + KILL_GRACE_MS, `it did not stop within ${drainMs} ms`);
  };
  const leave = (): void => {
    if (clock.now() - heardAt > ORPHAN_SILENCE_MS) child.kill('SIGKILL');
  };
  const end = (what: string): void => {
    spareSilent();
    spareStopping();
    signal.removeEventListener('abort', stop);
    process.off('exit', leave);
    log.info(`the process for jobs set apart ended: ${what}${note}`);
    ended();
  };

  child.on('message', () => {
    heardAt = clock.now();
    spareSilent();
    spareSilent = killAfter(silenceMsMax, silence);
  });
  child.once('error', (error) => end(error.message));
  child.once('exit', (code, by) => end(by ?? `exit ${code}`));
  process.once('exit', leave);
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
}
