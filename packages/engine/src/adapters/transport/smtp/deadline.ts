import type { Clock } from '../../../ports/clock.ts';

/**
 * The moment by which something must have happened. It is moved several times a message, so moving it costs no timer: a
 * timer that goes off too early looks at the moment again and waits for the rest.
 */
export class Deadline {
  readonly #clock: Clock;
  readonly #missed: () => void;
  #at = Number.POSITIVE_INFINITY;
  #timerAt = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, missed: () => void) {
    this.#clock = clock;
    this.#missed = missed;
  }

  set(ms: number): void {
    this.#at = this.#clock.now() + ms;
    if (this.#at < this.#timerAt) this.#arm(ms);
  }

  stop(): void {
    this.#at = Number.POSITIVE_INFINITY;
    this.#timerAt = Number.POSITIVE_INFINITY;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(ms: number): void {
    this.#cancel?.();
    this.#timerAt = this.#at;
    this.#cancel = this.#clock.after(ms, () => this.#goOff());
  }

  #goOff(): void {
    this.#cancel = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const restMs = this.#at - this.#clock.now();
    if (restMs > 0) {
      this.#arm(Math.ceil(restMs));
      return;
    }
    this.#at = Number.POSITIVE_INFINITY;
    this.#missed();
  }
}
