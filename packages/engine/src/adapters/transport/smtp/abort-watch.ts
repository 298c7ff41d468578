/**
 * One listener a signal, however many wait for it: a worker hands the same signal to all its sends, and a listener for each
 * would be hundreds (Node warns from the eleventh on).
 */
export class AbortWatch<Waiter> {
  readonly #fired: (waiter: Waiter) => void;
  readonly #watched = new Map<AbortSignal, { readonly waiters: Set<Waiter>; readonly listener: () => void }>();

  constructor(fired: (waiter: Waiter) => void) {
    this.#fired = fired;
  }

  add(signal: AbortSignal, waiter: Waiter): void {
    const watched = this.#watched.get(signal);
    if (watched !== undefined) {
      watched.waiters.add(waiter);
      return;
    }
    const waiters = new Set([waiter]);
    const listener = (): void => {
      for (const each of [...waiters]) this.#fired(each);
    };
    this.#watched.set(signal, { waiters, listener });
    signal.addEventListener('abort', listener, { once: true });
  }

  remove(signal: AbortSignal, waiter: Waiter): void {
    const watched = this.#watched.get(signal);
    if (watched === undefined || !watched.waiters.delete(waiter) || watched.waiters.size > 0) return;
    this.#watched.delete(signal);
    signal.removeEventListener('abort', watched.listener);
  }
}
