import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openEngine } from '../../src/engine.ts';
import { ROUTES } from '../../src/http/routes/index.ts';
import { TOKEN_SCOPES, type TokenScope } from '../../src/model/tenant.ts';
import { loadConfig } from '../../src/config/load.ts';
import { type Account, type Answer, type Json, openHttpBench } from './http-bench.ts';

const filled = (path: string): string => path.replaceAll(/:\w+/g, 'x');

async function openAgent(body: Json) {
  const bench = await openHttpBench();
  const operator = await bench.signUp();
  const made = await operator.ask('POST', '/v1/tokens', { body });
  const token = String(made.body['token']);
  const ask: Account['ask'] = (method, path, asking = {}) => bench.ask(method, path, { token, ...asking });
  return { bench, operator, made, id: String(made.body['id']), ask };
}

describe('a token', () => {
  it.each(TOKEN_SCOPES)('K2: with the scope %s alone is refused on every route that needs another one, and told which', async (scope) => {
    const { ask } = await openAgent({ scopes: [scope], ownAccount: true });
    const scoped = ROUTES.filter((route) => route.access === 'token');
    expect(new Set(scoped.flatMap((route) => route.scope ?? []))).toEqual(new Set<TokenScope>(TOKEN_SCOPES));
    for (const route of scoped) {
      const answer = await ask(route.method, filled(route.path));
      const isMissing = route.scope !== undefined && route.scope !== scope;
      const detail = (answer.body['details'] as Json | undefined)?.['scope'];
      expect({ route: `${route.method} ${route.path}`, detail }).toEqual({
        route: `${route.method} ${route.path}`,
        detail: isMissing ? `${route.scope} is missing` : undefined,
      });
      if (isMissing) expect(answer).toMatchObject({ status: 403, body: { error: 'forbidden' } });
    }
  });

  it('K2: has a scope named for every route but those that any token may use', () => {
    const unscoped = ROUTES.filter((route) => route.access !== 'open' && route.scope === undefined);
    expect(unscoped.map(({ method, path }) => `${method} ${path}`)).toEqual(['DELETE /v1/tokens/:id']);
  });

  it('K2: that is bound to an inbox finds no other one and no mail of it, and nothing about the whole account', async () => {
    const { bench, operator } = await openAgent({});
    const [mine, other] = [await operator.openInbox('mine'), await operator.openInbox('other')];
    const [own, foreign] = [await operator.send(mine), await operator.send(other)];
    const { body } = await operator.ask('POST', '/v1/tokens', { body: { inboxes: [mine] } });
    const ask = (method: string, path: string, asked: Json = {}): Promise<Answer> =>
      bench.ask(method, path, { token: String(body['token']), ...(method === 'POST' && { body: asked }) });
    expect(((await ask('GET', '/v1/inboxes')).body['data'] as Json[]).map(({ id }) => id)).toEqual([mine]);
    expect(((await ask('GET', '/v1/emails')).body['data'] as Json[]).map(({ id }) => id)).toEqual([own]);
    expect(((await ask('GET', '/v1/emails?status=queued')).body['data'] as Json[]).map(({ id }) => id)).toEqual([own]);
    for (const path of [`/v1/inboxes/${other}`, `/v1/emails/${foreign}`, `/v1/emails/${foreign}/raw`, `/v1/emails?inbox=${other}`])
      expect({ path, status: (await ask('GET', path)).status }).toEqual({ path, status: 404 });
    const mail = { to: 'bob@example.net', subject: 'x', text: 'x' };
    expect(await ask('POST', `/v1/inboxes/${other}/send`, mail)).toMatchObject({ status: 404 });
    expect(await ask('POST', '/v1/emails/send', { from: 'other@shoal.localhost', ...mail })).toMatchObject({ status: 403 });
    expect(await ask('POST', `/v1/emails/${foreign}/cancel`)).toMatchObject({ status: 404 });
    expect(await ask('POST', `/v1/inboxes/${mine}/send`, mail)).toMatchObject({ status: 202 });
    for (const path of ['/v1/inboxes', '/v1/account/stop', '/v1/account/pause'])
      expect({ path, status: (await ask('POST', path)).status }).toEqual({ path, status: 403 });
  });

  it('K2: looks the same when it has expired, was revoked, or never was', async () => {
    const { bench, operator, ask, id, made } = await openAgent({ expiresAt: '2026-01-01T00:10:00Z' });
    expect(made.body).toMatchObject({ expiresAt: '2026-01-01T00:10:00.000Z', scopes: [...TOKEN_SCOPES], inboxes: null });
    expect(await ask('GET', '/v1/account')).toMatchObject({ status: 200 });
    await bench.clock.advance(11 * 60_000);
    const shape = ({ status, body }: Answer): unknown => ({ status, body: { ...body, requestId: '' } });
    const expired = shape(await ask('GET', '/v1/account'));
    expect(expired).toMatchObject({ status: 401, body: { error: 'unauthorized' } });
    expect(await operator.ask('DELETE', `/v1/tokens/${id}`)).toMatchObject({ status: 200, body: { deleted: true, id } });
    expect(shape(await ask('GET', '/v1/account'))).toEqual(expired);
    expect(shape(await bench.ask('GET', '/v1/account', { token: 'shoal_sk_never' }))).toEqual(expired);
  });

  it('K2: may end itself without any scope to do so, and not the token of an operator', async () => {
    const { operator, ask, id, bench } = await openAgent({ scopes: ['manage'] });
    const { body } = await operator.ask('GET', '/v1/account');
    const first = String((body['token'] as Json)['id']);
    expect(await ask('DELETE', `/v1/tokens/${first}`)).toMatchObject({ status: 403, body: { error: 'forbidden' } });
    const reader = await operator.ask('POST', '/v1/tokens', { body: { scopes: ['read'] } });
    const asReader = { token: String(reader.body['token']) };
    expect(await bench.ask('DELETE', `/v1/tokens/${id}`, asReader)).toMatchObject({ status: 403 });
    expect(await bench.ask('DELETE', `/v1/tokens/${String(reader.body['id'])}`, asReader)).toMatchObject({ status: 200 });
    expect(await bench.ask('GET', '/v1/account', asReader)).toMatchObject({ status: 401 });
    expect(await ask('DELETE', `/v1/tokens/${id}`)).toMatchObject({ status: 200 });
    expect(await ask('GET', '/v1/account')).toMatchObject({ status: 401 });
  });

  it('K2: says when it was last used, written down at most once a minute', async () => {
    const { bench, operator, ask, id } = await openAgent({});
    let notes = 0;
    const { noteTokenUse } = bench.store;
    bench.store.noteTokenUse = (token, at) => {
      if (token === id) notes += 1;
      return noteTokenUse(token, at);
    };
    for (let times = 0; times < 5; times += 1) await ask('GET', '/v1/account');
    await bench.clock.advance(59_000);
    await ask('GET', '/v1/account');
    expect(notes).toBe(1);
    await bench.clock.advance(1_000);
    await ask('GET', '/v1/account');
    await expect
      .poll(async () => ((await operator.ask('GET', '/v1/tokens')).body['data'] as Json[]).find((token) => token['id'] === id))
      .toMatchObject({ lastUsedAt: '2026-01-01T00:01:00.000Z' });
    expect(notes).toBe(2);
  });

  it('K1: is in no answer but the first, and each stands once over the pages of the list', async () => {
    const { bench, operator, made } = await openAgent({});
    for (let more = 0; more < 4; more += 1) await operator.ask('POST', '/v1/tokens', { body: {} });
    const seen: unknown[] = [];
    let cursor = '';
    do {
      const { body } = await operator.ask('GET', `/v1/tokens?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      expect(JSON.stringify(body)).not.toContain(String(made.body['token']));
      seen.push(...(body['data'] as Json[]).map(({ id }) => id));
      cursor = String(body['cursor'] ?? '');
    } while (cursor !== '');
    expect(seen).toHaveLength(6);
    expect(new Set(seen).size).toBe(6);
    expect(await operator.ask('GET', '/v1/tokens?cursor=nonsense')).toMatchObject({ status: 400 });
    expect(bench.logged.join()).not.toContain(String(made.body['token']));
  });

  it('K2: that one process revokes is refused by another one within a second', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'shoal-tokens-'));
    const { config } = await loadConfig({
      cwd: dataDir,
      env: { SHOAL_DATA_DIR: dataDir, SHOAL_HTTP: 'off', SHOAL_LOG: 'silent' },
      flags: {},
    });
    const [first, second] = [await openEngine(config), await openEngine(config)];
    onTestFinished(async () => {
      await Promise.all([first.close(), second.close()]);
      rmSync(dataDir, { recursive: true });
    });
    const ask = (engine: typeof first, method: string, path: string, token = ''): Promise<Response> =>
      engine.fetch(new Request(`http://127.0.0.1${path}`, { method, headers: { authorization: `Bearer ${token}` } }));
    const operator = String(((await (await ask(first, 'POST', '/v1/signup')).json()) as Json)['token']);
    const { id, token } = (await (await ask(first, 'POST', '/v1/tokens', operator)).json()) as { id: string; token: string };
    expect((await ask(second, 'GET', '/v1/account', token)).status).toBe(200);
    await ask(first, 'DELETE', `/v1/tokens/${id}`, operator);
    expect((await ask(second, 'GET', '/v1/account', token)).status).toBe(401);
  });
});
