import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openHttpBench } from './http-bench.ts';

describe('sign-up', () => {
  it('gives a token once, without a body or a content type, and the token works', async () => {
    const bench = await openHttpBench();
    const { status, body } = await bench.ask('POST', '/v1/signup');
    expect(status).toBe(201);
    expect(body).toMatchObject({
      id: expect.stringMatching(/^acct_/),
      tier: 4,
      limits: { canSend: true },
      createdAt: '2026-01-01T00:00:00.000Z',
    });
    const account = await bench.ask('GET', '/v1/account', { token: String(body['token']) });
    expect(account).toMatchObject({ status: 200, body: { id: body['id'], tierName: 'scale', usage: { inboxCount: 0 } } });
  });

  it('K1: stores the hash of a token of 160 random bits, and never the token', async () => {
    const bench = await openHttpBench();
    const { token } = await bench.signUp();
    expect(token).toMatch(/^shoal_sk_[0-9a-z]{32}$/);
    const hash = createHash('sha256').update(token).digest('hex');
    expect(await bench.store.findToken(hash)).toMatchObject({ hash });
    expect(bench.logged.join('\n')).not.toContain(token.slice(9));
  });

  it('is open from this process and from the loopback by default', async () => {
    const bench = await openHttpBench();
    for (const remoteAddress of ['127.0.0.1', '127.8.0.1', '::1', '::ffff:127.0.0.1'])
      expect(await bench.ask('POST', '/v1/signup', { remoteAddress })).toMatchObject({ status: 201 });
  });

  it('is closed to other machines by default, and says how to get a token', async () => {
    const bench = await openHttpBench();
    for (const remoteAddress of ['192.0.2.7', '2001:db8::1', '::ffff:192.0.2.7', 'gone']) {
      const { status, body } = await bench.ask('POST', '/v1/signup', { remoteAddress });
      expect({ status, error: body['error'] }).toEqual({ status: 401, error: 'signup_closed' });
      expect(body['message']).toContain('ask its operator');
    }
  });

  it('takes what came through a proxy on this machine for what it is: somebody else', async () => {
    const bench = await openHttpBench();
    for (const name of ['x-forwarded-for', 'forwarded', 'x-real-ip'])
      expect(await bench.ask('POST', '/v1/signup', { remoteAddress: '127.0.0.1', headers: { [name]: '127.0.0.1' } })).toMatchObject({
        status: 401,
      });
  });

  it('can be open to everybody, and closed to everybody', async () => {
    const open = await openHttpBench({ settings: { signup: 'open' } });
    expect(await open.ask('POST', '/v1/signup', { remoteAddress: '192.0.2.7' })).toMatchObject({ status: 201 });
    const off = await openHttpBench({ settings: { signup: 'off' } });
    expect(await off.ask('POST', '/v1/signup')).toMatchObject({ status: 401, body: { error: 'signup_closed' } });
  });
});

describe('tokens', () => {
  it('K2: are refused in one and the same way, whatever is wrong with them', async () => {
    const bench = await openHttpBench();
    const { token } = await bench.signUp();
    const wrong = [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      `Basic ${token}`,
      `Bearer ${token}x`,
      `Bearer ${token.slice(0, -1)}`,
      'Bearer lm_sk_live_x',
    ];
    const answers = await Promise.all(
      wrong.map((authorization) => bench.ask('GET', '/v1/account', { headers: authorization === undefined ? {} : { authorization } })),
    );
    const [first] = answers;
    for (const { status, headers, body } of answers) {
      expect(status).toBe(401);
      expect(headers.get('www-authenticate')).toBe('Bearer');
      expect({ ...body, requestId: '' }).toEqual({ ...first?.body, requestId: '' });
    }
    expect(first?.body['error']).toBe('unauthorized');
  });

  it('are needed by every route of /v1 but sign-up', async () => {
    const bench = await openHttpBench();
    const { body } = await bench.ask('GET', '/openapi.json');
    const paths = Object.entries(body['paths'] as Record<string, Record<string, unknown>>).filter(([path]) => path.startsWith('/v1/'));
    expect(paths.length).toBeGreaterThan(10);
    for (const [path, methods] of paths)
      for (const method of Object.keys(methods)) {
        const { status } = await bench.ask(method.toUpperCase(), path.replace(/\{\w+\}/g, 'x'));
        expect({ path, method, status }).toEqual({ path, method, status: path === '/v1/signup' ? 201 : 401 });
      }
  });
});
