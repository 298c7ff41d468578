import { lookup as resolve } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { ShoalError } from '../../model/errors.ts';

/**
 * Where a host that somebody else named may lead (security S11, W1): to addresses of the public internet, on the ports of
 * mail, and to what the operator allowed besides. A name is resolved once, every address it has is looked at, and the
 * connection goes to just these addresses.
 */
export interface AddressFilter {
  /** Why no connection may be made there; undefined when it may. */
  fault(address: string, port: number): string | undefined;
  /** For `net.connect`: fails when any address of the name is refused. */
  lookupFor(port: number): LookupFunction;
}

/** Relay, and submission with TLS from the first byte, by STARTTLS, and as several providers offer it. */
const MAIL_PORTS: readonly number[] = [25, 465, 587, 2525];

/** RFC 6890 and its registry: this network, private, CGNAT, loopback, link-local (cloud metadata too), protocol and test ranges, multicast, reserved. */
const INSIDE_V4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24'],
  ...['192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
];
/** Only global unicast is public. Loopback, unique-local, link-local, NAT64, IPv4-compatible and multicast lie outside of it. */
const PUBLIC_V6 = ['2000::/3'];
/** Within it: Teredo and other protocol ranges, documentation, and 6to4, which hides an IPv4 address. */
const INSIDE_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

const insideV4 = listOf(INSIDE_V4);
const publicV6 = listOf(PUBLIC_V6);
const insideV6 = listOf(INSIDE_V6);

export function addressFilter(allowedCidrs: readonly string[]): AddressFilter {
  const allowed = listOf(allowedCidrs);
  const fault: AddressFilter['fault'] = (address, port) => {
    if (isIn(allowed, address)) return undefined;
    if (isInside(address)) return `${address} is an address of an internal network`;
    return MAIL_PORTS.includes(port) ? undefined : `port ${port} is none of mail's (${MAIL_PORTS.join(', ')})`;
  };
  return {
    fault,
    lookupFor: (port) => (name, options, done) => {
      resolve(name, { ...options, all: true }, (error, addresses) => {
        if (error !== null) return done(error, []);
        const refused = addresses.map(({ address }) => fault(address, port)).find((why) => why !== undefined);
        const [first] = addresses;
        if (refused !== undefined || first === undefined) return done(forbidden(name, refused ?? 'it has no address'), []);
        if (options.all === true) return done(null, addresses);
        return done(null, first.address, first.family);
      });
    },
  };
}

/** The code of a connection that the operating system would not let us make; it is none of the network's faults. */
function forbidden(name: string, why: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${name} may not be connected to: ${why}`), { code: 'EACCES' });
}

function isInside(address: string): boolean {
  const v4 = mappedV4(address);
  switch (isIP(v4)) {
    case 4:
      return insideV4.check(v4);
    case 6:
      return !publicV6.check(v4, 'ipv6') || insideV6.check(v4, 'ipv6');
    default:
      return true; // what is no address leads nowhere
  }
}

function isIn(list: BlockList, address: string): boolean {
  const plain = mappedV4(address);
  const family = isIP(plain);
  return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
}

/** `::ffff:127.0.0.1` and `::ffff:7f00:1` are 127.0.0.1 (RFC 4291 section 2.5.5.2). */
function mappedV4(address: string): string {
  if (isIP(address) !== 6) return address;
  const host = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname; // in its one shortest form
  const [, high, low] = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(host) ?? [];
  if (high === undefined || low === undefined) return address;
  const bits = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return bits.flatMap((word) => [word >> 8, word & 255]).join('.');
}

function listOf(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [network = '', length = ''] = cidr.split('/');
    const family = isIP(network);
    const bits = /^\d{1,3}$/.test(length) ? Number(length) : -1;
    if (family === 0 || bits < 0 || bits > (family === 4 ? 32 : 128))
      throw new ShoalError(
        'bad_config',
        `${JSON.stringify(cidr.slice(0, 60))} is not a range of addresses such as 127.0.0.0/8 or fd00::/8`,
      );
    list.addSubnet(network, bits, family === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}
