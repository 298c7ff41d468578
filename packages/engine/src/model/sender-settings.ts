import { type SenderId, senderId } from './ids.ts';
import { nearestPreset, PRESET_IDS, presetNamed } from './preset.ts';
import { HEADROOM_MAX, type SenderSettings } from './sender.ts';
import { checkedLimits, type Refuse, shown } from './written-limits.ts';

/** Settings as a person writes them; what is absent is `auto`, no limits, and the preset's own headroom. */
export interface WrittenSettings {
  readonly preset?: unknown;
  readonly limits?: unknown;
  readonly headroom?: unknown;
}

const PRESETS_MAX = 4;

/** @example checkedSettings({ preset: 'icloud', limits: { perHour: 100 } }, refuse) // { preset: ['icloud'], limits: { perHour: 100 } } */
export function checkedSettings(written: WrittenSettings, refuse: Refuse): SenderSettings {
  const { preset = 'auto', limits = {}, headroom } = written;
  return {
    preset: checkedPreset(preset, refuse),
    limits: checkedLimits(limits, (at, problem) => refuse(at === '' ? 'limits' : `limits.${at}`, problem)),
    ...(headroom !== undefined && { headroom: checkedHeadroom(headroom, refuse) }),
  };
}

/** A name is also what stands in URLs and scopes. */
export function checkedName(name: unknown, refuse: Refuse): SenderId {
  try {
    return senderId(String(name));
  } catch {
    throw refuse('name', `must be 1 to 64 of a-z, 0-9, "_" and "-", and begin with a letter or digit, got ${shown(name)}`);
  }
}

function checkedPreset(written: unknown, refuse: Refuse): SenderSettings['preset'] {
  if (written === 'auto' || written === 'none') return written;
  const ids: readonly unknown[] = Array.isArray(written) ? written : [written];
  if (ids.length === 0 || ids.length > PRESETS_MAX) throw refuse('preset', `must be one to ${PRESETS_MAX} names, auto or none`);
  return ids.map((id) => {
    const preset = typeof id === 'string' ? presetNamed(id) : undefined;
    if (preset !== undefined) return preset.id;
    const near = nearestPreset(String(id).slice(0, 60));
    const advice = near === undefined ? `; there are ${PRESET_IDS.join(', ')}, auto and none` : `; did you mean ${near}?`;
    throw refuse('preset', `does not know ${shown(id)}${advice}`);
  });
}

function checkedHeadroom(written: unknown, refuse: Refuse): number {
  if (typeof written === 'number' && written >= 0 && written <= HEADROOM_MAX) return written;
  throw refuse('headroom', `must be a number from 0 to ${HEADROOM_MAX}, such as 0.05 for a twentieth, got ${shown(written)}`);
}
