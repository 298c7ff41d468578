import { ShoalError } from '../../../model/errors.ts';

export type Mechanism = 'plain' | 'login' | 'xoauth2';

export interface Credentials {
  readonly user: string;
  readonly password: string;
  /** Absent: the best one the server offers. */
  readonly mechanism?: Mechanism;
}

/** `implicit`: from the first byte. `required`: STARTTLS or nothing. `opportunistic`: STARTTLS when offered. */
export type TlsMode = 'implicit' | 'required' | 'opportunistic' | 'off';

export interface SmtpSettings {
  readonly host: string;
  readonly port: number;
  /** `host:port`, for descriptions and facts. */
  readonly peer: string;
  readonly tls: TlsMode;
  /** False only under `verify=off`. */
  readonly verifiesCertificate: boolean;
  readonly servername?: string;
  readonly caPath?: string;
  readonly credentials?: Credentials;
  /** Absent: as many as there are sends under way. */
  readonly connectionsMax?: number;
  readonly messagesMax: number;
  readonly idleMs: number;
  /** What EHLO says; absent: this machine's name or address. */
  readonly helloName?: string;
}

export const SMTP_URL_OPTIONS = ['auth', 'ca', 'connections', 'idle', 'messages', 'name', 'servername', 'tls', 'verify'] as const;
type Option = (typeof SMTP_URL_OPTIONS)[number];

/** Default ports: RFC 8314 (465), RFC 6409 (587) for submission with credentials; a relay without them listens on 25. */
const PORTS = { implicit: 465, submission: 587, relay: 25 } as const;
const MESSAGES_PER_CONNECTION = 100;
const IDLE_MS = 30_000;

/**
 * Reads `smtp://` (STARTTLS) and `smtps://` (TLS from the first byte) URLs. User and password are percent-decoded.
 *
 * - Credentials make TLS a must, with a verified certificate: they never leave in clear (security S5).
 * - Without credentials `smtp:` takes STARTTLS when it is offered and still verifies the certificate: a host that shows a
 *   certificate of its own making needs `ca=FILE`, `verify=off` or `tls=off`, said on purpose. `tls=required` insists.
 * - `verify=off` and `tls=off` are refused beside credentials, and `verify=off` beside any TLS that must be.
 * - `connections`, `messages` (per connection), `idle` (ms), `auth=plain|login|xoauth2`, `name` (for EHLO), `ca` (PEM
 *   file), `servername` (the name the certificate must show).
 *
 * @throws ShoalError `bad_config`; its text never holds the URL, which may hold a password.
 */
export function parseSmtpUrl(text: string, context: { readonly hasTokenSource: boolean } = { hasTokenSource: false }): SmtpSettings {
  const url = urlOf(text);
  const options = optionsOf(url);
  const isImplicit = url.protocol === 'smtps:';
  const credentials = credentialsOf(url, options, context.hasTokenSource);
  const tls = tlsOf(options.get('tls'), isImplicit, credentials !== undefined);
  const host = hostOf(url);
  const port =
    url.port === '' ? (isImplicit ? PORTS.implicit : credentials === undefined ? PORTS.relay : PORTS.submission) : Number(url.port);
  if (port === 0) throw wrong('port 0 is not a port to connect to');

  const connectionsMax = wholeNumber(options, 'connections', { min: 1, max: 10_000 });
  const helloName = options.get('name');
  if (helloName !== undefined && !/^[A-Za-z0-9.-]{1,255}$|^\[[A-Za-z0-9.:]{1,60}\]$/.test(helloName))
    throw wrong('name must be a host name or an address in brackets');
  const servername = options.get('servername');
  const caPath = options.get('ca');
  return {
    host,
    port,
    peer: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    tls,
    verifiesCertificate: verifies(options.get('verify'), tls, credentials !== undefined),
    messagesMax: wholeNumber(options, 'messages', { min: 1, max: 1_000_000 }) ?? MESSAGES_PER_CONNECTION,
    idleMs: wholeNumber(options, 'idle', { min: 1, max: 24 * 3_600_000 }) ?? IDLE_MS,
    ...(servername === undefined ? {} : { servername }),
    ...(caPath === undefined ? {} : { caPath }),
    ...(credentials === undefined ? {} : { credentials }),
    ...(connectionsMax === undefined ? {} : { connectionsMax }),
    ...(helloName === undefined ? {} : { helloName }),
  };
}

