import type { Envelope } from './envelope.ts';
import type { SenderId } from './ids.ts';
import { countedRecipients, type Limits } from './limit.ts';
import { limitsOfPresets, type Preset, type PresetGuess, perMessageOf, presetForHost, presetNamed } from './preset.ts';
import { limitsOf, type WrittenLimits, withLimits } from './written-limits.ts';

/** What somebody wrote about a sender, besides its transport. */
export interface SenderSettings {
  /** `auto`: by the host of the transport. */
  readonly preset: 'auto' | 'none' | readonly string[];
  /** These come before the preset's, rule by rule, and are taken as they are. */
  readonly limits: WrittenLimits;
  /** The share of the preset's limits left to others, 0 to 0.9; absent: as the preset has it. */
  readonly headroom?: number;
}

export const PLAIN_SETTINGS: SenderSettings = { preset: 'auto', limits: {} };
export const HEADROOM_MAX = 0.9;

/** An identity a provider counts against, as this process carries it. */
export interface Sender {
  readonly id: SenderId;
  /** `config`: of the configuration, and changed only there. `api`: made by an operator over the API. */
  readonly origin: 'config' | 'api';
  /** With its password: for the transport and nobody else. */
  readonly transport: string;
  readonly settings: SenderSettings;
  readonly presets: readonly Preset[];
  /** How the presets were found, when nobody named them. */
  readonly guess?: PresetGuess['kind'];
  readonly limits: Limits;
  /** Epoch ms; of those made over the API. */
  readonly createdAt?: number;
}

/** A fleet hands connections around faster when none of them rests for long. */
const SHARED_IDLE_MS = 5_000;

/** Works out what a sender may do from what was written about it. */
export function senderOf(written: {
  readonly id: SenderId;
  readonly origin: Sender['origin'];
  readonly transport: string;
  readonly settings: SenderSettings;
  readonly createdAt?: number;
}): Sender {
  const { transport, settings } = written;
  const guess = settings.preset === 'auto' ? guessFor(transport) : undefined;
  const named = settings.preset === 'auto' || settings.preset === 'none' ? [] : settings.preset.map(presetNamed);
  const presets = guess === undefined ? named.filter((preset) => preset !== undefined) : [guess.preset];
  const idleMs = idleMsIn(transport) ?? SHARED_IDLE_MS;
  const { connections, ...rest } = limitsOfPresets(presets, settings.headroom);
  const ofPresets: Limits = { ...rest, ...(connections !== undefined && { connections: { max: connections, idleMs } }) };
  return {
    ...written,
    presets,
    ...(guess !== undefined && { guess: guess.kind }),
    limits: withLimits(limitsOf(settings.limits, { idleMs }), ofPresets),
  };
}

/** Mail that is kept here goes to no provider. */
function guessFor(transport: string): PresetGuess | undefined {
  const host = hostOf(transport);
  return host === undefined ? undefined : presetForHost(host);
}

/** @example hostOf('smtps://user:password@smtp.example.com:465') // 'smtp.example.com' */
export function hostOf(transport: string): string | undefined {
  return /^smtps?:\/\/(?:[^/?#]*@)?(\[[^\]]*\]|[^:/?#]+)/i.exec(transport)?.[1]?.replace(/^\[(.*)\]$/, '$1');
}

/**
 * The URL without its password, for people.
 *
 * @example shownTransport('smtp://user:password@host:587') // 'smtp://user:***@host:587'
 */
export function shownTransport(transport: string): string {
  const [, scheme, authority, rest] = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#]*)(.*)$/is.exec(transport) ?? [];
  if (scheme === undefined || authority === undefined) return /^[a-z]+:$/.test(transport) ? transport : '***';
  const at = authority.lastIndexOf('@');
  if (at === -1) return `${scheme}${authority}${rest ?? ''}`;
  const user = authority.slice(0, at).split(':', 1)[0] ?? '';
  return `${scheme}${user}${authority.slice(0, at).includes(':') ? ':***' : ''}@${authority.slice(at + 1)}${rest ?? ''}`;
}

function idleMsIn(transport: string): number | undefined {
  const written = /[?&]idle=(\d{1,9})(?:&|$)/.exec(transport)?.[1];
  return written === undefined ? undefined : Number(written);
}

/**
 * The URL a transport is opened with: where connections of the whole fleet are limited, it keeps none open longer than the
 * ledger counts it, and has no more of them than there may be.
 */
export function openedTransport({ transport, limits: { connections } }: Pick<Sender, 'transport' | 'limits'>): string {
  if (connections === undefined || hostOf(transport) === undefined) return transport;
  const own = Number(/[?&]connections=(\d{1,9})(?:&|$)/.exec(transport)?.[1] ?? connections.max);
  const [base = '', query = ''] = transport.split('?', 2);
  const kept = query.split('&').filter((option) => option !== '' && !/^(?:idle|connections)=/.test(option));
  return `${base}?${[...kept, `idle=${connections.idleMs}`, `connections=${Math.min(own, connections.max)}`].join('&')}`;
}

/** Why this sender's provider would not take such a mail at all; undefined when it would. */
export function perMessageFault(
  sender: Pick<Sender, 'id' | 'presets' | 'limits'>,
  envelope: Pick<Envelope, 'to'>,
  sizeBytes: number,
): string | undefined {
  const { recipients, externalRecipients, bytes } = perMessageOf(sender.presets);
  const by = `${sender.presets.map(({ id }) => `\`${id}\``).join(' and ')}, the preset of sender ${sender.id}`;
  if (recipients !== undefined && envelope.to.length > recipients)
    return `has ${envelope.to.length} recipients, and ${by}, allows ${recipients} in one mail; split it up`;
  const external = countedRecipients('externalRecipients', envelope, sender.limits.ownDomains).length;
  if (externalRecipients !== undefined && external > externalRecipients)
    return `has ${external} external recipients, and ${by}, allows ${externalRecipients} in one mail; split it up`;
  if (bytes !== undefined && sizeBytes > bytes) return `is ${sizeBytes} bytes large, and ${by}, allows ${bytes}; make it smaller`;
  return undefined;
}
