import { describe, expect, it } from 'vitest';
import { REQUEST_BYTES_MAX } from '../../src/model/limits.ts';
import { openHttpBench } from './http-bench.ts';

const FROM_HERE = { remoteAddress: '127.0.0.1' };

describe('D4: a web page', () => {
  it.each(['http://127.0.0.1:7070', 'http://localhost:7070', 'http://[::1]:7070', 'http://LOCALHOST', 'http://localhost.:7070'])(
    'aside, %s is a name of this server',
    async (base) => {
      const bench = await openHttpBench();
      expect(await bench.ask('GET', '/', { ...FROM_HERE, base })).toMatchObject({ status: 200 });
    },
  );

  it.each(['http://rebound.example:7070', 'http://127.0.0.1.rebound.example', 'http://192.0.2.7:7070', 'http://localhost.rebound.example'])(
    'cannot come in by another name: %s',
    async (base) => {
      const bench = await openHttpBench();
      const { status, body } = await bench.ask('POST', '/v1/signup', { ...FROM_HERE, base });
      expect({ status, error: body['error'] }).toEqual({ status: 403, error: 'host_not_allowed' });
      expect(body['requestId']).toMatch(/^req_/);
    },
  );

  it('cannot be what calls from another machine: such a caller may use any name of the server', async () => {
    const bench = await openHttpBench();
    expect(await bench.ask('GET', '/', { remoteAddress: '10.0.0.9', base: 'http://shoal.internal:7070' })).toMatchObject({ status: 200 });
  });

  it('is no matter for a name the operator gave, or for probes that come by address', async () => {
    const bench = await openHttpBench({ settings: { publicHosts: ['Mail.example.com', '[2001:db8::1]:443'] } });
    for (const base of ['http://mail.example.com:7070', 'https://mail.example.com', 'http://[2001:db8::1]:7070'])
      expect(await bench.ask('GET', '/', { ...FROM_HERE, base })).toMatchObject({ status: 200 });
    for (const path of ['/health', '/ready'])
      expect(await bench.ask('GET', path, { ...FROM_HERE, base: 'http://10.0.0.5:7070' })).toMatchObject({ status: 200 });
  });

  it.each(['https://evil.example', 'http://127.0.0.1:3000', 'null', 'http://localhost:3000', 'http://127.0.0.1.evil.example:7070', ''])(
    'of origin %j may not use the server, not even through a program around it',
    async (origin) => {
      const bench = await openHttpBench();
      for (const asking of [FROM_HERE, {}]) {
        const answer = await bench.ask('POST', '/v1/signup', { ...asking, headers: { origin } });
        expect(answer).toMatchObject({ status: 403, body: { error: 'origin_not_allowed' } });
        expect(answer.headers.get('access-control-allow-origin')).toBeNull();
      }
    },
  );

  it('of our own may, also when TLS ends in front of us', async () => {
    const bench = await openHttpBench({ settings: { publicHosts: ['mail.example.com'] } });
    expect(await bench.ask('GET', '/', { ...FROM_HERE, headers: { origin: 'http://127.0.0.1:7070' } })).toMatchObject({ status: 200 });
    const proxied = { ...FROM_HERE, base: 'http://mail.example.com', headers: { origin: 'https://mail.example.com' } };
    expect(await bench.ask('GET', '/', proxied)).toMatchObject({ status: 200 });
  });

  it('gets no permission from a preflight', async () => {
    const bench = await openHttpBench();
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
    const answer = await bench.ask('OPTIONS', '/v1/emails/send', { ...FROM_HERE, headers });
    expect(answer.status).toBe(403);
    expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});

describe('a request', () => {
  it('is answered with an id of its own, whether it went well or not', async () => {
    const bench = await openHttpBench();
    const answers = [await bench.ask('GET', '/'), await bench.ask('GET', '/v1/account'), await bench.ask('GET', '/nowhere')];
    const ids = answers.map(({ headers }) => headers.get('x-request-id'));
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^req_[0-9a-z]{20}$/);
    expect(answers[1]?.body['requestId']).toBe(ids[1]);
  });

  it('leaves its token and its query out of the log', async () => {
    const bench = await openHttpBench();
    await bench.ask('GET', '/v1/account?token=canary-in-query', { token: 'canary-in-header' });
    expect(bench.logged.join('\n')).toContain('/v1/account');
    expect(bench.logged.join('\n')).not.toContain('canary');
  });

  it('may have two slashes where one is meant, and one at its end', async () => {
    const bench = await openHttpBench();
    const account = await bench.signUp();
    for (const path of ['//v1/account', '/v1//account', '/v1/account/', '//v1//account//'])
      expect(await account.ask('GET', path)).toMatchObject({ status: 200, body: { id: account.id } });
  });

  it.each([
    ['{"localPart":', 'not JSON'],
    ['localPart=ann', 'not JSON'],
    ['[]', 'must be a JSON object'],
    ['null', 'must be a JSON object'],
    ['"ann"', 'must be a JSON object'],
    [new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'not UTF-8'],
  ])('with the body %j is malformed', async (rawBody, fault) => {
    const account = await (await openHttpBench()).signUp();
    const { status, body } = await account.ask('POST', '/v1/inboxes', { rawBody });
    expect({ status, error: body['error'] }).toEqual({ status: 400, error: 'bad_request' });
    expect(body['message']).toContain(fault);
  });

  it("is not quoted back when it is no JSON, since it may be somebody's mail", async () => {
    const account = await (await openHttpBench()).signUp();
    const { body } = await account.ask('POST', '/v1/inboxes', { rawBody: '{"text": canary}' });
    expect(JSON.stringify(body)).not.toContain('canary');
  });

  it('takes an empty body with any content type for no body', async () => {
    const account = await (await openHttpBench()).signUp();
    for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded'])
      expect(await account.ask('POST', '/v1/inboxes', { rawBody: '', headers: { 'content-type': type } })).toMatchObject({ status: 201 });
  });

  it('may be as large as the limit and no larger, whether it says its size or not', async () => {
    const account = await (await openHttpBench()).signUp();
    const padded = (sizeBytes: number): Uint8Array<ArrayBuffer> => {
      const bytes = new Uint8Array(sizeBytes).fill(0x20);
      bytes.set([0x7b, 0x7d]);
      return bytes;
    };
    const ask = (sizeBytes: number, saidBytes?: number) =>
      account.ask('POST', '/v1/inboxes', {
        rawBody: padded(sizeBytes),
        headers: saidBytes === undefined ? {} : { 'content-length': `${saidBytes}` },
      });
    expect(await ask(REQUEST_BYTES_MAX)).toMatchObject({ status: 201 });
    expect(await ask(REQUEST_BYTES_MAX + 1)).toMatchObject({ status: 413, body: { error: 'too_large' } });
    expect(await ask(2, REQUEST_BYTES_MAX + 1)).toMatchObject({ status: 413 });
    expect(await ask(REQUEST_BYTES_MAX + 1, 2)).toMatchObject({ status: 413 });
  });

  it('may be nested without end', async () => {
    const account = await (await openHttpBench()).signUp();
    const deep = 200_000;
    const object = `${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}`;
    const array = `{"name":${'['.repeat(deep)}${']'.repeat(deep)}}`;
    const { status, body } = await account.ask('POST', '/v1/inboxes', { rawBody: object });
    expect({ status, warnings: body['warnings'] }).toEqual({ status: 201, warnings: ['unknown field ignored: a'] });
    expect(await account.ask('POST', '/v1/inboxes', { rawBody: array })).toMatchObject({ status: 400 });
  });

  it('names at most twenty unknown fields, and none at full length', async () => {
    const account = await (await openHttpBench()).signUp();
    const fields = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`${n}${'x'.repeat(1_000)}`, 1]));
    const { body } = await account.ask('POST', '/v1/inboxes', { body: fields });
    expect(body['warnings']).toHaveLength(20);
    expect(JSON.stringify(body['warnings']).length).toBeLessThan(20 * 200);
  });

  it('names what it does not know in a query as well', async () => {
    const account = await (await openHttpBench()).signUp();
    expect((await account.ask('GET', '/v1/inboxes?limt=5')).body).toMatchObject({
      data: [],
      warnings: ['unknown field ignored: limt (did you mean limit?)'],
    });
  });
});

