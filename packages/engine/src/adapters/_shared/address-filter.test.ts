import { expect, it } from 'vitest';
import { addressFilter } from './address-filter.ts';

const INSIDE = [
  ...['127.0.0.1', '127.255.0.9', '0.0.0.0', '10.1.2.3', '172.31.0.1', '192.168.0.1', '100.64.0.1', '169.254.169.254', '224.0.0.1'],
  ...['255.255.255.255', '::1', '::', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:a01:203', '64:ff9b::7f00:1', '2002:7f00:1::'],
  ...['::7f00:1', 'fe80::1', 'fe80::1%lo', 'fd00:ec2::254', 'fc00::1', 'ff02::1', '2001::1', '2001:db8::1', '0x7f.1', 'localhost'],
];

it.each(INSIDE)('S11: lets nobody connect to %s', (address) => {
  expect(addressFilter([]).fault(address, 587)).toBe(`${address} is an address of an internal network`);
});

it.each(['8.8.8.8', '2606:4700::1111', '::ffff:8.8.8.8', '172.32.0.1'])('S11: lets mail go to %s, on ports of mail', (address) => {
  const filter = addressFilter([]);
  for (const port of [25, 465, 587, 2525]) expect(filter.fault(address, port)).toBeUndefined();
  expect(filter.fault(address, 6379)).toBe("port 6379 is none of mail's (25, 465, 587, 2525)");
});

it('lets the operator allow a range, on every port', () => {
  const filter = addressFilter(['127.0.0.0/8', 'fd00::/8']);
  expect(filter.fault('127.0.0.1', 40_000)).toBeUndefined();
  expect(filter.fault('::ffff:127.0.0.1', 40_000)).toBeUndefined();
  expect(filter.fault('fd00::5', 25)).toBeUndefined();
  expect(filter.fault('10.0.0.1', 25)).toContain('internal');
});

it.each(['127.0.0.1', '127.0.0.0/33', 'fd00::/129', 'x/8', '127.0.0.0/'])('refuses %j as a range', (cidr) => {
  expect(() => addressFilter([cidr])).toThrow('is not a range of addresses');
});

it('S11: looks at every address of a name, however it is spelt', async () => {
  const asked = (name: string, cidrs: readonly string[] = []): Promise<unknown> =>
    new Promise((resolve) => addressFilter(cidrs).lookupFor(587)(name, {}, (error, address) => resolve(error ?? address)));
  for (const name of ['localhost', '127.1', '0x7f.1', '2130706433', '0'])
    expect(await asked(name)).toMatchObject({ code: 'EACCES', message: expect.stringContaining('internal network') });
  expect(await asked('localhost', ['127.0.0.0/8', '::1/128'])).toMatch(/^127\.0\.0\.1$|^::1$/);
});
