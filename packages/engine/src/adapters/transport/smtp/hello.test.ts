import { expect, it } from 'vitest';
import { extensionsOf, helloName, NO_EXTENSIONS } from './hello.ts';

it('reads what a server offers, in any case, and never its greeting line', () => {
  expect(extensionsOf('PIPELINING\nsize 1000\n8BitMime\nSMTPUTF8\nSTARTTLS\nAUTH PLAIN login\nAUTH=XOAUTH2\nX-OTHER')).toEqual({
    pipelining: false,
    eightBitMime: true,
    smtpUtf8: true,
    startTls: true,
    size: true,
    sizeMax: 1_000,
    auth: ['PLAIN', 'LOGIN', 'XOAUTH2'],
  });
  expect(extensionsOf('peer')).toEqual(NO_EXTENSIONS);
});

it.each(['SIZE', 'SIZE 0', 'SIZE x', 'SIZE -1'])('takes %j for a size without a limit', (line) => {
  const extensions = extensionsOf(`peer\n${line}`);
  expect(extensions.size).toBe(true);
  expect(extensions.sizeMax).toBeUndefined();
});

it('says a full name or an address literal, never a bare word', () => {
  for (const address of ['127.0.0.1', '::ffff:192.0.2.7', '::1', undefined])
    expect(helloName(address)).toMatch(/^\[[0-9.]+\]$|^\[IPv6:[0-9a-f:]+\]$|^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/);
});
