import { describe, expect, it } from 'vitest';
import { ShoalError } from '../../../model/errors.ts';
import { parseSmtpUrl } from './url.ts';

function complaint(url: string): string {
  try {
    parseSmtpUrl(url);
    return 'none';
  } catch (error) {
    if (!(error instanceof ShoalError)) throw error;
    expect(error.code).toBe('bad_config');
    return error.message;
  }
}

describe('an SMTP URL', () => {
  it.each([
    ['smtp://h', { port: 25, tls: 'opportunistic', peer: 'h:25' }],
    ['smtp://u:p@h', { port: 587, tls: 'required' }],
    ['smtps://u:p@h', { port: 465, tls: 'implicit' }],
    ['smtps://h', { port: 465, tls: 'implicit' }],
    ['smtp://h:2525?tls=off', { port: 2525, tls: 'off' }],
    ['smtp://h?tls=required', { port: 25, tls: 'required' }],
    ['smtp://[::1]:2525', { host: '::1', port: 2525, peer: '[::1]:2525' }],
  ])('chooses port and TLS by scheme and credentials: %s', (url, expected) => {
    expect(parseSmtpUrl(url)).toMatchObject({ verifiesCertificate: true, ...expected });
  });

  it('decodes user and password', () => {
    expect(parseSmtpUrl('smtp://agent%40shoal.example:p%3A%2F%23%25%C3%BC@h').credentials).toEqual({
      user: 'agent@shoal.example',
      password: 'p:/#%ü',
    });
  });

  it('takes every option', () => {
    const url = 'smtps://u:p@h?connections=3&messages=20&idle=5000&auth=login&name=mx.shoal.example&ca=/etc/ca.pem&servername=mail.example';
    expect(parseSmtpUrl(url)).toMatchObject({
      connectionsMax: 3,
      messagesMax: 20,
      idleMs: 5_000,
      helloName: 'mx.shoal.example',
      caPath: '/etc/ca.pem',
      servername: 'mail.example',
      credentials: { mechanism: 'login' },
    });
  });

  it.each([
    ['smtp://h?conections=3', 'there is no option "conections"; did you mean `connections`?'],
    ['smtp://h?TLS=off', 'did you mean `tls`?'],
    ['smtp://h?connections=0', 'connections must be a whole number from 1'],
    ['smtp://h?idle=NaN', 'idle must be a whole number'],
    ['smtp://h?messages=', 'option `messages` is empty'],
    ['smtp://h?tls=off&tls=required', 'option `tls` is there twice'],
    ['smtp://h?tls=maybe', 'tls must be required or off'],
    ['smtp://h?auth=cram', 'auth must be plain, login or xoauth2'],
    ['smtp://h?auth=plain', 'auth needs a user'],
    ['smtp://u@h', 'there is a user but no password'],
    ['smtp://u:a%00b@h', 'may not hold a NUL'],
    ['smtp://h?name=a%0D%0AMAIL', 'name must be a host name'],
    ['smtp://h/inbox', 'nothing may follow the port'],
    ['smtp://', 'the host is missing'],
    ['http://h', 'it must look like'],
    ['nonsense', 'it must look like'],
  ])('is refused with what is wrong: %s', (url, why) => {
    expect(complaint(url)).toContain(why);
  });

  it.each([
    ['smtp://u:p@h?tls=off', 'in clear'],
    ['smtp://u:p@h?verify=off', 'ca=FILE'],
    ['smtps://h?verify=off', 'ca=FILE'],
    ['smtp://h?tls=required&verify=off', 'ca=FILE'],
    ['smtps://h?tls=off', 'smtps: is TLS'],
  ])('S5: is refused where it would give a password or a must away: %s', (url, why) => {
    expect(complaint(url)).toContain(why);
  });

  it('S5: may leave a certificate unverified only on purpose, and only where clear text would do as well', () => {
    expect(parseSmtpUrl('smtp://h?verify=off')).toMatchObject({ tls: 'opportunistic', verifiesCertificate: false });
  });

  it.each(['smtp://u:c4nary%zz@h', 'smtp://u:c4nary/x@h', 'smtp://u:c4nary#x@h', 'smtp://u:c4nary@h:99999', 'smtp://u:c4nary@h?tls=off'])(
    'never shows the password in an error, nor in its cause: %s',
    (url) => {
      try {
        parseSmtpUrl(url);
        expect.unreachable();
      } catch (error) {
        const { message, stack, cause } = error as ShoalError;
        expect(`${message} ${stack} ${JSON.stringify(cause)}`).not.toContain('c4nary');
      }
    },
  );

  it('lets XOAUTH2 go without a password only where tokens come from elsewhere', () => {
    const url = 'smtp://u@h?auth=xoauth2';
    expect(complaint(url)).toContain('no password');
    expect(parseSmtpUrl(url, { hasTokenSource: true }).credentials).toMatchObject({ user: 'u', password: '' });
  });
});
