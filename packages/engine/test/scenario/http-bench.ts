import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { addressFilter } from '../../src/adapters/_shared/address-filter.ts';
import { openSqliteFile } from '../../src/adapters/_shared/sqlite-file.ts';
import { openSqliteLedger } from '../../src/adapters/ledger/sqlite/index.ts';
import { checkTransport } from '../../src/adapters/registry.ts';
import { openSqliteStore, type SqliteStore } from '../../src/adapters/store/sqlite/index.ts';
import { openCaptured, openCaptureTransport } from '../../src/adapters/transport/capture.ts';
import { openFileVault } from '../../src/adapters/vault/file.ts';
import { type App, type AppDeps, type AppSettings, createApp } from '../../src/http/app.ts';
import { senderId, workerId } from '../../src/model/ids.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import { PLAIN_SETTINGS, senderOf } from '../../src/model/sender.ts';
import type { Acceptance } from '../../src/ports/acceptance.ts';
import type { Lease, Ledger } from '../../src/ports/ledger.ts';
import type { Transport } from '../../src/ports/transport.ts';
import { openRoster } from '../../src/send/roster.ts';
import { createSubmit } from '../../src/send/submit.ts';
import { createManualClock, createSeededRandom, type ManualClock } from '../../src/testing/index.ts';
import { heldToItsSchemas } from './http-answer-check.ts';

export type Json = Readonly<Record<string, unknown>>;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Json;
}

export interface Asking {
  readonly token?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is. */
  readonly rawBody?: BodyInit;
  readonly headers?: Readonly<Record<string, string>>;
  /** As if it came over a socket from there. */
  readonly remoteAddress?: string;
  readonly base?: string;
}

/** The HTTP face over ledger and store in one file of a folder of its own; the test moves the clock. */
export interface HttpBench {
  readonly app: App;
  readonly ledger: Ledger;
  readonly store: SqliteStore;
  readonly clock: ManualClock;
  readonly logged: string[];
  ask(method: string, path: string, asking?: Asking): Promise<Answer>;
  /** A new account: its token, and asking with it. An operator's, unless it is asked from an address. */
  signUp(asking?: Pick<Asking, 'remoteAddress'>): Promise<Account>;
  /** Leases the next job and ends its attempt like this; what needs a commit gets one. */
  endNext(outcome: Outcome, note?: string): Promise<Lease>;
  /** Carries the next job with the capture transport. */
  captureNext(): Promise<void>;
}

export interface Account {
  readonly token: string;
  readonly id: string;
  ask(method: string, path: string, asking?: Asking): Promise<Answer>;
  /** A new inbox and its id. */
  openInbox(localPart: string): Promise<string>;
  /** Sends a mail from the inbox and gives its id. */
  send(inbox: string, more?: Json): Promise<string>;
}

export interface BenchOptions {
  readonly settings?: Partial<AppSettings>;
  /** What the API asks and the roster tells, where it is another one than that of the mail. */
  readonly ledger?: (clock: ManualClock) => Ledger;
  /** Internal networks that senders may use. */
  readonly allowCidrs?: readonly string[];
  readonly decorate?: (deps: AppDeps) => Partial<AppDeps>;
}

