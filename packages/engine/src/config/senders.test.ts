import { expect, it } from 'vitest';
import { ShoalError } from '../model/errors.ts';
import { configOf } from './check.ts';
import { environmentOf } from './environment.ts';

const bulk = { transport: 'smtp://127.0.0.1:2525' };

function complaint(senders: unknown, more: Readonly<Record<string, unknown>> = {}): string {
  try {
    configOf({ senders, ...more });
  } catch (error) {
    if (error instanceof ShoalError && error.code === 'bad_config') return error.message;
    throw error;
  }
  return 'none';
}

it('reads senders by name, from an object and from JSON', () => {
  const senders = { bulk: { ...bulk, preset: 'icloud', limits: { perHour: 100 }, headroom: 0 }, default: { preset: 'none' } };
  const expected = {
    bulk: { ...bulk, preset: ['icloud'], limits: { perHour: 100 }, headroom: 0 },
    default: { preset: 'none', limits: {} },
  };
  expect(configOf({ senders }).senders).toEqual(expected);
  expect(configOf({ senders: JSON.stringify(senders) }).senders).toEqual(expected);
});

it('gives a child process the same senders', () => {
  const config = configOf({ senders: { bulk: { ...bulk, limits: { perDay: { recipients: 5 } } } } });
  expect(configOf({ senders: environmentOf(config)['SHOAL_SENDERS'] }).senders).toEqual(config.senders);
});

it.each([
  [[], 'senders must be one object of senders by name, such as { bulk: { transport: "smtp://127.0.0.1:2525" } }'],
  ['{', 'senders is not JSON; write {"NAME":{"transport":"URL"}}'],
  [{ bulk: {} }, 'senders.bulk has no transport: say how its mail leaves, such as smtp://127.0.0.1:2525'],
  [{ bulk: { ...bulk, limit: {} } }, 'senders.bulk.limit is not an option; did you mean limits?'],
  [
    { Bulk: bulk },
    'senders has a sender whose name must be 1 to 64 of a-z, 0-9, "_" and "-", and begin with a letter or digit, got "Bulk"',
  ],
  [
    { bulk: { transport: 'smpt://h' } },
    'senders.bulk.transport has the scheme smpt:, which is unknown; this version has smtp://, smtps:// and capture:',
  ],
  [{ bulk: { ...bulk, preset: 'iclould' } }, 'senders.bulk.preset does not know "iclould"; did you mean icloud?'],
  [{ bulk: { ...bulk, headroom: 1 } }, 'senders.bulk.headroom must be a number from 0 to 0.9, such as 0.05 for a twentieth, got 1'],
  [{ bulk: { ...bulk, limits: { perDay: 0 } } }, 'senders.bulk.limits.perDay must be a whole number from 1 to 1000000000, got 0'],
  [{ bulk: { ...bulk, limits: { perday: 5 } } }, 'senders.bulk.limits.perday is not known here; did you mean perDay?'],
])('says what is wrong with %j', (senders, message) => {
  expect(complaint(senders)).toBe(message);
});

it('takes the transport of `default` from one place only', () => {
  expect(complaint({ default: bulk })).toBe('none');
  expect(complaint({ default: bulk }, { transport: 'capture:' })).toBe(
    'senders.default.transport stands beside transport, which is the same thing; keep one',
  );
});

it('G1: never repeats a password', () => {
  const canary = 'c4n4ry';
  const url = `smtp://u:${canary}@h:0`;
  for (const sender of [{ transport: url }, { ...bulk, preset: url }, { ...bulk, limits: url }, { ...bulk, limits: { perDay: url } }, url])
    expect(complaint({ bulk: sender })).not.toContain(canary);
  expect(complaint({ [`smtp://u:${canary}@h`]: bulk })).not.toContain(canary);
  expect(complaint({}, { secretKey: canary })).not.toContain(canary);
});

it('hands the transport of `default` on as the transport, so that a child process sees it once', () => {
  const config = configOf({ senders: { default: { ...bulk, limits: { perHour: 5 } } } });
  expect(config).toMatchObject({ transport: bulk.transport, senders: { default: { preset: 'auto', limits: { perHour: 5 } } } });
  const { SHOAL_TRANSPORT: transport, SHOAL_SENDERS: senders } = environmentOf(config);
  expect(configOf({ transport, senders })).toEqual(config);
});

it.each(['127.0.0.0/8', ['10.0.0.0/8', 'fd00::/8'], 'none'])('takes %j as internal networks that may be used', (transportAllowCidrs) => {
  expect(complaint({}, { transportAllowCidrs })).toBe('none');
});

it.each(['127.0.0.1', '127.0.0.0/33', 'localhost/8', 5])('refuses %j as a range of addresses', (transportAllowCidrs) => {
  expect(complaint({}, { transportAllowCidrs })).toMatch(/^transportAllowCidrs must be ranges/);
});
