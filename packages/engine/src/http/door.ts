import { ShoalError } from '../model/errors.ts';

/** Probes come by the machine's address, and what they are told is no secret. */
const PROBE_PATHS = new Set(['/health', '/ready']);

/**
 * Keeps web pages out: one in a user's browser may call the loopback, and by DNS rebinding even read what it answers
 * (security D4). So `Host` must be a name of this server, and `Origin`, which browsers send and programs do not, its own.
 * A call without a socket has no peer that could lie about the host; its origin is looked at all the same.
 *
 * @throws ShoalError `host_not_allowed`, `origin_not_allowed`
 */
export function refuseForeignPages(
  request: Request,
  path: string,
  visit: { readonly publicHosts: readonly string[]; readonly remoteAddress?: string },
): void {
  const url = new URL(request.url);
  const isOurs = (name: string): boolean => isLoopbackName(name) || visit.publicHosts.some((host) => bare(host) === bare(name));
  // Only this machine's own browsers can be led here by a false name and still pass for the owner.
  const isNear = visit.remoteAddress !== undefined && isLoopbackAddress(visit.remoteAddress);
  if (isNear && !isOurs(url.hostname) && !PROBE_PATHS.has(path))
    throw new ShoalError('host_not_allowed', `this server does not answer to the name ${JSON.stringify(url.hostname.slice(0, 255))}`);

  const origin = request.headers.get('origin');
  if (origin !== null && !isOwnOrigin(origin, url))
    throw new ShoalError('origin_not_allowed', 'web pages of another origin may not use this server');
}

/**
 * Is the peer this machine? What came through a proxy is not, although its socket is: the proxy serves others.
 *
 * @example isFromLoopback('127.0.0.1', new Headers()) // true
 */
export function isFromLoopback(remoteAddress: string | undefined, headers: Headers): boolean {
  if (headers.has('forwarded') || headers.has('x-forwarded-for') || headers.has('x-real-ip')) return false;
  return remoteAddress === undefined || isLoopbackAddress(remoteAddress);
}

/** Host and port must agree; the scheme may differ, since TLS can end in front of us. */
function isOwnOrigin(origin: string, url: URL): boolean {
  try {
    return new URL(origin).host === url.host;
  } catch {
    return false; // `null`, the origin of sandboxed pages and local files
  }
}

function isLoopbackName(name: string): boolean {
  return bare(name) === 'localhost' || isLoopbackAddress(bare(name));
}

/** RFC 1122 section 3.2.1.3 gives all of 127/8 to the loopback; dual-stack sockets show it as an IPv4-mapped address. */
function isLoopbackAddress(address: string): boolean {
  return /^(?:::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/i.test(address) || address === '::1';
}

/** Lower case, without brackets, port and the root's dot. */
function bare(host: string): string {
  return host
    .toLowerCase()
    .replace(/:\d+$/, (port, at: number) => (host.indexOf(':') === at || host.includes(']') ? '' : port))
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}
