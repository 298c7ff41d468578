import { createHmac } from 'node:crypto';
import { ShoalError } from '../model/errors.ts';
import type { SenderId } from '../model/ids.ts';
import { senderScope } from '../model/scope.ts';
import { openedTransport, type Sender, senderOf } from '../model/sender.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { Log } from '../ports/log.ts';
import type { SenderStore } from '../ports/sender-store.ts';
import type { Transport } from '../ports/transport.ts';
import type { Vault } from '../ports/vault.ts';
import { createTransports, type Transports } from './transports.ts';

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

export async function openRoster(parts: RosterParts): Promise<Roster> {
  const transports: Transports = createTransports({
    open: async ({ transport, limits, origin }) =>
      withLogin(await parts.open(openedTransport({ transport, limits }), origin), parts, transport),
    log: parts.log,
  });
  let senders = new Map<SenderId, Sender>();
  let revision = -1;

  async function refresh(): Promise<void> {
    const seen = await parts.store.sendersRevision();
    if (seen === revision) return;
    const before = senders;
    senders = await readSenders(parts);
    revision = seen;
    await tellLedger(parts, before, senders);
    transports.keepOnly([...senders.values()]);
  }
  await refresh();

  return {
    get: (id) => senders.get(id),
    list: () => [...senders.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
    async transportFor(id) {
      if (!senders.has(id)) await refresh(); // made by another process a moment ago
      const sender = senders.get(id);
      if (sender === undefined) throw new ShoalError('bad_config', `there is no sender ${id} any more: make it again, or cancel its mail`);
      return transports.of(sender);
    },
    refresh,
    async follow(signal) {
      while (!signal.aborted) {
        await parts.clock.sleep(LOOK_MS, signal);
        if (signal.aborted) return;
        await refresh().catch((cause: unknown) => parts.log.warn('the senders could not be read; looking again', { cause }));
      }
    },
    close: () => transports.close(),
  };
}

/** One whose secret cannot be read is left out, and its mail waits: the others are none of its fault. */
async function readSenders({ configured, store, vault, log }: RosterParts): Promise<Map<SenderId, Sender>> {
  const senders = new Map(configured.map((sender) => [sender.id, sender]));
  for (const { id, transport, settings, createdAt } of await store.listSenders()) {
    if (senders.has(id)) {
      log.warn(`sender ${id} stands in the configuration and was made over the API too: the configuration counts`);
      continue;
    }
    try {
      senders.set(id, senderOf({ id, origin: 'api', transport: await vault.open(transport, purposeOf(id)), settings, createdAt }));
    } catch (error) {
      log.error(`sender ${id} cannot be used, and its mail waits`, { error });
    }
  }
  return senders;
}

/** What a sealed transport is sealed for. */
export function purposeOf(id: SenderId): string {
  return `sender ${id}`;
}

/**
 * Every process says the same, so it does not matter which is last. One that was removed is forgotten by whoever saw it: a
 * process with an older configuration must not take limits away that it does not know.
 */
async function tellLedger(parts: RosterParts, before: ReadonlyMap<SenderId, Sender>, now: ReadonlyMap<SenderId, Sender>): Promise<void> {
  const removed = [...before.keys()].filter((id) => !now.has(id));
  await parts.ledger.limit([
    ...[...now.values()].map(({ id, limits }) => ({ scope: senderScope(id), limits })),
    ...removed.map((id) => ({ scope: senderScope(id) })),
  ]);
  await liftHealed(parts, before, now);
}

/** A login that failed is not tried again: with another one it is, and nobody has to resume it. */
async function liftHealed(
  parts: RosterParts,
  before: ReadonlyMap<SenderId, Sender>,
  senders: ReadonlyMap<SenderId, Sender>,
): Promise<void> {
  const all = [...senders.values()];
  const standings = await parts.ledger.standing(all.map(({ id }) => senderScope(id)));
  const healed = all.filter(({ id, transport }, index) => {
    const hold = standings[index]?.holds.find(({ why }) => why === 'account');
    if (hold === undefined) return false;
    // Without a login it came no further than opening the transport.
    if (hold.login === undefined) return before.has(id) && before.get(id)?.transport !== transport;
    return hold.login !== loginOf(parts, transport);
  });
  if (healed.length === 0) return;
  await parts.ledger.lift(healed.map(({ id }) => ({ scope: senderScope(id), why: 'account' })));
  for (const { id } of healed) parts.log.info(`sender ${id} logs in with something else now: it goes on`);
}

function withLogin(transport: Transport, parts: RosterParts, url: string): Transport {
  return {
    capabilities: { ...transport.capabilities, login: loginOf(parts, url) },
    send: (parcel, commit, signal) => transport.send(parcel, commit, signal),
    close: () => transport.close(),
  };
}

/** Keyed, so that nobody can try passwords against it. Options that say nothing about the login leave it as it is. */
function loginOf({ loginSecret }: Pick<RosterParts, 'loginSecret'>, url: string): string {
  const [place = '', options = ''] = url.split('?', 2);
  const mechanism = options.split('&').find((option) => option.startsWith('auth=')) ?? '';
  return createHmac('sha256', loginSecret).update(`${place} ${mechanism}`).digest('hex').slice(0, 32);
}