function urlOf(text: string): URL {
  // Beware: the error of `new URL` carries its input, password and all, so it is not kept as a cause.
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'smtp:' && url.protocol !== 'smtps:'))
    throw wrong('it must look like smtp://host:port or smtps://user:password@host:port');
  if ((url.pathname !== '' && url.pathname !== '/') || url.hash !== '')
    throw wrong('nothing may follow the port but ?options; percent-encode / ? # @ : in user and password (/ is %2F, # is %23)');
  return url;
}

function hostOf(url: URL): string {
  const host = decoded(url.hostname, 'host').replace(/^\[(.*)\]$/, '$1');
  if (!/^[A-Za-z0-9._:-]{1,255}$/.test(host)) throw wrong('the host is missing or not a host name');
  return host;
}

function optionsOf(url: URL): ReadonlyMap<Option, string> {
  const options = new Map<Option, string>();
  for (const [name, value] of url.searchParams) {
    const known = SMTP_URL_OPTIONS.find((each) => each === name);
    if (known === undefined) throw wrong(`there is no option ${JSON.stringify(name.slice(0, 40))}; did you mean \`${nearest(name)}\`?`);
    if (options.has(known)) throw wrong(`option \`${known}\` is there twice`);
    if (value === '') throw wrong(`option \`${known}\` is empty`);
    options.set(known, value);
  }
  return options;
}

function credentialsOf(url: URL, options: ReadonlyMap<Option, string>, hasTokenSource: boolean): Credentials | undefined {
  const user = decoded(url.username, 'user');
  const password = decoded(url.password, 'password');
  const auth = options.get('auth');
  const mechanism = (['plain', 'login', 'xoauth2'] as const).find((each) => each === auth);
  if (auth !== undefined && mechanism === undefined) throw wrong('auth must be plain, login or xoauth2');
  if (user === '' && password === '') {
    if (auth !== undefined) throw wrong('auth needs a user: smtp://user:password@host');
    return undefined;
  }
  if (user === '') throw wrong('there is a password but no user');
  if (password === '' && !(mechanism === 'xoauth2' && hasTokenSource)) throw wrong('there is a user but no password');
  if (`${user}${password}`.includes('\0')) throw wrong('user and password may not hold a NUL (RFC 4616)');
  return mechanism === undefined ? { user, password } : { user, password, mechanism };
}

function tlsOf(asked: string | undefined, isImplicit: boolean, hasCredentials: boolean): TlsMode {
  if (asked !== undefined && asked !== 'required' && asked !== 'off') throw wrong('tls must be required or off');
  if (asked === 'off' && isImplicit) throw wrong('smtps: is TLS; tls=off goes with smtp:');
  if (asked === 'off' && hasCredentials) throw wrong('tls=off would send the password in clear; it goes without credentials only');
  if (asked === 'off') return 'off';
  if (isImplicit) return 'implicit';
  return hasCredentials || asked === 'required' ? 'required' : 'opportunistic';
}

function verifies(asked: string | undefined, tls: TlsMode, hasCredentials: boolean): boolean {
  if (asked === undefined) return true;
  if (asked !== 'off') throw wrong('verify is on; only verify=off may be said');
  if (hasCredentials) throw wrong('verify=off could give the password to anybody; name the CA file instead: ca=FILE');
  if (tls !== 'opportunistic') throw wrong('verify=off goes with opportunistic TLS only; name the CA file instead: ca=FILE');
  return false;
}

function wholeNumber(
  options: ReadonlyMap<Option, string>,
  name: Option,
  range: { readonly min: number; readonly max: number },
): number | undefined {
  const text = options.get(name);
  if (text === undefined) return undefined;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= range.min && value <= range.max)) throw wrong(`${name} must be a whole number from ${range.min} to ${range.max}`);
  return value;
}

function decoded(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw wrong(`the ${what} has a % that begins no percent-encoding; a % itself is %25`);
  }
}

function nearest(name: string): Option {
  let best: Option = SMTP_URL_OPTIONS[0];
  for (const each of SMTP_URL_OPTIONS) if (distance(name, each) < distance(name, best)) best = each;
  return best;
}

/** Levenshtein, one row at a time; `name` is cut, so that a long one costs nothing. */
function distance(name: string, option: string): number {
  const from = name.slice(0, 40).toLowerCase();
  let row = Array.from({ length: option.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= option.length; j += 1) {
      const swap = (row[j - 1] ?? 0) + (from[i - 1] === option[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[option.length] ?? 0;
}

function wrong(why: string): ShoalError {
  return new ShoalError('bad_config', `the SMTP transport's URL is wrong: ${why}`);
}