describe('a route that is not there', () => {
  it.each([
    ['GET', '/v1/email', 'The nearest route is GET /v1/emails.'],
    ['POST', '/v1/sign-up', 'The nearest route is POST /v1/signup.'],
    ['GET', '/v1/deadletters', 'The nearest route is GET /v1/dead-letters.'],
    ['POST', '/v1/inbox/ibx_1/send', 'The nearest route is POST /v1/inboxes/:id/send.'],
    ['GET', '/wp-login.php', 'GET / names the entry points.'],
  ])('%s %s is told the nearest one', async (method, path, hint) => {
    const bench = await openHttpBench();
    expect(await bench.ask(method, path)).toMatchObject({ status: 404, body: { error: 'not_found', retryable: false, hint } });
  });

  it('but for its method is told which it takes', async () => {
    const bench = await openHttpBench();
    const answer = await bench.ask('PUT', '/v1/inboxes/ibx_1');
    expect(answer).toMatchObject({ status: 405, body: { error: 'method_not_allowed', hint: 'Use GET, PATCH or DELETE here.' } });
    expect(answer.headers.get('allow')).toBe('GET, PATCH, DELETE, HEAD, OPTIONS');
  });

  it('is not quoted at any length', async () => {
    const bench = await openHttpBench();
    const { body } = await bench.ask('GET', `/${'x'.repeat(10_000)}`);
    expect(JSON.stringify(body).length).toBeLessThan(600);
  });
});

