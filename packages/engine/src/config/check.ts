import { isIP } from 'node:net';
import { isAbsolute, join, resolve } from 'node:path';
import { ShoalError } from '../model/errors.ts';
import { LEASE_MS } from '../model/limits.ts';
import { nearest } from '../model/nearest.ts';
import { LATER_KEYS, OPTIONS, type OptionName } from './options.ts';
import { checkRetry } from './retry.ts';
import type { Config, HostPort } from './schema.ts';
import { checkSenders } from './senders.ts';

/** One value as somebody wrote it, and how they named it: `SHOAL_HTTP`, `--http`, or `http in shoal.config.json`. */
export interface Written {
  readonly value: unknown;
  readonly said: string;
}
export type WrittenOptions = Readonly<Partial<Record<OptionName, Written>>>;

/**
 * Makes a configuration from values in code; for embedding. What is absent gets its default; a value is never repaired,
 * and `0`, `NaN` and `''` never mean the default.
 *
 * @throws ShoalError `bad_config`, naming the option, or the nearest one for a name that is unknown
 * @example
 * const config = configOf({ ledger: 'sqlite:/var/lib/shoal/shoal.db', transport: 'smtp://127.0.0.1:2525', http: 'off' });
 */
export function configOf(values: Readonly<Record<string, unknown>>): Config {
  return checkOptions(writtenIn(values, (name) => name));
}

/** Names the keys of an object as options; a key that is none is an error that names the nearest. */
export function writtenIn(values: Readonly<Record<string, unknown>>, said: (name: string) => string): WrittenOptions {
  const written: Partial<Record<OptionName, Written>> = {};
  for (const [key, value] of Object.entries(values)) {
    const option = OPTIONS.find((known) => known.name === key);
    if (option !== undefined) {
      if (value !== undefined) written[option.name] = { value, said: said(key) };
    } else if (!isHarmlessLater(LATER_KEYS, key, value)) {
      throw unknownName(said(key), key, { later: LATER_KEYS, known: OPTIONS.map(({ name }) => name) });
    }
  }
  return written;
}

/** Saying `off` for something that is not there yet is the truth. */
export function isHarmlessLater(later: Readonly<Record<string, string>>, name: string, value: unknown): boolean {
  return value === 'off' && (later[name]?.includes('`off`') ?? false);
}

export function unknownName(
  said: string,
  name: string,
  names: { readonly later: Readonly<Record<string, string>>; readonly known: readonly string[] },
): ShoalError {
  if (Object.hasOwn(names.later, name)) return bad(said, `is not available in this version: ${names.later[name]}`);
  const near = nearest(name, names.known);
  return bad(said, `is not an option${near === undefined ? `; the options are ${names.known.join(', ')}` : `; did you mean ${near}?`}`);
}

/** From what was written to a configuration that the rest of the program can trust. */
export function checkOptions(written: WrittenOptions): Config {
  const dataDir = option(written, 'dataDir', './.shoal', folder);
  const { default: ownDefault, ...otherSenders } = option(written, 'senders', {}, (value, said) => senders(value, said, written));
  const { transport: ownTransport, ...defaultSettings } = ownDefault ?? {};
  const ledger = option(written, 'ledger', `sqlite:${join(dataDir, 'shoal.db')}`, database);
  return {
    dataDir,
    ledger,
    store: option(written, 'store', ledger, (value, said) => sameFile(database(value, said), ledger, said)),
    transport: ownTransport ?? option(written, 'transport', 'capture:', transport),
    domain: option(written, 'domain', 'shoal.localhost', domain),
    http: option(written, 'http', { host: '127.0.0.1', port: 7070 }, hostPort),
    concurrency: option(written, 'concurrency', 50, number({ min: 1, max: 10_000, isWhole: true })),
    log: option(written, 'log', 'info', oneOf(['debug', 'info', 'warn', 'error', 'silent'])),
    retryScale: option(written, 'retryScale', 1, number({ min: 0.0001, max: 1_000, isWhole: false })),
    retry: option(written, 'retry', { classes: {} }, (value, said) => checkRetry(value, { said, bad })),
    leaseMs: option(written, 'leaseMs', LEASE_MS, number({ min: 500, max: 3_600_000, isWhole: true })),
    drainMs: option(written, 'drainMs', 30_000, number({ min: 0, max: 3_600_000, isWhole: true })),
    diskFloorMb: option(written, 'diskFloorMb', 256, number({ min: 0, max: 1_048_576, isWhole: true })),
    publicHosts: option(written, 'publicHosts', [], hostNames),
    signup: option(written, 'signup', 'loopback', oneOf(['loopback', 'open', 'off'])),
    senders: { ...otherSenders, ...(ownDefault !== undefined && { default: { preset: 'auto', limits: {}, ...defaultSettings } }) },
    transportAllowCidrs: option(written, 'transportAllowCidrs', [], cidrs),
    ...(written.secretKey !== undefined && { secretKey: hexKey(written.secretKey.value, written.secretKey.said) }),
  };
}

