import { expect, it } from 'vitest';
import { senderId } from './ids.ts';
import {
  hostOf,
  openedTransport,
  PLAIN_SETTINGS,
  perMessageFault,
  type Sender,
  type SenderSettings,
  senderOf,
  shownTransport,
} from './sender.ts';

const sender = (transport: string, settings: Partial<SenderSettings> = {}): Sender =>
  senderOf({ id: senderId('bulk'), origin: 'api', transport, settings: { ...PLAIN_SETTINGS, ...settings } });

it('finds the limits of a sender by the host of its transport', () => {
  expect(sender('smtps://u:p@smtp.mail.me.com').limits.rules.map(({ max }) => max)).toEqual([950, 950]);
  expect(sender('smtp://u:p@smtp.gmail.com:587')).toMatchObject({ guess: 'guessed', presets: [{ id: 'google-workspace-trial' }] });
  expect(sender('smtp://127.0.0.1:2525')).toMatchObject({ guess: 'unknown', limits: { rules: [] } });
  expect(sender('capture:')).toMatchObject({ presets: [], limits: { rules: [] } });
});

it('has none of them when a preset is turned off, and others when one is named', () => {
  expect(sender('smtps://u:p@smtp.mail.me.com', { preset: 'none' })).toMatchObject({ presets: [], limits: { rules: [] } });
  expect(sender('smtp://127.0.0.1', { preset: ['icloud'], headroom: 0 }).limits.rules.map(({ max }) => max)).toEqual([1_000, 1_000]);
});

it("takes what its operator writes as it is, before the preset's", () => {
  const { limits } = sender('smtps://u:p@smtp.mail.me.com', { limits: { perDay: 5_000, connections: 2 } });
  expect(limits.rules.map(({ unit, max }) => [unit, max])).toEqual([
    ['messages', 5_000],
    ['recipients', 950],
  ]);
  expect(limits.connections).toEqual({ max: 2, idleMs: 5_000 });
});

it.each([
  ['smtp://h', 'h'],
  ['smtps://u:p%40@Mail.example.com:465?ca=/x@y', 'Mail.example.com'],
  ['smtp://u:p@[::1]:25', '::1'],
  ['capture:', undefined],
])('reads the host of %s', (url, host) => {
  expect(hostOf(url)).toBe(host);
});

it.each([
  ['smtp://user:c4n4ry@host:587?idle=5', 'smtp://user:***@host:587?idle=5'],
  ['smtps://user:c4n@4ry@host', 'smtps://user:***@host'],
  ['smtp://token@host', 'smtp://token@host'],
  ['smtp://host:25', 'smtp://host:25'],
  ['capture:', 'capture:'],
  ['c4n4ry', '***'],
])('G1: shows %s without its password', (url, shown) => {
  expect(shownTransport(url)).toBe(shown);
});

it('keeps no connection open longer than the fleet counts it, and has no more of them than there may be', () => {
  expect(openedTransport(sender('smtp://h', { limits: { connections: 3 } }))).toBe('smtp://h?idle=5000&connections=3');
  expect(openedTransport(sender('smtp://h?idle=900&connections=2&name=x', { limits: { connections: 3 } }))).toBe(
    'smtp://h?name=x&idle=900&connections=2',
  );
  expect(sender('smtp://h?idle=900', { limits: { connections: 3 } }).limits.connections).toEqual({ max: 3, idleMs: 900 });
  expect(openedTransport(sender('smtp://h?idle=900'))).toBe('smtp://h?idle=900');
});

it('refuses a mail that the provider would not take, and names preset and number', () => {
  const ses = sender('smtp://h', { preset: ['ses'] });
  const to = (count: number): { to: string[] } => ({ to: Array.from({ length: count }, (_, index) => `r${index}@example.net`) });
  expect(perMessageFault(ses, to(50), 40_000_000)).toBeUndefined();
  expect(perMessageFault(ses, to(51), 1)).toBe(
    'has 51 recipients, and `ses`, the preset of sender bulk, allows 50 in one mail; split it up',
  );
  expect(perMessageFault(ses, to(1), 40_000_001)).toBe(
    'is 40000001 bytes large, and `ses`, the preset of sender bulk, allows 40000000; make it smaller',
  );
  expect(perMessageFault(sender('capture:'), to(5_000), 1e9)).toBeUndefined();
});
