import { nearest } from './nearest.ts';
import type { LimitRule, Limits, Pace } from './limit.ts';
import { ruleName } from './limit.ts';
import { PRESETS } from './presets.ts';

/** What a provider lets an account do, as it publishes it; the figures are in `presets.ts`, with their sources. */
export interface Preset {
  readonly id: string;
  readonly title: string;
  /** The day its figures were last compared with the sources. */
  readonly checked: string;
  /** Submission hosts; a `*` stands for one label. */
  readonly hosts: readonly string[];
  /** Of several presets with one host: the one whose limits are the tightest, taken when nobody says which it is. */
  readonly isSafeGuess?: boolean;
  /** Counted on top of these; named together with one of them. */
  readonly addsTo?: readonly string[];
  readonly rules: readonly LimitRule[];
  readonly pace?: Pace;
  readonly connections?: number;
  readonly perMessage: PerMessage;
  /** How long sending may stay blocked once a limit was hit. */
  readonly lockoutMs?: number;
  /** The share of each `max` that is left to mail Shoal does not see: people and other programs use the account too. */
  readonly headroom: number;
  /** What the figures cannot say. */
  readonly note?: string;
  readonly sources: readonly string[];
}

export interface PerMessage {
  readonly recipients?: number;
  readonly externalRecipients?: number;
  readonly bytes?: number;
}

export const PRESET_IDS: readonly string[] = PRESETS.map(({ id }) => id);

export function presetNamed(id: string): Preset | undefined {
  return PRESETS.find((preset) => preset.id === id);
}

/** @example nearestPreset('google-workspce') // 'google-workspace' */
export function nearestPreset(id: string): string | undefined {
  return nearest(id, PRESET_IDS);
}

/** `guessed`: several kinds of account share the host, and this is the one with the least rights. */
export type PresetGuess =
  | { readonly kind: 'known'; readonly preset: Preset }
  | { readonly kind: 'guessed'; readonly preset: Preset; readonly others: readonly string[] }
  | { readonly kind: 'unknown'; readonly preset: Preset };

/** The preset of an account at this submission host. */
export function presetForHost(host: string): PresetGuess {
  const own = PRESETS.filter(({ hosts, addsTo }) => addsTo === undefined && hosts.some((pattern) => isHost(host, pattern)));
  const [first, ...others] = own;
  if (first === undefined) return { kind: 'unknown', preset: generic() };
  if (others.length === 0) return { kind: 'known', preset: first };
  const preset = own.find(({ isSafeGuess }) => isSafeGuess === true) ?? first;
  return { kind: 'guessed', preset, others: own.filter((each) => each !== preset).map(({ id }) => id) };
}

function generic(): Preset {
  const preset = presetNamed('generic');
  if (preset === undefined) throw new Error('broken invariant: there is no preset `generic`');
  return preset;
}

function isHost(host: string, pattern: string): boolean {
  const labels = host.toLowerCase().replace(/\.$/, '').split('.');
  const wanted = pattern.split('.');
  return labels.length === wanted.length && wanted.every((label, index) => label === '*' || label === labels[index]);
}

/** What a sender under all of these presets may do: the tightest of each kind, less the headroom, and at least 1. */
export function limitsOfPresets(presets: readonly Preset[], headroom?: number): Omit<Limits, 'connections'> & { connections?: number } {
  const rules = new Map<string, LimitRule>();
  for (const preset of presets)
    for (const rule of preset.rules) {
      const max = Math.max(1, Math.floor(rule.max * (1 - (headroom ?? preset.headroom))));
      const before = rules.get(ruleName(rule));
      if (before === undefined || max < before.max) rules.set(ruleName(rule), { ...rule, max });
    }
  const [pace] = presets.flatMap((preset) => preset.pace ?? []).sort((a, b) => b.everyMs - a.everyMs);
  const connections = least(presets.map((preset) => preset.connections));
  return { rules: [...rules.values()], ...(pace !== undefined && { pace }), ...(connections !== undefined && { connections }) };
}

export function perMessageOf(presets: readonly Preset[]): PerMessage {
  const recipients = least(presets.map(({ perMessage }) => perMessage.recipients));
  const externalRecipients = least(presets.map(({ perMessage }) => perMessage.externalRecipients));
  const bytes = least(presets.map(({ perMessage }) => perMessage.bytes));
  return {
    ...(recipients !== undefined && { recipients }),
    ...(externalRecipients !== undefined && { externalRecipients }),
    ...(bytes !== undefined && { bytes }),
  };
}

function least(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
