import { ShoalError } from '../model/errors.ts';
import type { SenderId } from '../model/ids.ts';
import { openedTransport, type Sender, senderOf } from '../model/sender.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { Log } from '../ports/log.ts';
import type { SenderStore } from '../ports/sender-store.ts';
import type { Transport } from '../ports/transport.ts';
import type { Vault } from '../ports/vault.ts';
import { standingsOf, tellLimits } from './roster-ledger.ts';
import { createLogins } from './roster-logins.ts';
import { createTransports } from './transports.ts';

export interface RosterParts {
  /** Of the configuration; they come before those of the store. */
  readonly configured: readonly Sender[];
  readonly store: Pick<SenderStore, 'listSenders' | 'sendersRevision'>;
  readonly vault: Pick<Vault, 'open'>;
  readonly ledger: Pick<Ledger, 'limit' | 'standing' | 'lift'>;
  /** Opens a URL; `origin` says whose it is, and so where it may lead. */
  readonly open: (url: string, origin: Sender['origin']) => Promise<Transport>;
  /** Of this installation, for fingerprints of logins. */
  readonly loginSecret: Uint8Array;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly log: Log;
}

/** All senders there are, as every process of the fleet sees them: those of the configuration and those of the store. */
export interface Roster {
  get(id: SenderId): Sender | undefined;
  /** By name. */
  list(): readonly Sender[];
  /** What `worker.ts` sends with: the transport of the sender as it is now. */
  transportFor(id: SenderId): Promise<Transport>;
  /** Looks at the store, and tells the ledger what changed; at once after a change by this process. */
  refresh(): Promise<void>;
  /** Follows changes by other processes until `signal` fires. */
  follow(signal: AbortSignal): Promise<void>;
  /** Ends all transports after their sends. */
  close(): Promise<void>;
}

/** A changed limit or password reaches every process within this time. */
const LOOK_MS = 2_000;
/** Late holds are rare, and asking how a sender with a large backlog stands takes the ledger some milliseconds: one look in so many. */
const LATE_HOLD_LOOKS = 15;
/** Senders that one look asks the ledger about when nothing changed: what a large backlog waits for takes a millisecond to say. */
const LATE_HOLDS_MAX = 50;

/** What the store and the configuration hold, as it was read. */
interface Known {
  readonly senders: ReadonlyMap<SenderId, Sender>;
  /** Those whose secret could not be read, and why. They are left out, and their mail waits: the others are none of their fault. */
  readonly unreadable: ReadonlyMap<SenderId, unknown>;
}

export async function openRoster(parts: RosterParts): Promise<Roster> {
  const { ledger, log } = parts;
  const logins = createLogins({ secret: parts.loginSecret, ledger, log });
  const transports = createTransports({
    open: async ({ transport, limits, origin }) =>
      logins.named(await parts.open(openedTransport({ transport, limits }), origin), transport),
    log,
  });
  const inTurn = createTurns();
  /** Told to the ledger in full: no mail goes by a sender whose limits it does not know. */
  let known: Known = { senders: new Map(), unreadable: new Map() };
  /** Of `known`; undefined while a look may find more at the same revision. */
  let revision: number | undefined;
  let nextLate = 0;

  async function lookForChanges(): Promise<void> {
    const seen = await parts.store.sendersRevision();
    if (seen === revision) return;
    const before = known;
    const now = await readSenders(parts, before);
    await tell(before, now);
    known = now;
    revision = now.unreadable.size === 0 ? seen : undefined;
    transports.keepOnly([...now.senders.values()]);
  }

  /**
   * Every process says the same, so it does not matter which is last. One that was removed is forgotten by whoever saw it: a
   * process with an older configuration must not take limits away that it does not know.
   */
  async function tell(before: Known, now: Known): Promise<void> {
    const senders = [...now.senders.values()];
    const standings = await standingsOf(ledger, senders);
    const removed = namesIn(before).filter((id) => !isIn(now, id));
    await tellLimits(ledger, senders, standings, removed);
    const isMended = ({ id, transport }: Sender): boolean => isIn(before, id) && before.senders.get(id)?.transport !== transport;
    await logins.liftHealed(senders, standings, isMended);
  }

  /** An attempt that was under way with the old login may hold its sender after the new one was told. Some senders a look. */
  async function lookForLateHolds(): Promise<void> {
    const all = [...known.senders.values()];
    if (nextLate >= all.length) nextLate = 0;
    const senders = all.slice(nextLate, nextLate + LATE_HOLDS_MAX);
    nextLate += LATE_HOLDS_MAX;
    await logins.liftHealed(senders, await standingsOf(ledger, senders), () => false);
  }

  const refresh = (): Promise<void> => inTurn(lookForChanges);
  await refresh();

  return {
    get: (id) => known.senders.get(id),
    list: () => [...known.senders.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
    async transportFor(id) {
      if (!known.senders.has(id)) await refresh(); // made by another process a moment ago
      const sender = known.senders.get(id);
      if (sender !== undefined) return transports.of(sender);
      if (known.unreadable.has(id)) throw known.unreadable.get(id);
      throw new ShoalError('bad_config', `there is no sender ${id} any more: make it again, or cancel its mail`);
    },
    refresh,
    async follow(signal) {
      for (let look = 1; !signal.aborted; look += 1) {
        await parts.clock.sleep(LOOK_MS, signal);
        if (signal.aborted) return;
        await refresh()
          .then(() => (look % LATE_HOLD_LOOKS === 0 ? inTurn(lookForLateHolds) : undefined))
          .catch((cause: unknown) => log.warn('the senders could not be read; looking again', { cause }));
      }
    },
    close: () => transports.close(),
  };
}

async function readSenders({ configured, store, vault, log }: RosterParts, before: Known): Promise<Known> {
  const senders = new Map(configured.map((sender) => [sender.id, sender]));
  const unreadable = new Map<SenderId, unknown>();
  for (const { id, transport, settings, createdAt } of await store.listSenders()) {
    if (senders.has(id)) {
      if (!before.senders.has(id))
        log.warn(`sender ${id} stands in the configuration and was made over the API too: the configuration counts`);
      continue;
    }
    try {
      senders.set(id, senderOf({ id, origin: 'api', transport: await vault.open(transport, purposeOf(id)), settings, createdAt }));
    } catch (error) {
      unreadable.set(id, error);
      // Said once: it is tried again at every look.
      if (!before.unreadable.has(id)) log.error(`sender ${id} cannot be used, and its mail waits`, { error });
    }
  }
  return { senders, unreadable };
}

const namesIn = ({ senders, unreadable }: Known): readonly SenderId[] => [...senders.keys(), ...unreadable.keys()];
const isIn = ({ senders, unreadable }: Known, id: SenderId): boolean => senders.has(id) || unreadable.has(id);

/** What a sealed transport is sealed for. */
export function purposeOf(id: SenderId): string {
  return `sender ${id}`;
}

/** One act after another: of two looks at once, the one that read less could tell the ledger last. */
function createTurns(): (act: () => Promise<void>) => Promise<void> {
  let last = Promise.resolve();
  return (act) => {
    last = last.then(act, act);
    return last;
  };
}
