import { hostname } from 'node:os';
import { isIPv4, isIPv6 } from 'node:net';

/** What the server said it can do (RFC 5321 section 4.1.1.1), as far as this client uses it. */
export interface Extensions {
  /** RFC 2920. */
  readonly pipelining: boolean;
  /** RFC 6152. */
  readonly eightBitMime: boolean;
  /** RFC 6531. */
  readonly smtpUtf8: boolean;
  /** RFC 3207. */
  readonly startTls: boolean;
  /** RFC 1870 is offered; `sizeMax` is absent when no limit was named. */
  readonly size: boolean;
  readonly sizeMax?: number;
  /** RFC 4954, upper case. */
  readonly auth: readonly string[];
}

export const NO_EXTENSIONS: Extensions = {
  pipelining: false,
  eightBitMime: false,
  smtpUtf8: false,
  startTls: false,
  size: false,
  auth: [],
};

/** @param lines the text of the reply to EHLO; its first line is the server's name and greeting */
export function extensionsOf(lines: string): Extensions {
  const offered = new Map<string, readonly string[]>();
  for (const line of lines.split('\n').slice(1)) {
    // `AUTH=LOGIN` is how servers wrote it before RFC 2554; some still do, beside or instead of the proper line.
    const [keyword = '', ...values] = line
      .toUpperCase()
      .replace(/^AUTH=/, 'AUTH ')
      .trim()
      .split(/\s+/);
    offered.set(keyword, [...(offered.get(keyword) ?? []), ...values]);
  }
  const sizeMax = Number(offered.get('SIZE')?.[0] ?? 0); // 0: no fixed limit (RFC 1870 section 4)
  return {
    pipelining: offered.has('PIPELINING'),
    eightBitMime: offered.has('8BITMIME'),
    smtpUtf8: offered.has('SMTPUTF8'),
    startTls: offered.has('STARTTLS'),
    size: offered.has('SIZE'),
    auth: offered.get('AUTH') ?? [],
    ...(Number.isSafeInteger(sizeMax) && sizeMax > 0 ? { sizeMax } : {}),
  };
}

/** RFC 5321 section 4.1.4: this machine's full name, or where it has none, its address on this connection as a literal. */
export function helloName(localAddress: string | undefined): string {
  const name = hostname();
  if (/^[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+$/.test(name)) return name;
  const address = localAddress?.replace(/^::ffff:(?=\d+\.)/, '') ?? '';
  if (isIPv4(address)) return `[${address}]`;
  return isIPv6(address) ? `[IPv6:${address}]` : '[127.0.0.1]';
}
