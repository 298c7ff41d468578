import { join } from 'node:path';
import { addressFilter } from './adapters/_shared/address-filter.ts';
import { checkTransport, openTransport, type TransportParts } from './adapters/registry.ts';
import { openFileVault } from './adapters/vault/file.ts';
import type { Config } from './config/schema.ts';
import { senderId } from './model/ids.ts';
import { presetForHost } from './model/preset.ts';
import { hostOf, PLAIN_SETTINGS, type Sender, senderOf, shownTransport } from './model/sender.ts';
import type { Clock } from './ports/clock.ts';
import type { Ledger } from './ports/ledger.ts';
import type { Log } from './ports/log.ts';
import type { Random } from './ports/random.ts';
import type { SenderStore } from './ports/sender-store.ts';
import type { Store } from './ports/store.ts';
import type { Transport } from './ports/transport.ts';
import type { Vault } from './ports/vault.ts';
import { openRoster, type Roster } from './send/roster.ts';

export interface Senders {
  readonly roster: Roster;
  readonly vault: Vault;
  /** Of a sender made over the API. @throws ShoalError `bad_config` */
  readonly checkTransport: (url: string) => Promise<void>;
  /** What an operator should know about senders at the start; nothing about one that was set up in full. */
  readonly facts: readonly string[];
}

export const DEFAULT_SENDER = senderId('default');

/** Puts together what there is about senders: those of the configuration, those of the store, and who may connect where. */
export async function openSenders(parts: {
  readonly config: Config;
  readonly store: SenderStore & Pick<Store, 'secret'>;
  readonly ledger: Ledger;
  readonly transportParts: TransportParts;
  readonly decorate: (transport: Transport) => Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}): Promise<Senders> {
  const { config, store, ledger, clock, random, log } = parts;
  const filter = addressFilter(config.transportAllowCidrs);
  const vault = openFileVault({
    path: join(config.dataDir, 'secret.key'),
    hasSealed: async () => (await store.listSenders()).length > 0,
    ...(config.secretKey !== undefined && { key: config.secretKey }),
  });
  const configured = configuredSenders(config);
  for (const { transport } of configured) await checkTransport(transport);
  const roster = await openRoster({
    configured,
    store,
    vault,
    ledger,
    // The operator's own configuration may name a relay of the internal network; what came over the API may not by itself.
    open: async (url, origin) => parts.decorate(await openTransport(url, { ...parts.transportParts, ...(origin === 'api' && { filter }) })),
    loginSecret: await store.secret('logins', () => random.bytes(32)),
    clock,
    log,
  });
  return { roster, vault, checkTransport: (url) => checkTransport(url, filter), facts: configured.flatMap(factsOf) };
}

function configuredSenders(config: Config): readonly Sender[] {
  const { default: ownDefault = PLAIN_SETTINGS, ...others } = config.senders;
  const all = Object.entries({ default: { ...ownDefault, transport: config.transport }, ...others });
  return all.map(([name, { transport, ...settings }]) =>
    // `config/senders.ts` lets no sender but `default` go without one.
    senderOf({ id: senderId(name), origin: 'config', transport: transport ?? config.transport, settings }),
  );
}

function factsOf(sender: Sender): string[] {
  const { id, transport, guess, presets, limits } = sender;
  const named = presets.map((preset) => preset.id).join(' and ');
  const shown = id === DEFAULT_SENDER ? [] : [`sender ${id}: ${shownTransport(transport)}${named === '' ? '' : `, preset ${named}`}`];
  const host = hostOf(transport) ?? '';
  const found = guess === 'guessed' ? presetForHost(host) : undefined;
  if (found?.kind !== 'guessed') return guess === 'known' ? [`sender ${id}: limits of preset ${named}, found by its host`] : shown;
  return [
    `sender ${id}: limits of preset ${named}, the tightest for ${host} (${limits.rules.length} rules); ` +
      `if it is another account, say so with \`preset\` under \`senders.${id}\`: ${found.others.join(', ')}`,
  ];
}