export async function openHttpBench(options: BenchOptions = {}): Promise<HttpBench> {
  const dir = mkdtempSync(join(tmpdir(), 'shoal-http-'));
  const clock = createManualClock();
  const file = await openSqliteFile(join(dir, 'shoal.db'), { now: () => clock.now() });
  onTestFinished(async () => {
    await file.close();
    rmSync(dir, { recursive: true });
  });
  const random = createSeededRandom(7);
  const store = await openSqliteStore(file);
  const ledger = await openSqliteLedger(file, { keepsPayloads: true, onDropped: store.keepEndNow });
  const acceptance: Acceptance = {
    accept: ({ job, message }) =>
      file.write(() => {
        const [enqueued] = ledger.enqueueNow([job]);
        if (enqueued === undefined) throw new Error('the ledger answered nothing for a job');
        if (enqueued.kind === 'created') store.addMessageNow(message);
        return enqueued;
      }),
  };
  const logged: string[] = [];
  const write = (message: string, fields?: unknown): void => {
    logged.push(`${message} ${JSON.stringify(fields, (_, value: unknown) => (value instanceof Error ? value.stack : value))}`);
  };
  const vault = openFileVault({ path: join(dir, 'secret.key'), hasSealed: async () => (await store.listSenders()).length > 0 });
  const log = { debug: write, info: write, warn: write, error: write };
  const roster = await openRoster({
    configured: [senderOf({ id: senderId('default'), origin: 'config', transport: 'capture:', settings: PLAIN_SETTINGS })],
    store,
    vault,
    ledger: options.ledger?.(clock) ?? ledger,
    open: () => Promise.reject(new Error('nothing is sent here')),
    loginSecret: new Uint8Array(32),
    clock,
    log,
  });
  const capturedDir = join(dir, 'captured');
  const capture = openCaptureTransport({ dir: capturedDir, clock });
  const deps: AppDeps = {
    store,
    senderStore: store,
    operations: store,
    roster,
    vault,
    checkTransport: (url) => checkTransport(url, addressFilter(options.allowCidrs ?? [])),
    ledger: options.ledger?.(clock) ?? ledger,
    submit: createSubmit({ ledger, acceptance, store, clock, random, idSecret: new Uint8Array(32) }),
    captured: openCaptured(capturedDir),
    clock,
    random,
    log,
    settings: { domain: 'shoal.localhost', signup: 'loopback', publicHosts: [], version: '0.0.0-test', ...options.settings },
    health: () => ({ ok: true, problems: [] }),
    isStopping: () => false,
  };
  const app = heldToItsSchemas(createApp({ ...deps, ...options.decorate?.(deps) }));
  const ask = (method: string, path: string, asking: Asking = {}): Promise<Answer> => askApp(app, method, path, asking);
  return {
    app,
    ledger,
    store,
    clock,
    logged,
    ask,
    async signUp(asking = {}) {
      const { body } = await ask('POST', '/v1/signup', asking);
      return accountOf(String(body['token']), String(body['id']), ask);
    },
    endNext: (outcome, note = 'as the test wants it') => endNext(ledger, outcome, note),
    captureNext: () => captureNext(ledger, capture),
  };
}

async function askApp(app: App, method: string, path: string, asking: Asking): Promise<Answer> {
  const { token, body, rawBody, remoteAddress, base = 'http://127.0.0.1:7070' } = asking;
  const headers = new Headers(asking.headers);
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
  if (body !== undefined) headers.set('content-type', 'application/json');
  const sent = rawBody ?? (body === undefined ? undefined : JSON.stringify(body));
  const request = new Request(`${base}${path}`, { method, headers, ...(sent === undefined ? {} : { body: sent }) });
  const response = await app.fetch(request, remoteAddress === undefined ? {} : { remoteAddress });
  const isJson = response.headers.get('content-type') === 'application/json';
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: isJson && text !== '' ? (JSON.parse(text) as Json) : { text } };
}

function accountOf(token: string, id: string, ask: HttpBench['ask']): Account {
  const asOwner: Account['ask'] = (method, path, asking = {}) => ask(method, path, { token, ...asking });
  return {
    token,
    id,
    ask: asOwner,
    async openInbox(localPart) {
      const { body } = await asOwner('POST', '/v1/inboxes', { body: { localPart } });
      return String(body['id']);
    },
    async send(inbox, more = {}) {
      const mail = { to: 'bob@example.net', subject: 'Hello', text: 'Hello, Bob', ...more };
      const { body } = await asOwner('POST', `/v1/inboxes/${inbox}/send`, { body: mail });
      return String(body['id']);
    },
  };
}

async function leaseNext(ledger: Ledger): Promise<Lease> {
  const worker = workerId(`wrk_${'0'.repeat(12)}`);
  const { leases } = await ledger.lease({ worker, kinds: ['send'], max: 1, leaseMs: 60_000, apart: false });
  const [lease] = leases;
  if (lease === undefined) throw new Error('nothing to lease');
  return lease;
}

async function endNext(ledger: Ledger, outcome: Outcome, note: string): Promise<Lease> {
  const lease = await leaseNext(ledger);
  const ref = { jobId: lease.jobId, token: lease.token };
  if (outcome.kind === 'sent' || outcome.kind === 'doubt') await ledger.commit([{ ...ref, nonce: `n${lease.jobId}${lease.token}` }]);
  await ledger.settle([{ ...ref, outcome, note, phase: 'dot', reply: { code: 250, text: 'as scripted' } }]);
  return lease;
}

async function captureNext(ledger: Ledger, capture: Transport): Promise<void> {
  const { jobId, token, messageId, envelope } = await leaseNext(ledger);
  const ref = { jobId, token };
  const [payload = new Uint8Array()] = await ledger.payloads([messageId]);
  const commit = async (): Promise<boolean> => (await ledger.commit([{ ...ref, nonce: `n${jobId}${token}` }]))[0] !== undefined;
  await capture.send({ jobId, messageId, envelope, payload }, commit, new AbortController().signal);
  await ledger.settle([{ ...ref, outcome: { kind: 'sent' }, note: 'captured' }]);
}
