import { expect, it } from 'vitest';
import { createManualClock, createMemoryLedger } from '../testing/index.ts';
import { LIMIT_UNITS, type LimitUnit } from './limit.ts';
import { limitsOfPresets, type Preset, perMessageOf, presetForHost, presetNamed } from './preset.ts';
import { PRESETS } from './presets.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

type Row = readonly [unit: LimitUnit, max: number, windowMs: number, marginMs: number];
interface Published {
  readonly rules: readonly Row[];
  readonly pace?: Preset['pace'];
  readonly connections?: number;
  readonly perMessage: Preset['perMessage'];
  readonly lockoutMs?: number;
}
const aDay = (unit: LimitUnit, max: number): Row => [unit, max, DAY, MINUTE];

/** The table as it is published, one row a preset. */
const PUBLISHED: Readonly<Record<string, Published>> = {
  'google-workspace': {
    rules: [
      aDay('messages', 2_000),
      aDay('recipients', 10_000),
      aDay('externalRecipients', 3_000),
      aDay('uniqueRecipients', 3_000),
      aDay('uniqueExternalRecipients', 2_000),
    ],
    connections: 5,
    perMessage: { recipients: 100 },
    lockoutMs: DAY,
  },
  'google-workspace-trial': {
    rules: [aDay('messages', 500), aDay('recipients', 10_000), aDay('externalRecipients', 3_000), aDay('uniqueExternalRecipients', 500)],
    connections: 5,
    perMessage: { recipients: 100 },
    lockoutMs: DAY,
  },
  'google-workspace-relay': {
    rules: [aDay('messages', 10_000), aDay('uniqueRecipients', 10_000)],
    perMessage: { recipients: 100 },
    lockoutMs: DAY,
  },
  'gmail-personal': { rules: [aDay('messages', 500), aDay('recipients', 500)], perMessage: { recipients: 100 }, lockoutMs: DAY },
  'google-gmail-api': { rules: [['messages', 150, MINUTE, 0]], perMessage: { recipients: 100 } },
  'm365-mailbox': { rules: [aDay('recipients', 10_000), ['messages', 30, MINUTE, 0]], connections: 3, perMessage: { recipients: 500 } },
  'm365-tenant': { rules: [aDay('externalRecipients', 5_000)], perMessage: {} },
  'm365-graph': {
    rules: [aDay('recipients', 10_000), ['messages', 30, MINUTE, 0], ['messages', 10_000, 10 * MINUTE, 0]],
    connections: 4,
    perMessage: { recipients: 500, bytes: 150_000_000 },
  },
  'outlook-personal': {
    rules: [aDay('recipients', 5_000), aDay('newRecipients', 1_000)],
    perMessage: { recipients: 500, bytes: 25_000_000 },
  },
  'ses-sandbox': {
    rules: [aDay('recipients', 200)],
    pace: { everyMs: 1_000, burst: 1 },
    perMessage: { recipients: 50, bytes: 40_000_000 },
    lockoutMs: 10 * MINUTE,
  },
  ses: { rules: [], perMessage: { recipients: 50, bytes: 40_000_000 }, lockoutMs: 10 * MINUTE },
  icloud: { rules: [aDay('messages', 1_000), aDay('recipients', 1_000)], perMessage: { recipients: 500, bytes: 20_000_000 } },
  generic: { rules: [], perMessage: { recipients: 100 } },
};

it('has a row for every preset', () => {
  expect(PRESETS.map(({ id }) => id)).toEqual(Object.keys(PUBLISHED));
});

