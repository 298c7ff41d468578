import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { configOf } from '../../src/config/check.ts';
import { type EngineParts, openEngine } from '../../src/engine.ts';
import type { Log } from '../../src/ports/log.ts';
import { type Answer, type Json, openHttpBench } from './http-bench.ts';

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };
const MAIL = { from: 'ann@shoal.localhost', to: 'bob@example.net', text: 'Hello' };
const mails = (count: number): Json[] => Array.from({ length: count }, (_, n) => ({ ...MAIL, subject: `Mail ${n}` }));
const itemsOf = ({ body }: Pick<Answer, 'body'>): readonly Json[] => body['data'] as readonly Json[];

async function openSender() {
  const bench = await openHttpBench();
  const account = await bench.signUp();
  await account.openInbox('ann');
  const batch = (emails: unknown, key?: string) =>
    account.ask('POST', '/v1/emails/batch', { body: { emails }, headers: key === undefined ? {} : { 'idempotency-key': key } });
  return { bench, account, batch };
}

describe('a batch', () => {
  it('judges each mail by itself, and says of each what became of it', async () => {
    const { bench, batch } = await openSender();
    const [good, other] = mails(2);
    const answer = await batch([
      good,
      { ...other, to: 'nobody' },
      'mail',
      { ...other, from: 'eve@shoal.localhost' },
      { ...other, texts: 'x' },
      null,
    ]);
    expect(answer).toMatchObject({ status: 202, body: { accepted: 2, refused: 4 } });
    expect(itemsOf(answer)).toMatchObject([
      { index: 0, ok: true, status: 'queued', deduplicated: false, id: expect.stringMatching(/^eml_/), forecast: {}, budget: [] },
      { index: 1, ok: false, error: 'refused_value', retryable: false, hint: expect.any(String), details: { 'to.0': expect.any(String) } },
      { index: 2, ok: false, error: 'bad_request', message: expect.stringContaining('must be an object') },
      { index: 3, ok: false, error: 'forbidden' },
      { index: 4, ok: true, warnings: ['unknown field ignored: texts (did you mean text?)'] },
      { index: 5, ok: false, error: 'bad_request' },
    ]);
    expect((await bench.ledger.list({ max: 10 })).jobs).toHaveLength(2);
  });

  it('is refused as a whole when it is none', async () => {
    const { batch } = await openSender();
    for (const emails of [undefined, null, [], 'x', { 0: MAIL }]) expect(await batch(emails)).toMatchObject({ status: 400 });
    expect(await batch(mails(101))).toMatchObject({ status: 422, body: { details: { emails: expect.stringContaining('100') } } });
    expect(await batch(mails(1), 'k'.repeat(254))).toMatchObject({
      status: 400,
      body: { details: { 'Idempotency-Key': expect.any(String) } },
    });
    expect(await batch(mails(1), 'k'.repeat(253))).toMatchObject({ status: 202 });
  });

  it('gives each mail a key from that of the batch, but for one that brings its own', async () => {
    const { account, batch } = await openSender();
    const [first, second] = mails(2);
    const answer = await batch([first, { ...second, idempotencyKey: 'mine' }], 'batch-1');
    const single = (body: Json | undefined, key: string) =>
      account.ask('POST', '/v1/emails/send', { body, headers: { 'idempotency-key': key } });
    const again = [await single(first, 'batch-1/0'), await single(second, 'mine')];
    expect(again.map(({ body }) => [body['id'], body['deduplicated']])).toEqual(itemsOf(answer).map(({ id }) => [id, true]));
    const changed = await batch([{ ...first, text: 'Ho' }, second], 'batch-1');
    expect(itemsOf(changed)).toMatchObject([
      { ok: false, error: 'key_reused', differs: ['text'] },
      { ok: true, deduplicated: false },
    ]);
  });

  it('takes two equal mails without keys for one, as two single sends would be', async () => {
    const { batch } = await openSender();
    const [mail] = mails(1);
    const answer = await batch([mail, mail, { ...mail, allowDuplicate: true }]);
    expect(new Set(itemsOf(answer).map(({ id }) => id)).size).toBe(2);
  });

  it('answers an error that nobody foresaw in the place of its own mail, and tells only the log what it was', async () => {
    const bench = await openHttpBench({
      decorate: ({ submit }) => ({
        submit: {
          async submit(request) {
            if (request.subject === 'Mail 1') throw new TypeError('the private reason');
            return submit.submit(request);
          },
        },
      }),
    });
    const account = await bench.signUp();
    await account.openInbox('ann');
    const answer = await account.ask('POST', '/v1/emails/batch', { body: { emails: mails(3) } });
    const requestId = answer.headers.get('x-request-id');
    expect(answer).toMatchObject({ status: 202, body: { accepted: 2, refused: 1 } });
    expect(itemsOf(answer)).toMatchObject([
      { ok: true, status: 'queued' },
      { ok: false, error: 'internal_error', retryable: true, hint: expect.any(String), requestId },
      { ok: true, status: 'queued' },
    ]);
    expect((await bench.ledger.list({ max: 10 })).jobs).toHaveLength(2);
    expect(JSON.stringify(answer.body)).not.toContain('private');
    const told = bench.logged.filter((line) => line.includes('the private reason'));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(`"requestId":"${requestId}"`);
  });

  it('counts against a cap mail by mail, and refuses those beyond it', async () => {
    const { bench, account } = await openSender();
    const { body: made } = await account.ask('POST', '/v1/tokens', { body: { caps: { perHour: 3 } } });
    const answer = await bench.ask('POST', '/v1/emails/batch', { token: String(made['token']), body: { emails: mails(5) } });
    expect(answer.body).toMatchObject({ accepted: 3, refused: 2 });
    expect(itemsOf(answer).filter(({ ok }) => ok === false)).toMatchObject([
      { error: 'budget_used_up', retryable: true },
      { error: 'budget_used_up' },
    ]);
  });
});

