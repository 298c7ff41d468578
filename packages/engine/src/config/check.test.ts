import { expect, it } from 'vitest';
import { ShoalError } from '../model/errors.ts';
import { configOf } from './check.ts';
import { OPTIONS } from './options.ts';

function complaint(values: Readonly<Record<string, unknown>>): string {
  try {
    configOf(values);
  } catch (error) {
    if (error instanceof ShoalError && error.code === 'bad_config') return error.message;
    throw error;
  }
  return 'none';
}

it('gives every option its documented default', () => {
  expect(configOf({})).toEqual({
    dataDir: './.shoal',
    ledger: 'sqlite:.shoal/shoal.db',
    store: 'sqlite:.shoal/shoal.db',
    transport: 'capture:',
    domain: 'shoal.localhost',
    http: { host: '127.0.0.1', port: 7070 },
    concurrency: 50,
    log: 'info',
    retryScale: 1,
    retry: { classes: {} },
    leaseMs: 60_000,
    drainMs: 30_000,
    diskFloorMb: 256,
    publicHosts: [],
    signup: 'loopback',
    senders: {},
    transportAllowCidrs: [],
  });
});

it('takes the example of every option, and every plain default as it is written in the table', () => {
  for (const option of OPTIONS) {
    expect([option.name, complaint({ [option.name]: option.example, ...(option.name === 'store' && { ledger: option.example }) })]).toEqual(
      [option.name, 'none'],
    );
    if (['ledger', 'store', 'secretKey'].includes(option.name)) continue; // theirs depend on other options, or there is none
    expect(configOf({ [option.name]: option.default })).toEqual(configOf({}));
  }
});

it('puts the ledger into the data folder unless told otherwise', () => {
  expect(configOf({ dataDir: '/var/lib/shoal' }).ledger).toBe('sqlite:/var/lib/shoal/shoal.db');
});

it.each([0, Number.NaN, '', '0', 'many', 1.5, 10_001, true])('never takes concurrency %j for the default', (concurrency) => {
  expect(complaint({ concurrency })).toMatch(/^concurrency (must be a whole number from 1 to 10000, got|is empty)/);
});

it('lets 0 mean 0 where it is a value', () => {
  expect(configOf({ drainMs: 0 }).drainMs).toBe(0);
  expect(complaint({ retryScale: 0 })).toBe('retryScale must be a number from 0.0001 to 1000, got 0');
});

it.each([
  ['off', 'off'],
  ['0.0.0.0:8080', { host: '0.0.0.0', port: 8080 }],
  ['[::1]:0', { host: '::1', port: 0 }],
  [
    { host: '::1', port: 7070 },
    { host: '::1', port: 7070 },
  ],
])('reads %j as a place to listen', (http, expected) => {
  expect(configOf({ http }).http).toEqual(expected);
});

it.each(['7070', ':7070', 'localhost', 'localhost:70000', 'http://localhost:7070', '::1:7070', 'a b:1'])(
  'refuses to listen on %j',
  (http) => {
    expect(complaint({ http })).toMatch(/^http must be host:port or off, such as 127\.0\.0\.1:7070/);
  },
);

it.each([
  ['ledger', 'redis://localhost', 'ledger has the scheme redis:, which is not available in this version; this version has sqlite:PATH'],
  ['ledger', 'mysql://localhost', 'ledger has the scheme mysql:, which is unknown; this version has sqlite:PATH'],
  ['ledger', './shoal.db', 'ledger has no scheme; this version has sqlite:PATH'],
  ['ledger', 'sqlite:', 'ledger names no file; write sqlite:PATH, such as sqlite:./.shoal/shoal.db'],
  ['ledger', 'sqlite::memory:', 'ledger must be a file: what was acknowledged has to survive the process'],
  [
    'store',
    'postgres://localhost/x',
    'store has the scheme postgres:, which is not available in this version; this version has sqlite:PATH',
  ],
  [
    'transport',
    'mx:',
    'transport has the scheme mx:, which is not available in this version; this version has smtp://, smtps:// and capture:',
  ],
  ['transport', 'smpt://h', 'transport has the scheme smpt:, which is unknown; this version has smtp://, smtps:// and capture:'],
  ['transport', 'capture:here', 'transport is capture: and nothing after it; captured mail lies in the data folder'],
  ['log', 'verbose', 'log must be one of debug, info, warn, error, silent, got "verbose"'],
  ['domain', 'agents_example', 'domain must be a domain name such as agents.example.com (IDNs as xn--...), got "agents_example"'],
  ['signup', 'closed', 'signup must be one of loopback, open, off, got "closed"'],
])('says what is wrong with %s = %s', (name, value, message) => {
  expect(complaint({ [name]: value })).toBe(message);
});

it('takes a store only in the file of the ledger, however its path is written', () => {
  expect(configOf({ ledger: 'sqlite:./a/../b.db', store: 'sqlite:b.db' }).store).toBe('sqlite:./a/../b.db');
  expect(complaint({ ledger: 'sqlite:a.db', store: 'sqlite:b.db' })).toMatch(/^store must name the ledger's own file/);
});

it('names the nearest option for one that is unknown, and says what this version does not have', () => {
  expect(complaint({ concurency: 5 })).toBe('concurency is not an option; did you mean concurrency?');
  expect(complaint({ broker: 'amqp://x' })).toBe('broker is not available in this version: workers find their work in the ledger itself');
  expect(complaint({ smtpIn: 'off' })).toBe('none');
  expect(complaint({ constructor: 1 })).toMatch(/^constructor is not an option/);
});

it('never repeats a password in what it says (security G1)', () => {
  const canary = 'c4n4ry';
  for (const url of [
    `smtp://u:${canary}@`,
    `smtp://u:${canary}@host:0`,
    `smtp://u:${canary}@host/path`,
    `smtp://u:${canary}@h:x`,
    `smpt://u:${canary}@h`,
  ]) {
    expect(complaint({ transport: url })).not.toContain(canary);
    for (const { name } of OPTIONS) expect(complaint({ [name]: url })).not.toContain(canary);
  }
});