type Check<Value> = (value: unknown, said: string) => Value;

function option<Value>(written: WrittenOptions, name: OptionName, fallback: Value, check: Check<Value>): Value {
  const given = written[name];
  return given === undefined ? fallback : check(given.value, given.said);
}

function bad(said: string, problem: string): ShoalError {
  return new ShoalError('bad_config', `${said} ${problem}`, { details: { [said]: problem } });
}

/** Never the value of a URL: it may hold a password, and messages are shown to anyone (security G1). */
function shown(value: unknown): string {
  const written = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return /[@/]/.test(written) ? 'something else' : written.slice(0, 60);
}

function text(value: unknown, said: string): string {
  if (typeof value !== 'string') throw bad(said, `must be text, got ${shown(value)}`);
  if (value.trim() === '') throw bad(said, 'is empty; give it a value, or leave it out for the default');
  if (/[\u0000-\u001f\u007f]/.test(value)) throw bad(said, 'holds a control character');
  return value;
}

function number(range: { readonly min: number; readonly max: number; readonly isWhole: boolean }): Check<number> {
  const wanted = `a ${range.isWhole ? 'whole ' : ''}number from ${range.min} to ${range.max}`;
  return (value, said) => {
    const given = typeof value === 'string' && /^\d+(\.\d+)?$/.test(text(value, said)) ? Number(value) : value;
    if (value === '') text(value, said);
    const fits = typeof given === 'number' && given >= range.min && given <= range.max && (!range.isWhole || Number.isInteger(given));
    if (!fits) throw bad(said, `must be ${wanted}, got ${shown(value)}`);
    return given;
  };
}

function oneOf<const Word extends string>(words: readonly Word[]): Check<Word> {
  return (value, said) => {
    const given = text(value, said);
    const word = words.find((known) => known === given);
    if (word === undefined) throw bad(said, `must be one of ${words.join(', ')}, got ${shown(given)}`);
    return word;
  };
}

function folder(value: unknown, said: string): string {
  const given = text(value, said);
  if (/^[a-z][a-z0-9+.-]*:/i.test(given) && !/^[a-z]:[\\/]/i.test(given)) throw bad(said, 'must be a folder, not a URL');
  return given;
}

/** Schemes of the design that a later version brings; told apart from misspelt ones. */
const LATER_DATABASES = ['redis:', 'rediss:', 'postgres:', 'postgresql:'];
const LATER_TRANSPORTS = ['mx:', 'ses:', 'resend:', 'gmail:'];

function database(value: unknown, said: string): string {
  const given = text(value, said);
  const scheme = schemeOf(given);
  if (scheme !== 'sqlite:') throw bad(said, `${unknownScheme(scheme, LATER_DATABASES)}; this version has sqlite:PATH`);
  const path = given.slice(scheme.length);
  if (path === '') throw bad(said, 'names no file; write sqlite:PATH, such as sqlite:./.shoal/shoal.db');
  // Jobs that vanish with their process are no ledger, and a second connection would see an empty one.
  if (path.includes(':memory:')) throw bad(said, 'must be a file: what was acknowledged has to survive the process');
  if (path.startsWith('//')) throw bad(said, 'is sqlite: and a path, without `//`, such as sqlite:/var/lib/shoal/shoal.db');
  return given;
}

function sameFile(store: string, ledger: string, said: string): string {
  const fileOf = (url: string): string => resolve(url.slice('sqlite:'.length));
  if (fileOf(store) !== fileOf(ledger))
    throw bad(said, `must name the ledger's own file in this version, ${ledger}; leave it out to get just that`);
  return ledger;
}

function transport(value: unknown, said: string): string {
  const given = text(value, said);
  const scheme = schemeOf(given);
  if (scheme === 'capture:') {
    if (given !== 'capture:') throw bad(said, 'is capture: and nothing after it; captured mail lies in the data folder');
    return given;
  }
  if (scheme !== 'smtp:' && scheme !== 'smtps:')
    throw bad(said, `${unknownScheme(scheme, LATER_TRANSPORTS)}; this version has smtp://, smtps:// and capture:`);
  checkSmtpUrl(given, said);
  return given;
}

