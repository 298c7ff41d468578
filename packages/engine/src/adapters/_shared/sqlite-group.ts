import { ShoalError } from '../../model/errors.ts';
import { after, afterThisTick, stopwatchMs } from './machine-clock.ts';
import { asShoalError, isBroken, isBusy, isFull, unreachable } from './sqlite-errors.ts';

/**
 * Group commit: all acts asked for in one tick of the event loop share one transaction, and so one sync of the disk. The
 * lock is waited for without blocking the loop, and no transaction spans an await.
 */
export interface GroupCommit {
  write<T>(act: () => T): Promise<T>;
  /** Ends what was asked for, then takes no more. */
  close(): Promise<void>;
}

export interface GroupCommitOptions {
  readonly path: string;
  /** How long one act may wait for other processes. */
  readonly busyMsMax: number;
  exec(sql: string): void;
  /** The last statements of each transaction. */
  beforeCommit(): void;
  /** A transaction of this many acts is on disk, so long after its begin; they are answered after this. */
  afterCommit(acts: number, durationMs: number): void;
  /** The disk is full: what was asked for is refused. */
  onFull(): void;
  /** Nothing works any more until the process starts anew. */
  onBroken(error: unknown): void;
}

interface Waiting {
  readonly act: () => unknown;
  readonly askedAtMs: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Between two tries for the lock; the first comes soon, since most transactions take a few milliseconds. */
const RETRY_MS = [1, 2, 5, 10, 20] as const;

export function groupCommit(options: GroupCommitOptions): GroupCommit {
  const { exec, path, busyMsMax } = options;
  let queue: Waiting[] = [];
  let isScheduled = false;
  let busyTries = 0;
  let begunAtMs = 0;
  let mustIsolate = false;
  let isClosed = false;
  let broken: unknown;
  let onIdle: (() => void) | undefined;

  function write<T>(act: () => T): Promise<T> {
    if (isClosed) return Promise.reject(new ShoalError('shutting_down', `${path} is closed`));
    if (broken !== undefined) return Promise.reject(unreachable(`${path} failed before; restart to recover from disk`, broken));
    return new Promise<T>((resolve, reject) => {
      queue.push({ act, askedAtMs: stopwatchMs(), resolve: resolve as (value: unknown) => void, reject });
      schedule(0);
    });
  }

  function schedule(delayMs: number): void {
    if (isScheduled) return;
    isScheduled = true;
    const run = (): void => {
      isScheduled = false;
      flush();
      if (queue.length === 0) onIdle?.();
    };
    if (delayMs === 0) afterThisTick(run);
    else after(delayMs, run);
  }

  function flush(): void {
    const group = queue;
    queue = [];
    if (group.length === 0) return;
    if (broken !== undefined) {
      rejectAll(group, unreachable(`${path} failed before; restart to recover from disk`, broken));
      return;
    }
    begunAtMs = stopwatchMs();
    try {
      exec('BEGIN IMMEDIATE');
    } catch (error) {
      if (isBusy(error)) waitForLock(group, error);
      else fail(group, error);
      return;
    }
    busyTries = 0;
    if (mustIsolate) runApart(group);
    else runTogether(group);
  }

  function waitForLock(group: readonly Waiting[], error: unknown): void {
    const now = stopwatchMs();
    const isOver = (each: Waiting): boolean => now - each.askedAtMs >= busyMsMax;
    rejectAll(group.filter(isOver), asShoalError(error, path));
    queue = [...group.filter((each) => !isOver(each)), ...queue];
    if (queue.length === 0) return;
    schedule(RETRY_MS[Math.min(busyTries, RETRY_MS.length - 1)] ?? 1);
    busyTries += 1;
  }

  function runTogether(group: readonly Waiting[]): void {
    let answers: unknown[];
    try {
      answers = group.map(({ act }) => act());
    } catch (error) {
      rollback();
      if (group.length === 1 || isBroken(error)) {
        fail(group, error);
        return;
      }
      // One of them is bad, and it took the others with it: they run again, each behind a savepoint of its own.
      mustIsolate = true;
      queue = [...group, ...queue];
      flush();
      return;
    }
    commit(group.map((each, index) => ({ ...each, answer: answers[index] })));
  }

  function runApart(group: readonly Waiting[]): void {
    mustIsolate = false;
    const done: (Waiting & { readonly answer: unknown })[] = [];
    const failed: { readonly each: Waiting; readonly error: unknown }[] = [];
    try {
      for (const each of group) {
        exec('SAVEPOINT act');
        try {
          done.push({ ...each, answer: each.act() });
        } catch (error) {
          failed.push({ each, error });
          note(error);
          exec('ROLLBACK TO act'); // throws when SQLite ended the whole transaction by itself, as on a full disk
        }
        exec('RELEASE act');
      }
    } catch (error) {
      rollback();
      fail(group, failed.at(-1)?.error ?? error);
      return;
    }
    commit(done);
    for (const { each, error } of failed) each.reject(asShoalError(error, path));
  }

  function commit(done: readonly (Waiting & { readonly answer: unknown })[]): void {
    try {
      options.beforeCommit();
      exec('COMMIT');
    } catch (error) {
      rollback();
      fail(done, error);
      return;
    }
    options.afterCommit(done.length, stopwatchMs() - begunAtMs);
    for (const each of done) each.resolve(each.answer);
  }

  function rollback(): void {
    try {
      exec('ROLLBACK');
    } catch {
      // SQLite had ended the transaction by itself.
    }
  }

  function fail(group: readonly Waiting[], error: unknown): void {
    note(error);
    rejectAll(group, asShoalError(error, path));
  }

  function note(error: unknown): void {
    if (isFull(error)) options.onFull();
    if (!isBroken(error) || broken !== undefined) return;
    broken = error;
    options.onBroken(error);
  }

  function rejectAll(group: readonly Waiting[], error: unknown): void {
    for (const each of group) each.reject(error);
  }

  return {
    write,
    async close() {
      isClosed = true;
      if (queue.length > 0) {
        await new Promise<void>((resolve) => {
          onIdle = resolve;
        });
      }
    },
  };
}