it.each(PRESETS.map((preset) => [preset.id, preset] as const))(
  '%s says what its provider publishes, with sources and a date',
  (id, preset) => {
    const { rules, pace, connections, perMessage, lockoutMs } = preset;
    const said = {
      rules: rules.map(({ unit, max, windowMs, marginMs }): Row => [unit, max, windowMs, marginMs]),
      perMessage,
      ...(pace !== undefined && { pace }),
      ...(connections !== undefined && { connections }),
      ...(lockoutMs !== undefined && { lockoutMs }),
    };
    expect(said).toEqual(PUBLISHED[id]);
    expect(preset.checked).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    expect(preset.sources.length).toBeGreaterThan(0);
    expect(preset.headroom).toBe(0.05);
    for (const other of preset.addsTo ?? []) expect(presetNamed(other)).toBeDefined();
  },
);

it.each(PRESETS.map((preset) => [preset.id, preset] as const))('%s is something a ledger can keep', async (_, preset) => {
  const ledger = createMemoryLedger({ clock: createManualClock() });
  const { connections: max, ...limits } = limitsOfPresets([preset]);
  const scope = 'sender:x' as never;
  await ledger.limit([{ scope, limits: { ...limits, ...(max !== undefined && { connections: { max, idleMs: 5_000 } }) } }]);
  const [standing] = await ledger.standing([scope]);
  expect(standing?.allowances.map(({ rule, left }) => [rule.unit, rule.windowMs, left])).toEqual(
    limits.rules.map((rule) => [rule.unit, rule.windowMs, rule.max]),
  );
});

it('leaves a twentieth of each figure to others, rounded down and never less than 1, and all of it when told so', () => {
  const [workspace, sandbox] = [presetNamed('google-workspace'), presetNamed('ses-sandbox')];
  if (workspace === undefined || sandbox === undefined) throw new Error('a preset is missing');
  expect(limitsOfPresets([workspace]).rules.map(({ max }) => max)).toEqual([1_900, 9_500, 2_850, 2_850, 1_900]);
  expect(limitsOfPresets([workspace], 0).rules.map(({ max }) => max)).toEqual([2_000, 10_000, 3_000, 3_000, 2_000]);
  expect(limitsOfPresets([{ ...sandbox, rules: [{ unit: 'messages', max: 1, windowMs: 1, marginMs: 0 }] }]).rules[0]?.max).toBe(1);
});

it('takes the tightest of several presets', () => {
  const presets = ['m365-graph', 'm365-mailbox', 'm365-tenant'].map(presetNamed).filter((preset) => preset !== undefined);
  const { rules, connections } = limitsOfPresets(presets, 0);
  expect(rules.map(({ unit, max, windowMs }) => [unit, max, windowMs])).toEqual([
    ['recipients', 10_000, DAY],
    ['messages', 30, MINUTE],
    ['messages', 10_000, 10 * MINUTE],
    ['externalRecipients', 5_000, DAY],
  ]);
  expect(connections).toBe(3);
  expect(perMessageOf(presets)).toEqual({ recipients: 500, bytes: 150_000_000 });
});

it('covers every unit there is', () => {
  const units = new Set(PRESETS.flatMap(({ rules }) => rules.map(({ unit }) => unit)));
  expect([...units].sort()).toEqual([...LIMIT_UNITS].sort());
});

it.each([
  ['smtp.office365.com', 'known', 'm365-mailbox'],
  ['SMTP.mail.me.com.', 'known', 'icloud'],
  ['smtp-mail.outlook.com', 'known', 'outlook-personal'],
  ['smtp-relay.gmail.com', 'known', 'google-workspace-relay'],
  ['smtp.gmail.com', 'guessed', 'google-workspace-trial'],
  ['email-smtp.eu-west-1.amazonaws.com', 'guessed', 'ses-sandbox'],
  ['email-smtp.eu.west.amazonaws.com', 'unknown', 'generic'],
  ['smtp.gmail.com.example.net', 'unknown', 'generic'],
  ['notsmtp.gmail.com', 'unknown', 'generic'],
  ['127.0.0.1', 'unknown', 'generic'],
])('finds what %s is: %s, %s', (host, kind, id) => {
  const guess = presetForHost(host);
  expect([guess.kind, guess.preset.id]).toEqual([kind, id]);
});