function senders(value: unknown, said: string, written: WrittenOptions): Config['senders'] {
  const checked = checkSenders(value, { said, bad, transport });
  if (checked['default']?.transport !== undefined && written.transport !== undefined)
    throw bad(`${said}.default.transport`, `stands beside ${written.transport.said}, which is the same thing; keep one`);
  return checked;
}

function cidrs(value: unknown, said: string): readonly string[] {
  const given = typeof value === 'string' ? (text(value, said) === 'none' ? [] : value.split(',')) : value;
  const wanted = 'must be ranges of addresses, such as 127.0.0.0/8 or fd00::/8, or none';
  if (!Array.isArray(given)) throw bad(said, wanted);
  return given.map((range: unknown) => {
    const [, network, bits] = /^([0-9a-f.:]+)\/(\d{1,3})$/i.exec(String(range).trim()) ?? [];
    const most = { 0: -1, 4: 32, 6: 128 }[isIP(network ?? '')] ?? -1;
    if (network === undefined || Number(bits) > most) throw bad(said, wanted);
    return `${network}/${bits}`;
  });
}

function hexKey(value: unknown, said: string): string {
  if (typeof value === 'string' && /^[0-9a-f]{64}$/i.test(value)) return value;
  throw bad(said, 'must be 32 random bytes as 64 hex digits, such as `openssl rand -hex 32` prints');
}

function checkSmtpUrl(given: string, said: string): void {
  const form = 'write smtp://HOST:PORT or smtp://USER:PASSWORD@HOST:PORT, and @ : / % in user or password as %40 %3A %2F %25';
  if (!URL.canParse(given)) throw bad(said, `is not a URL; ${form}`);
  const url = new URL(given);
  if (url.hostname === '') throw bad(said, `names no host; ${form}`);
  if (url.port === '0') throw bad(said, `has port 0; ${form}`);
  if (url.pathname !== '' && url.pathname !== '/') throw bad(said, `has something after the host; ${form}`);
  if (url.hash !== '') throw bad(said, `holds a \`#\`; ${form}`);
  if (url.username === '' && url.password !== '') throw bad(said, `has a password and no user; ${form}`);
}

function schemeOf(url: string): string {
  return /^[a-z][a-z0-9+.-]*:/i.exec(url)?.[0].toLowerCase() ?? '';
}

function unknownScheme(scheme: string, later: readonly string[]): string {
  if (scheme === '') return 'has no scheme';
  return `has the scheme ${scheme}, which ${later.includes(scheme) ? 'is not available in this version' : 'is unknown'}`;
}

/** RFC 1123 section 2.1, at most 253 octets (RFC 1035 section 2.3.4, without the root's dot). */
const DOMAIN = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

function domain(value: unknown, said: string): string {
  const given = text(value, said).toLowerCase();
  if (!DOMAIN.test(given)) throw bad(said, `must be a domain name such as agents.example.com (IDNs as xn--...), got ${shown(value)}`);
  return given;
}

function hostNames(value: unknown, said: string): readonly string[] {
  if (value === 'none') return [];
  const names = Array.isArray(value) ? value : text(value, said).split(',');
  return names.map((name) => domain(typeof name === 'string' ? name.trim() : name, said));
}

function hostPort(value: unknown, said: string): HostPort | 'off' {
  if (value === 'off') return 'off';
  const given = isHostPort(value) ? `${value.host.includes(':') ? `[${value.host}]` : value.host}:${value.port}` : text(value, said);
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-f:.]+)\]|([^\s:/@[\]]+)):(\d{1,5})$/i.exec(given) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || !(port <= 65_535))
    throw bad(said, `must be host:port or off, such as 127.0.0.1:7070 or [::1]:7070, got ${shown(given)}`);
  return { host, port };
}

function isHostPort(value: unknown): value is HostPort {
  return (
    typeof value === 'object' &&
    value !== null &&
    'host' in value &&
    typeof value.host === 'string' &&
    'port' in value &&
    typeof value.port === 'number'
  );
}

/** Relative paths of a configuration mean the folder the program was started in; a child process may stand elsewhere. */
export function withAbsolutePaths(config: Config, cwd: string): Config {
  const absolute = (path: string): string => (isAbsolute(path) ? path : resolve(cwd, path));
  const file = (url: string): string => `sqlite:${absolute(url.slice('sqlite:'.length))}`;
  return { ...config, dataDir: absolute(config.dataDir), ledger: file(config.ledger), store: file(config.store) };
}
