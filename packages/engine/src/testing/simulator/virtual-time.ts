/**
 * The simulator: the real submit and worker, simulated processes, network and mail server, virtual time, one seed. Every
 * run with the same seed is the same run. Faults are drawn from the seed; what must hold is judged in `judge.ts`.
 */
import type { Clock } from '../../ports/clock.ts';

interface Event {
  readonly at: number;
  readonly seq: number;
  act: (() => void) | undefined;
}

/** Time that jumps from one event to the next. */
export interface VirtualTime {
  now(): number;
  /** Calls `act` at `now() + ms`; the answer takes it back. */
  after(ms: number, act: () => void): () => void;
  /** Runs events until `done` says so, nothing is left, or `untilMs` is reached. */
  run(options: { readonly untilMs: number; readonly done?: () => boolean; readonly busy?: () => boolean }): Promise<void>;
}

export function createVirtualTime(startAt: number): VirtualTime {
  const heap: Event[] = [];
  let now = startAt;
  let seq = 0;

  function after(ms: number, act: () => void): () => void {
    const event: Event = { at: now + Math.max(0, ms), seq: seq++, act };
    push(heap, event);
    return () => {
      event.act = undefined;
    };
  }

  return {
    now: () => now,
    after,
    async run({ untilMs, done = () => false, busy = () => false }) {
      await settle(busy);
      while (!done()) {
        const event = heap[0];
        if (event === undefined || event.at > untilMs) break;
        pop(heap);
        if (event.act === undefined) continue;
        now = event.at;
        event.act();
        await settle(busy);
      }
    },
  };
}

/** All microtasks have run when a turn of the event loop comes; a real store behind the ledger may need several turns. */
async function settle(busy: () => boolean): Promise<void> {
  do await new Promise<void>((resolve) => setImmediate(resolve));
  while (busy());
}

/** A `Clock` of one process on this time. A process that is not `alive` never hears of its timers again. */
export function clockOn(time: VirtualTime, gate: (act: () => void) => void): Clock {
  const after = (ms: number, act: () => void): (() => void) => time.after(ms, () => gate(act));
  return {
    now: () => time.now(),
    wallNow: () => time.now(),
    after,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve();
        const end = (): void => {
          cancel();
          signal?.removeEventListener('abort', end);
          resolve();
        };
        const cancel = after(ms, end);
        signal?.addEventListener('abort', end);
      }),
  };
}

const isBefore = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.seq < b.seq);

function push(heap: Event[], event: Event): void {
  let at = heap.length;
  heap.push(event);
  while (at > 0) {
    const parentAt = (at - 1) >> 1;
    const parent = heap[parentAt];
    if (parent === undefined || !isBefore(event, parent)) break;
    heap[at] = parent;
    at = parentAt;
  }
  heap[at] = event;
}

function pop(heap: Event[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const left = heap[2 * at + 1];
    const right = heap[2 * at + 2];
    if (left === undefined) break;
    const [child, childAt] = right !== undefined && isBefore(right, left) ? [right, 2 * at + 2] : [left, 2 * at + 1];
    if (!isBefore(child, last)) break;
    heap[at] = child;
    at = childAt;
  }
  heap[at] = last;
}
