import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Shoal } from '@shoal/sdk';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { watchedTerminal, type WatchedTerminal } from './cli-terminal.ts';

/** The whole program, as it is started by one command: server, worker, one SQLite file; mail is captured. */
let home: string;
let serving: { readonly terminal: WatchedTerminal; readonly end: Promise<number> };
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'shoal-switch-'));
  vi.stubEnv('HOME', home);
  const terminal = watchedTerminal({ cwd: home });
  serving = { terminal, end: runProgram(['serve', '--http', '127.0.0.1:0', '--data-dir', join(home, 'data'), '--log', 'error'], terminal) };
  await terminal.saw('ready\n');
  vi.stubEnv('SHOAL_URL', /^shoal {2}(\S+)$/m.exec(terminal.printed())?.[1]);
});
afterEach(async () => {
  serving.terminal.stop();
  await serving.end;
  vi.unstubAllEnvs();
  await rm(home, { recursive: true });
});

async function shoal(...args: readonly string[]) {
  const terminal = watchedTerminal({ columns: 200 });
  const exit = await runProgram(args, terminal);
  return { exit, printed: terminal.printed(), complained: terminal.complained() };
}

/** An agent in an account of its own, with an inbox. */
async function hire() {
  const operator = await Shoal.create();
  const { token, id, account } = await operator.createToken({ ownAccount: true, caps: { perHour: 3 } });
  const mail = await Shoal.create({ token });
  const inbox = await mail.createInbox({ localPart: 'worker' });
  let count = 0;
  const send = () => inbox.send({ to: 'ann@example.com', subject: `Mail ${++count}`, text: 'Hello' });
  return { id, account, mail, inbox, send };
}

it('P7: with shoal stop the agent sends nothing more, and cannot start itself again', async () => {
  const agent = await hire();
  await (await agent.send()).waitUntilSent();
  const stopped = await shoal('stop', agent.account, '--note', 'It writes nonsense.');
  expect(stopped.exit).toBe(0);
  expect(stopped.printed).toContain(`Account ${agent.account} is stopped: new mail is refused, and what is queued stays where it is`);
  expect(stopped.printed).toContain('It writes nonsense. (operator tok_');
  await expect(agent.send()).rejects.toMatchObject({ code: 'sending_stopped', status: 403, retryable: false });
  await expect(agent.mail.start()).rejects.toMatchObject({ code: 'forbidden' });
  const started = await shoal('start', agent.account, '--json');
  expect(JSON.parse(started.printed)).toEqual({ id: agent.account, holds: [], done: 'start' });
  await (await agent.send()).waitUntilSent();
  await (await agent.send()).waitUntilSent();
  const last = await agent.send().catch((error: unknown) => error);
  expect(last).toMatchObject({ code: 'budget_used_up', status: 429, retryAfterMs: expect.any(Number) });
});

it('a mail of a paused inbox waits until shoal resume, and shoal status says what for', async () => {
  const agent = await hire();
  expect(await shoal('pause', agent.inbox.address, '--note', 'Until Monday.')).toMatchObject({ exit: 0 });
  const email = await agent.send();
  expect(email).toMatchObject({ status: 'queued', forecast: { at: null, kind: 'pause' }, budget: [{ of: agent.id, used: 1, left: 2 }] });
  expect((await email.refresh()).waiting).toMatchObject({ at: null, kind: 'pause', because: expect.stringContaining('Until Monday.') });
  expect(await shoal('resume', agent.inbox.address)).toMatchObject({
    exit: 0,
    printed: `Inbox ${agent.inbox.id} is resumed: its mail goes on.\n`,
  });
  await email.waitUntilSent();
});

it('the operator sees what waits in a send of its own', async () => {
  expect(
    await shoal('send', '--from', 'boss', '--to', 'ann@example.com', '--subject', 'One', '--text', 'Hi', '--priority', 'high'),
  ).toMatchObject({ exit: 0 });
  await shoal('pause', 'boss@shoal.localhost');
  const { printed } = await shoal('send', '--from', 'boss', '--to', 'ann@example.com', '--subject', 'Two', '--text', 'Hi');
  expect(printed).toMatch(/^ {2}waits {2}for a person: inbox ibx_\w+ is held: No reason was given\. \(operator tok_\w+\)$/m);
  expect((await shoal('stop', 'nobody@shoal.localhost')).exit).toBe(1);
  expect(await shoal('send', '--to', 'ann@example.com', '--subject', 'x', '--text', 'x', '--priority', 'urgent')).toMatchObject({
    exit: 1,
  });
});