describe('the state of the server', () => {
  it('is told without a token', async () => {
    const bench = await openHttpBench();
    expect(await bench.ask('GET', '/')).toMatchObject({ status: 200, body: { name: 'shoal', version: '0.0.0-test' } });
    expect(await bench.ask('HEAD', '/health')).toMatchObject({ status: 200 });
    expect(await bench.ask('GET', '/health')).toMatchObject({ status: 200, body: { status: 'healthy', problems: [] } });
    expect(await bench.ask('GET', '/ready')).toMatchObject({ status: 200, body: { status: 'ready' } });
  });

  it('is not ready without its ledger, and lives all the same', async () => {
    const bench = await openHttpBench({
      decorate: (deps) => ({ ledger: { ...deps.ledger, stats: () => Promise.reject(new Error('gone')) } }),
    });
    expect(await bench.ask('GET', '/ready')).toMatchObject({ status: 503, body: { problems: ['the ledger does not answer'] } });
    expect(await bench.ask('GET', '/health')).toMatchObject({ status: 200 });
  });

  it('has its own problems named', async () => {
    const bench = await openHttpBench({ decorate: () => ({ health: () => ({ ok: false, problems: ['no worker runs'] }) }) });
    expect(await bench.ask('GET', '/health')).toMatchObject({ status: 200, body: { status: 'degraded', problems: ['no worker runs'] } });
    expect(await bench.ask('GET', '/ready')).toMatchObject({ status: 503, body: { problems: ['no worker runs'] } });
  });

  it('is not ready while it stops, and sends callers elsewhere with 503', async () => {
    const bench = await openHttpBench({ decorate: () => ({ isStopping: () => true }) });
    expect(await bench.ask('GET', '/ready')).toMatchObject({ status: 503, body: { problems: ['the server is stopping'] } });
    expect(await bench.ask('POST', '/v1/signup')).toMatchObject({ status: 503, body: { error: 'shutting_down', retryable: true } });
    expect(await bench.ask('GET', '/health')).toMatchObject({ status: 200 });
  });
});

describe('the description', () => {
  it('is OpenAPI made from the routes, with their schemas as callers write them', async () => {
    const bench = await openHttpBench();
    const { body } = await bench.ask('GET', '/openapi.json');
    expect(body).toMatchObject({
      openapi: '3.1.0',
      paths: {
        '/v1/emails/send': {
          post: {
            security: [{ token: ['send'] }],
            requestBody: {
              content: {
                'application/json': { schema: { required: ['to', 'subject'], properties: { onDoubt: { enum: ['hold', 'resend'] } } } },
              },
            },
            responses: { 202: expect.anything() },
          },
        },
        '/v1/inboxes/{id}': { get: { parameters: [{ name: 'id', in: 'path', required: true }] } },
        '/v1/signup': { post: { security: [] } },
      },
    });
  });
});
