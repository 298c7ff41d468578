import { ShoalError } from '@shoal/sdk';
import type { Terminal } from './terminal.ts';

const PROGRESS_MS = 250;

/**
 * Does something long that leaves nothing behind, and says how far it is. When the process is asked to stop, `act` is left
 * alone; what the caller has in its `finally` ends what it began.
 *
 * @throws ShoalError `interrupted`
 */
export async function longRun<Value>(terminal: Terminal, progress: () => string, act: () => Promise<Value>): Promise<Value> {
  let unheard = (): void => {};
  const stopped = new Promise<never>((_, reject) => {
    unheard = terminal.onStop(() => reject(interrupted()));
  });
  const told = setInterval(() => terminal.progress(progress()), PROGRESS_MS);
  const done = act();
  done.catch(() => {}); // left alone, it may fail for want of what was taken from under it
  try {
    return await Promise.race([done, stopped]);
  } finally {
    clearInterval(told);
    unheard();
  }
}

export function interrupted(): ShoalError {
  return new ShoalError({ code: 'interrupted', message: 'stopped before it was done', hint: 'Nothing of it is kept.' });
}