async function openFolder(dataDir: string, parts: EngineParts = {}) {
  const config = configOf({ dataDir, http: 'off', diskFloorMb: 0 });
  const engine = await openEngine(config, { log: SILENT, roles: { http: true, worker: false }, ...parts });
  let token = '';
  const ask = async (path: string, body: Json, headers: Readonly<Record<string, string>> = {}): Promise<{ body: Json }> => {
    const all = { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers };
    const request = new Request(`http://127.0.0.1${path}`, { method: 'POST', headers: all, body: JSON.stringify(body) });
    return { body: (await (await engine.fetch(request)).json()) as Json };
  };
  return {
    engine,
    ask,
    async signUp() {
      token = String((await ask('/v1/signup', {})).body['token']);
      await ask('/v1/inboxes', { localPart: 'ann' });
      return token;
    },
    signIn(as: string) {
      token = as;
    },
  };
}

function newFolder(): string {
  const dataDir = mkdtempSync(join(tmpdir(), 'shoal-batch-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  return dataDir;
}

/** Commit records in the write-ahead log: each is one transaction, and one sync of the disk (sqlite.org/fileformat2.html, 4.1). */
function durableWrites(dataDir: string): number {
  const name = readdirSync(dataDir).find((file) => file.endsWith('-wal'));
  if (name === undefined) throw new Error(`no write-ahead log among ${readdirSync(dataDir).join(', ')}`);
  const wal = readFileSync(join(dataDir, name));
  const [pageBytes, salt] = [wal.readUInt32BE(8), wal.readUInt32BE(16)];
  let commits = 0;
  for (let at = 32; at + 24 + pageBytes <= wal.length; at += 24 + pageBytes)
    if (wal.readUInt32BE(at + 8) === salt && wal.readUInt32BE(at + 4) !== 0) commits += 1;
  return commits;
}

it('makes a hundred mails durable in a few writes, where a hundred sends one after the other take a hundred', async () => {
  const dataDir = newFolder();
  const { engine, ask, signUp } = await openFolder(dataDir);
  await signUp();
  const before = durableWrites(dataDir);
  const { body } = await ask('/v1/emails/batch', { emails: mails(100).map((mail) => ({ ...mail, text: 'Grüße', html: '<p>Grüße' })) });
  const writes = durableWrites(dataDir) - before;
  expect(body).toMatchObject({ accepted: 100, refused: 0 });
  expect(writes).toBeGreaterThan(0);
  expect(writes).toBeLessThanOrEqual(5);
  for (const mail of mails(10)) await ask('/v1/emails/send', { ...mail, text: 'alone' });
  expect(durableWrites(dataDir) - before - writes).toBe(10); // so what is counted is what is meant
  await engine.close();
});

it('is safe to repeat with its key after a crash that left some of it accepted, answered or not', async () => {
  const dataDir = newFolder();
  let asked = 0;
  const crashed = await openFolder(dataDir, {
    decorate: {
      acceptance: (acceptance) => ({
        async accept(submission) {
          asked += 1;
          const turn = asked;
          if (turn > 60) throw new Error('the process is gone');
          const answer = await acceptance.accept(submission);
          if (turn > 30) throw new Error('the process is gone, and the mail is on disk');
          return answer;
        },
      }),
    },
  });
  const token = await crashed.signUp();
  const emails = mails(100);
  const key = { 'idempotency-key': 'newsletter-7' };
  const first = await crashed.ask('/v1/emails/batch', { emails }, key);
  expect(first.body).toMatchObject({ accepted: 30, refused: 70 });
  expect(itemsOf(first).filter(({ ok }) => ok !== true)).toMatchObject(Array(70).fill({ error: 'ledger_unreachable', retryable: true }));
  await crashed.engine.close();

  const { engine, ask, signIn } = await openFolder(dataDir);
  signIn(token);
  const second = await ask('/v1/emails/batch', { emails }, key);
  expect(second.body).toMatchObject({ accepted: 100, refused: 0 });
  expect(itemsOf(second).filter(({ deduplicated }) => deduplicated === true)).toHaveLength(60);
  const third = await ask('/v1/emails/batch', { emails }, key);
  expect(itemsOf(third).map(({ id, deduplicated }) => ({ id, deduplicated }))).toEqual(
    itemsOf(second).map(({ id }) => ({ id, deduplicated: true })),
  );
  expect(new Set(itemsOf(second).map(({ jobId }) => jobId)).size).toBe(100);
  for (const [index, item] of itemsOf(first).entries()) if (item['ok'] === true) expect(itemsOf(second)[index]?.['id']).toBe(item['id']);
  await engine.close();
});
