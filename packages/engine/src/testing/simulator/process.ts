import type { Clock } from '../../ports/clock.ts';
import { clockOn, type VirtualTime } from './virtual-time.ts';

/**
 * A process that can die or stand still at any await. What reaches it from outside (a timer, an answer) passes its gate:
 * alive, it acts at once; stopped, it acts when it goes on; dead, never, so the code in it simply does not continue.
 */
export interface SimulatedProcess {
  readonly name: string;
  readonly clock: Clock;
  isAlive(): boolean;
  /** SIGKILL: nothing of it runs again. */
  kill(): void;
  /** Calls `act` once, when it was killed; at once if it was. */
  onExit(act: () => void): void;
  /** SIGSTOP, and SIGCONT after `ms`. */
  pause(ms: number): void;
  /**
   * A call over the network: the request travels, `act` runs where it arrives, the answer travels back. Either way may be
   * lost, and then the call rejects although `act` may have run. A death on the way leaves the promise open for ever.
   */
  call<T>(act: () => Promise<T>, trip: Trip): Promise<T>;
}

export interface Trip {
  readonly thereMs: number;
  readonly backMs: number;
  readonly lost: 'never' | 'there' | 'back';
}

/** `diesAtStep`: it is killed when it would go on for the n-th time, n from 1: every await is a place to die at, one by one. */
export function startProcess(name: string, time: VirtualTime, diesAtStep?: number): SimulatedProcess {
  let alive = true;
  let stopped = false;
  let waiting: (() => void)[] = [];
  let mourners: (() => void)[] = [];
  let steps = 0;
  const gate = (act: () => void): void => {
    if (!alive) return;
    if (stopped) return void waiting.push(act);
    steps += 1;
    if (steps === diesAtStep) self.kill();
    else act();
  };

  const self: SimulatedProcess = {
    name,
    clock: clockOn(time, gate),
    isAlive: () => alive,
    kill() {
      if (!alive) return;
      alive = false;
      waiting = [];
      for (const act of mourners) act();
      mourners = [];
    },
    onExit(act) {
      if (alive) mourners.push(act);
      else act();
    },
    pause(ms) {
      if (stopped || !alive) return;
      stopped = true;
      time.after(ms, () => {
        stopped = false;
        const late = waiting;
        waiting = [];
        for (const act of late) gate(act);
      });
    },
    call: (act, trip) =>
      new Promise((resolve, reject) => {
        const fail = (): void => gate(() => reject(new Error(`${name}: the line to the ledger was cut`)));
        time.after(trip.thereMs, () => {
          if (!alive) return; // died before the request left
          if (trip.lost === 'there') return fail();
          act().then(
            (answer) => time.after(trip.backMs, () => (trip.lost === 'back' ? fail() : gate(() => resolve(answer)))),
            (error: unknown) => time.after(trip.backMs, () => gate(() => reject(error))),
          );
        });
      }),
  };
  return self;
}
