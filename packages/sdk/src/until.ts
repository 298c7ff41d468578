import { wait } from './surroundings.ts';

/** A quick first look, since most things are done within a moment; then calmer, since the rest takes minutes. */
const PAUSES_MS = [50, 100, 200, 400, 800, 1_500, 3_000];
const PAUSE_MS_MAX = 5_000;

export interface Waiting<Found> {
  /** One look; undefined: not yet. What it throws ends the wait. */
  readonly look: (signal: AbortSignal) => Promise<Found | undefined>;
  readonly timeoutMs: number;
  /** What is thrown when the time is over. */
  readonly tooLate: () => Error;
  readonly signal: AbortSignal | undefined;
}

/** Looks until there is something; ends with its time, or with the caller's signal and its reason. */
export async function until<Found>({ look, timeoutMs, tooLate, signal }: Waiting<Found>): Promise<Found> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(tooLate()), timeoutMs);
  const stop = (): void => limit.abort(signal?.reason);
  if (signal?.aborted === true) stop();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    for (let looks = 0; ; looks++) {
      limit.signal.throwIfAborted();
      const found = await look(limit.signal);
      if (found !== undefined) return found;
      await wait(PAUSES_MS[looks] ?? PAUSE_MS_MAX, limit.signal);
    }
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}
