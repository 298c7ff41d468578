import { expect, it } from 'vitest';
import { isFromLoopback, refuseForeignPages } from './door.ts';

it.each(['127.0.0.1', '127.255.0.9', '::1', '::ffff:127.0.0.1', undefined])('takes %s for this machine', (address) => {
  expect(isFromLoopback(address, new Headers())).toBe(true);
});

it.each(['128.0.0.1', '10.0.0.1', '0.0.0.0', '::', '::2', '::ffff:10.0.0.1', '1127.0.0.1', '127.0.0.1.example', 'gone', ''])(
  'takes %j for another machine',
  (address) => {
    expect(isFromLoopback(address, new Headers())).toBe(false);
  },
);

it.each([
  ['http://mail.example.com:7070/', ['mail.example.com']],
  ['http://MAIL.example.com./', ['mail.example.com']],
  ['http://mail.example.com/', ['mail.example.com:443']],
  ['http://[2001:db8::1]/', ['2001:db8::1']],
  ['http://[2001:db8::1]:7070/', ['[2001:db8::1]:7070']],
])('D4: lets %s in where %j are its names', (url, publicHosts) => {
  expect(() => refuseForeignPages(new Request(url), '/', { publicHosts, remoteAddress: '127.0.0.1' })).not.toThrow();
});

it.each([
  ['http://example.com/', ['mail.example.com']],
  ['http://xmail.example.com/', ['mail.example.com']],
  ['http://mail.example.com.evil.example/', ['mail.example.com']],
  ['http://[2001:db8::2]/', ['2001:db8::1']],
  ['http://127.0.0.1.evil.example/', []],
])('D4: keeps %s out where %j are its names', (url, publicHosts) => {
  expect(() => refuseForeignPages(new Request(url), '/', { publicHosts, remoteAddress: '127.0.0.1' })).toThrow(
    /does not answer to the name/,
  );
});
