import type { SenderId } from '../model/ids.ts';
import { LEASE_MARGIN_MS, PREFETCH_LEASE_FRACTION, PREFETCH_MAX } from '../model/limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { Lease } from '../ports/ledger.ts';
import type { Held } from './pipeline.ts';

/** Is there time left to begin something under this lease? Stricter than the ledger, so that the ledger rarely has to refuse. */
export function hasTimeLeft(held: Pick<Held, 'askedAt' | 'lease'>, clock: Pick<Clock, 'now'>): boolean {
  const { leaseMs } = held.lease;
  return clock.now() - held.askedAt < leaseMs - Math.min(LEASE_MARGIN_MS, leaseMs / 4);
}

/** All leases of one worker: those that wait on its shelf, those being sent, and those whose end is not recorded yet. */
export interface Holding {
  add(leases: readonly Lease[], askedAt: number): void;
  /** The next from the shelf, as soon as there is one; undefined once the shelf is closed and empty. */
  next(): Promise<Held | undefined>;
  /** Its end is on record: no heartbeat any more. */
  letGo(held: Held): void;
  /** Somebody else has it, or nobody may: what was not begun is dropped, and what has no commit yet ends. */
  lose(held: Held): void;
  /** Takes one sender's leases from the shelf. */
  takeBack(sender: SenderId): readonly Held[];
  /** Takes back what nobody began, and lets those who wait for more go home. */
  close(): readonly Held[];
  readonly all: ReadonlySet<Held>;
  readonly shelved: number;
}

export function createHolding(onTaken: () => void): Holding {
  const all = new Set<Held>();
  // Beware: a long shelf would make shift() slow; it holds PREFETCH_MAX at most.
  const shelf: Held[] = [];
  const waiting: ((held: Held | undefined) => void)[] = [];
  let isClosed = false;

  return {
    add(leases, askedAt) {
      for (const lease of leases) {
        const held: Held = { lease, askedAt, leasedAt: askedAt, ended: new AbortController() };
        all.add(held);
        const taker = waiting.shift();
        if (taker === undefined) shelf.push(held);
        else taker(held);
      }
    },
    next() {
      const held = shelf.shift();
      if (held !== undefined || isClosed) {
        onTaken();
        return Promise.resolve(held);
      }
      return new Promise((resolve) => {
        waiting.push(resolve);
        onTaken();
      });
    },
    letGo(held) {
      all.delete(held);
    },
    lose(held) {
      held.ended.abort();
      const at = shelf.indexOf(held);
      if (at === -1) return; // being sent, or its end waits to be recorded: the ledger's answer to that says the rest
      shelf.splice(at, 1);
      all.delete(held);
    },
    takeBack(sender) {
      const taken = shelf.filter(({ lease }) => lease.sender === sender);
      for (const held of taken) shelf.splice(shelf.indexOf(held), 1);
      return taken;
    },
    close() {
      isClosed = true;
      for (const taker of waiting.splice(0)) taker(undefined);
      return shelf.splice(0);
    },
    all,
    get shelved() {
      return shelf.length;
    },
  };
}

/** How many sends ended lately. */
export interface Pace {
  ended(): void;
  readonly perMs: number;
}

/** Counts in two windows, the one before and the one begun, so the figure is at most two windows old and falls to 0 when nothing happens. */
export function createPace(clock: Pick<Clock, 'now'>, windowMs: number): Pace {
  const startedAt = clock.now();
  let windowAt = startedAt;
  let before = 0;
  let current = 0;

  function roll(): void {
    const passedMs = clock.now() - windowAt;
    if (passedMs < windowMs) return;
    before = passedMs < 2 * windowMs ? current : 0;
    current = 0;
    windowAt = clock.now();
  }

  return {
    ended() {
      roll();
      current += 1;
    },
    get perMs() {
      roll();
      const countedMs = Math.min(clock.now() - startedAt, clock.now() - windowAt + windowMs);
      return (before + current) / Math.max(countedMs, PACE_MS_MIN);
    },
  };
}

/** The first mails of a new worker, all ended in its first instant, say nothing yet. */
const PACE_MS_MIN = 1_000;

/**
 * How many leases may wait on the shelf: as many as are sent within a quarter of a lease at the pace seen lately, so that none
 * grows old there; and no more than two rounds of the sends under way, so that one worker does not sit on what another could
 * send. A new worker has no pace yet and takes only what it can begin at once.
 */
export function shelfMax(facts: { readonly perMs: number; readonly leaseMs: number; readonly concurrency: number }): number {
  return Math.floor(Math.min(facts.perMs * facts.leaseMs * PREFETCH_LEASE_FRACTION, 2 * facts.concurrency, PREFETCH_MAX));
}
