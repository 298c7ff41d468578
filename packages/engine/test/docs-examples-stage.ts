/**
 * The world that examples run in: a real engine in this process, three mail servers (one takes mail, one refuses everybody,
 * one hangs up after the last byte), and what the examples take for granted: `mail`, `inbox`, `email`, `dead`, `doubt` and so on.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as sdk from '@shoal/sdk';
import * as shoal from 'shoal';
import ts from 'typescript';
import { cut, openScriptedSmtpServer, say } from '../src/testing/index.ts';

export interface Stage {
  readonly url: string;
  readonly home: string;
  /** An operator's. */
  readonly token: string;
  /** Compiles and runs an example, with what it imports and what its reader has at hand. */
  run(code: string): Promise<void>;
  /** What the examples printed since the last look. */
  printed(): string[];
  close(): Promise<void>;
}

/** As the comments of the SDK take it for granted; the compiler reads it before each example. */
export const AT_HAND = `
import { Shoal, ShoalError, tokenFilePath, readToken, saveToken } from '@shoal/sdk';
import type { Email, Inbox, JobForReview, Operation } from '@shoal/sdk';
declare const mail: Shoal, inbox: Inbox, email: Email, dead: JobForReview, doubt: JobForReview, operation: Operation;
declare const id: string, token: string;
`;

const MAIL = { to: 'ann@example.com', subject: 'Hello', text: 'Hi' };

export async function openStage(): Promise<Stage> {
  const home = mkdtempSync(join(tmpdir(), 'shoal-examples-'));
  const refuses = [say('550 5.1.1 no such user here')];
  const servers = [
    await openScriptedSmtpServer(),
    await openScriptedSmtpServer({ rcpt: refuses }),
    await openScriptedSmtpServer({ dot: cut }),
  ];
  const [takes, refusing, cutting] = servers.map(({ port }) => `smtp://127.0.0.1:${port}`);
  const engine = await shoal.openEngine(
    shoal.configOf({
      dataDir: join(home, 'stage'), // not `.shoal`, which an example may open itself
      http: '127.0.0.1:0',
      log: 'silent',
      transport: takes,
      senders: { refusing: { transport: refusing }, cutting: { transport: cutting } },
    }),
  );
  await engine.start();
  const mail = await sdk.Shoal.create({ fetch: engine.fetch });
  const inbox = await mail.createInbox({ localPart: 'outreach-worker' });
  const atHand = await thingsAtHand(mail, inbox);
  const printed: string[] = [];
  const console = {
    log: (...words: unknown[]) => printed.push(words.join(' ')),
    error: (...words: unknown[]) => printed.push(words.join(' ')),
  };
  return {
    url: engine.url ?? '',
    home,
    token: mail.token() ?? '',
    async run(code) {
      const things = { ...sdk, ...(await atHand(code)), console };
      await runModule(code, things);
    },
    printed: () => printed.splice(0),
    async close() {
      await engine.close();
      await Promise.all(servers.map((server) => server.close()));
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Made anew for an example that names it, since the one before may have used it up. */
async function thingsAtHand(mail: sdk.Shoal, inbox: sdk.Inbox) {
  const unlucky = await mail.createInbox({ sender: 'refusing' });
  const doubtful = await mail.createInbox({ sender: 'cutting' });
  const end = async (from: sdk.Inbox): Promise<string> => {
    const email = await from.send({ ...MAIL, allowDuplicate: true });
    await email.waitUntilSent({ timeoutMs: 15_000 }).catch(() => {});
    return email.id;
  };
  await mail.createInbox({ localPart: 'reports' });
  const newest = async (list: sdk.List<sdk.JobForReview>, emailId: string): Promise<sdk.JobForReview> => {
    for await (const job of list) if (job.emailId === emailId) return job;
    throw new Error(`${emailId} is not in the list`);
  };
  return async (code: string): Promise<Record<string, unknown>> => {
    const names = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(code);
    const bulk = { transport: 'smtps://user:password@smtp.example.com' };
    if (names('bulk')) await mail.senders.remove('bulk').catch(() => {}); // as the example before left it
    if (names('bulk') && !names('add')) await mail.senders.add('bulk', bulk);
    return {
      mail,
      inbox: names('delete') || names('deleteInbox') ? await mail.createInbox() : inbox,
      token: mail.token(),
      ...(names('cancel') && { email: await inbox.send({ ...MAIL, sendAt: Date.now() + 3_600_000, allowDuplicate: true }) }),
      ...(names('email') && !names('cancel') && { email: await inbox.send({ ...MAIL, allowDuplicate: true }) }),
      ...(names('dead') && { dead: await newest(mail.deadLetters(), await end(unlucky)) }),
      ...(names('doubt') && { doubt: await newest(mail.doubts(), await end(doubtful)) }),
      ...(names('operation') && /operation\.|operation\(/.test(code) && (await operationAtHand(mail, code))),
      ...(names('revokeToken') && { id: (await mail.createToken()).id }),
      ...(/mail\.email\(id/.test(code) && { id: (await inbox.send({ ...MAIL, allowDuplicate: true })).id }),
    };
  };
}

async function operationAtHand(mail: sdk.Shoal, code: string): Promise<Record<string, unknown>> {
  if (/requeueAll|purge\(/.test(code)) return {};
  const operation = await mail.requeueAll({ reason: 'poison' });
  return { operation, id: operation.id };
}

const MODULES: Readonly<Record<string, object>> = { '@shoal/sdk': sdk, shoal };

/** As a module of its own: what it declares hides what is at hand. */
async function runModule(code: string, things: Readonly<Record<string, unknown>>): Promise<void> {
  const imported: Record<string, unknown> = {};
  const rest = code.replace(/^import (?:type )?\{([^}]*)\} from '([^']+)';$/gm, (line, names: string, from: string) => {
    const module = MODULES[from] as Readonly<Record<string, unknown>> | undefined;
    if (module === undefined) throw new Error(`an example imports ${from}: ${line}`);
    for (const name of names.split(',').map((each) => each.trim())) if (!name.startsWith('type ')) imported[name] = module[name];
    return '';
  });
  const { outputText } = ts.transpileModule(rest, { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } });
  const all = { ...things, ...imported };
  const AsyncFunction = Object.getPrototypeOf(runModule).constructor as new (...words: string[]) => (...values: unknown[]) => Promise<void>;
  await new AsyncFunction(...Object.keys(all), `{${outputText}\n}`)(...Object.values(all));
}
