import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { domainToASCII } from 'node:url';
import PostalMime, { type Email } from 'postal-mime';
import { expect, onTestFinished } from 'vitest';
import { configOf } from '../../src/config/check.ts';
import { openEngine } from '../../src/engine.ts';
import type { Log } from '../../src/ports/log.ts';
import { openScriptedSmtpServer, type ReceivedMail, say } from '../../src/testing/scripted-smtp-server.ts';
import type { Json } from './http-bench.ts';

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

export const FROM = 'agent@shoal.localhost';
export const MAIL = { from: FROM, to: 'bob@example.net', subject: 'Hello', text: 'Hello, Bob' } as const;

export interface HostileBench {
  /** What a stranger could not know: the id of the agent's inbox. */
  readonly inbox: string;
  ask(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<HostileAnswer>;
  /** Sends, and gives what came of it: a refusal, or the one mail that arrived. */
  attempt(mail: Json): Promise<Attempt>;
  /** Nothing of what was refused is anywhere: not in a list, not in the queue, not at the mail server. */
  expectNothing(): Promise<void>;
}

export interface HostileAnswer {
  readonly status: number;
  readonly body: Json;
}

export type Attempt =
  | { readonly kind: 'refused'; readonly status: number; readonly body: Json }
  | {
      readonly kind: 'arrived';
      readonly mail: ReceivedMail;
      readonly parsed: Email;
      readonly head: readonly string[];
      readonly warnings: unknown;
    };

/** The whole engine, and a mail server on a socket that records every byte and repairs none. */
export async function openHostileBench(): Promise<HostileBench> {
  const peer = await openScriptedSmtpServer({ ehlo: say('250-peer.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8') });
  const dataDir = mkdtempSync(join(tmpdir(), 'shoal-hostile-'));
  const transport = `smtp://127.0.0.1:${peer.port}?tls=off`;
  const engine = await openEngine(configOf({ dataDir, http: 'off', diskFloorMb: 0, transport }), { log: SILENT });
  await engine.start();
  let accepted = 0;
  onTestFinished(async () => {
    await engine.close();
    await peer.close();
    rmSync(dataDir, { recursive: true });
    // Whatever a test sent: as many mails as were accepted, and a stream that every server reads in the same way (S4).
    expect(peer.mails).toHaveLength(accepted);
    expect(peer.log.filter((entry) => /^\d+ MAIL /.test(entry))).toHaveLength(accepted);
    expect(peer.clearText).not.toMatch(/\r(?!\n)|(?<!\r)\n|\0/);
  });

  let token: string | undefined;
  const ask: HostileBench['ask'] = async (method, path, body, headers = {}) => {
    const request = new Request(`http://127.0.0.1${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const response = await engine.fetch(request);
    return { status: response.status, body: (await response.json()) as Json };
  };
  token = String((await ask('POST', '/v1/signup')).body['token']);
  const inbox = String((await ask('POST', '/v1/inboxes', { localPart: 'agent' })).body['id']);

  return {
    inbox,
    ask,
    async attempt(mail) {
      const { status, body } = await ask('POST', '/v1/emails/send', { allowDuplicate: true, ...mail });
      if (status !== 202) return { kind: 'refused', status, body };
      accepted += 1;
      await peer.until(`mail ${accepted} arrives`, () => peer.mails.length >= accepted);
      const arrived = peer.mails[accepted - 1] as ReceivedMail;
      expect(arrived.bytes.includes(String(body['messageId']))).toBe(true);
      const parsed = await PostalMime.parse(arrived.bytes);
      return { kind: 'arrived', mail: arrived, parsed, head: headerNames(arrived.bytes), warnings: body['warnings'] };
    },
    async expectNothing() {
      expect((await ask('GET', '/v1/emails')).body['data']).toEqual([]);
      expect((await ask('GET', '/v1/captured')).body['data'] ?? []).toEqual([]);
      expect(peer.log).toEqual([]);
    },
  };
}

/** Every line of the header that is not a continuation begins a field, as a receiving server sees it. */
function headerNames(bytes: Buffer): readonly string[] {
  const wire = bytes.toString('latin1');
  return wire
    .slice(0, wire.indexOf('\r\n\r\n'))
    .split('\r\n')
    .filter((line) => !/^[ \t]/.test(line))
    .map((line) => line.slice(0, line.indexOf(':')));
}

/** The fields of the engine's own; `more` are those a request asked for. */
export function expectOnlyAskedFor({ head }: { readonly head: readonly string[] }, more: readonly string[] = []): void {
  const ours = ['Date', 'From', 'To', 'Message-ID', 'MIME-Version', 'Content-Type'];
  const may = ['Subject', 'Content-Transfer-Encoding'];
  expect(head.filter((name) => !may.includes(name)).sort()).toEqual([...ours, ...more].sort());
  expect(new Set(head).size).toBe(head.length);
}

/** The same envelope as was asked for, and every address once. */
export function expectEnvelope({ mail }: { readonly mail: ReceivedMail }, recipients: readonly string[]): void {
  expect({ from: mail.from, to: [...mail.to].sort() }).toEqual({ from: FROM, to: [...recipients].sort() });
}

/** Domains go out in A-labels, whose look nobody takes for another's. */
export function inALabels(address: string): string {
  const at = address.lastIndexOf('@') + 1;
  return address.slice(0, at) + domainToASCII(address.slice(at));
}
