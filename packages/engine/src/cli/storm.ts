import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Email, type Inbox, Shoal, ShoalError } from '@shoal/sdk';
import { configOf } from '../config/check.ts';
import { environmentOf } from '../config/environment.ts';
import { type BenchSink, openBenchSink } from './bench-sink.ts';
import { wholeNumber } from './bench.ts';
import { EXIT } from './exit.ts';
import type { OpenEngine } from './serve.ts';
import { longRun } from './long-run.ts';
import { isRight, type StormMail, type StormSheet, stormSheet, type StormTrace } from './storm-sheet.ts';
import { type StormWorkers, stormWorkers } from './storm-workers.ts';
import type { Terminal } from './terminal.ts';

export interface StormFlags {
  readonly mails?: string;
  readonly kills?: string;
  readonly seed?: string;
  readonly json?: boolean;
}

const WORKERS = 2;
const LEASE_MS = 2_000;
/** The sink thinks this long before a body and after a dot, so that kills do meet mails on both sides of it. */
const DATA_DELAY_MS = 50;
const REPLY_DELAY_MS = 100;
const RATE_PER_SECOND_MAX = 40;
/** Long enough for a killed worker to be back and at work. */
const KILL_EVERY_MS_MIN = 1_500;
/** After so long without any change there will be none. */
const QUIET_MS_MAX = 15_000;
const FINDINGS_MAX = 20;

/** Workers are killed while they send. In the end every acknowledged mail is at the sink once, or is shown as in doubt. */
export async function storm(terminal: Terminal, flags: StormFlags, open: OpenEngine): Promise<number> {
  const mails = wholeNumber('--mails', flags.mails ?? '200', { min: 50, max: 5_000 });
  const kills = wholeNumber('--kills', flags.kills ?? '5', { min: 1, max: 50 });
  const seed = wholeNumber('--seed', flags.seed ?? String(Math.floor(Math.random() * 1_000_000)), { min: 0, max: 2 ** 31 });
  const spanMs = Math.max((mails / RATE_PER_SECOND_MAX) * 1_000, kills * KILL_EVERY_MS_MIN);
  if (flags.json !== true)
    terminal.say(`storm --mails ${mails} --kills ${kills} --seed ${seed}: mail for ${Math.ceil(spanMs / 1_000)} s, then its rest`);

  const dir = await mkdtemp(join(tmpdir(), 'shoal-storm-'));
  const sink = await openBenchSink({ dataDelayMs: DATA_DELAY_MS, replyDelayMs: REPLY_DELAY_MS });
  const seen = watched(sink);
  const transport = `smtp://127.0.0.1:${sink.port}`;
  const more = { http: 'off', log: 'silent', diskFloorMb: 0, leaseMs: LEASE_MS, concurrency: 4, retryScale: 0.01 };
  const config = configOf({ dataDir: dir, transport, senders: { default: { preset: 'none' } }, ...more });
  const engine = await open(config, { roles: { http: true, worker: false } });
  const workers = stormWorkers(WORKERS, environmentOf(config), dir);
  const { killsAt, ownEnds } = workers;
  const blow = async (): Promise<StormSheet> => {
    await workers.ready;
    const inbox = await (await Shoal.create({ fetch: (request) => engine.fetch(request) })).createInbox();
    const [load] = await Promise.all([pacedLoad(inbox, { mails, spanMs }), killAtRandom(workers, { kills, spanMs, seed })]);
    const records = await comeToRest(load.emails);
    return stormSheet({
      ...seen,
      handedIn: mails,
      refused: load.refused,
      mails: records,
      killsAt,
      ownEnds,
      replyDelayMs: REPLY_DELAY_MS,
    });
  };
  try {
    const sheet = await longRun(terminal, () => `${sink.taken()} of ${mails} sent, ${killsAt.length} of ${kills} kills`, blow);
    report(terminal, sheet, { seed, mails, kills, asJson: flags.json === true });
    return sheet.adds ? EXIT.ok : EXIT.failed;
  } finally {
    workers.close();
    await engine.close();
    sink.close();
    await rm(dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** What the sink sees, by recipient: each mail has one of its own. */
function watched(sink: BenchSink): { readonly traces: ReadonlyMap<string, StormTrace>; readonly lostAt: ReadonlyMap<number, number> } {
  const traces = new Map<string, StormTrace>();
  const lostAt = new Map<number, number>();
  sink.events = {
    recipient: (to, connection) => void traces.set(to, { connection, dotsAt: traces.get(to)?.dotsAt ?? [] }),
    dot: (to, connection) => void traces.set(to, { connection, dotsAt: [...(traces.get(to)?.dotsAt ?? []), Date.now()] }),
    lost: (connection) => void lostAt.set(connection, Date.now()),
  };
  return { traces, lostAt };
}

/** Mail after mail over the whole span, so that there is always some under way; one at a time, as the engine here is never killed. */
async function pacedLoad(
  inbox: Inbox,
  { mails, spanMs }: { readonly mails: number; readonly spanMs: number },
): Promise<{ readonly emails: ReadonlyMap<string, Email>; readonly refused: readonly string[] }> {
  const emails = new Map<string, Email>();
  const refused: string[] = [];
  const startedAt = performance.now();
  for (let n = 0; n < mails; n++) {
    const earlyMs = (n * spanMs) / mails - (performance.now() - startedAt);
    if (earlyMs > 1) await sleep(earlyMs);
    const to = `m${n}@example.com`;
    try {
      emails.set(to, await inbox.send({ to, subject: `Storm ${n}`, text: 'It blows.' }));
    } catch (error) {
      refused.push(`${to}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { emails, refused };
}

/** One kill in each of as many parts of the span, at a moment and of a worker that the seed chooses. */
async function killAtRandom(
  workers: StormWorkers,
  { kills, spanMs, seed }: { readonly kills: number; readonly spanMs: number; readonly seed: number },
): Promise<void> {
  const startedAt = performance.now();
  for (let n = 0; n < kills; n++) {
    const atMs = ((n + chance(seed, `moment ${n}`)) * spanMs) / kills;
    await sleep(Math.max(0, atMs - (performance.now() - startedAt)));
    workers.kill(Math.floor(chance(seed, `worker ${n}`) * WORKERS));
  }
}

/** In [0, 1), and the same for the same seed and question. */
function chance(seed: number, question: string): number {
  return createHash('sha256').update(`${seed} ${question}`).digest().readUInt32BE() / 2 ** 32;
}

const OPEN = new Set(['queued', 'sending']);

/** Waits until no mail is open, or nothing changes any more. */
async function comeToRest(emails: ReadonlyMap<string, Email>): Promise<readonly StormMail[]> {
  let open = [...emails];
  const records = new Map<string, StormMail>();
  for (let changedAt = Date.now(); open.length > 0 && Date.now() - changedAt < QUIET_MS_MAX; await sleep(250)) {
    for (const [to, email] of open) records.set(to, await recordOf(to, email));
    const still = open.filter(([to]) => OPEN.has(records.get(to)?.status ?? ''));
    if (still.length < open.length) changedAt = Date.now();
    open = still;
  }
  return [...records.values()];
}

async function recordOf(to: string, email: Email): Promise<StormMail> {
  try {
    const { id, status, jobs } = await email.refresh();
    const ends = jobs.flatMap(({ attempts }) => attempts.map(({ end }) => end));
    return { to, id, status, unsettled: ends.filter((end) => end === 'worker-lost' || end === 'doubt').length };
  } catch (error) {
    if (!(error instanceof ShoalError) || error.code !== 'not_found') throw error;
    return { to, id: email.id, status: 'gone', unsettled: 0 };
  }
}

function report(
  terminal: Terminal,
  { rows, findings, adds }: StormSheet,
  how: { readonly seed: number; readonly mails: number; readonly kills: number; readonly asJson: boolean },
): void {
  const { seed, mails, kills, asJson } = how;
  if (asJson) {
    const counts = Object.fromEntries(rows.map(({ account, count }) => [camel(account), count]));
    terminal.printJson({ seed, ...counts, findings, adds });
    return;
  }
  const more = findings.length > FINDINGS_MAX ? [`... and ${findings.length - FINDINGS_MAX} more`] : [];
  terminal.say(
    [
      ...rows.map((row) => `${row.account.padEnd(18)}${String(row.count).padStart(6)}${isRight(row) ? '' : `  NOT ${row.must}`}`),
      ...findings.slice(0, FINDINGS_MAX),
      ...more,
      adds
        ? 'It adds up: nothing lost, nothing twice, each doubt has its kill.'
        : `It does NOT add up. Again: shoal storm --mails ${mails} --kills ${kills} --seed ${seed}`,
    ].join('\n'),
  );
}

/** `doubt, no kill` -> `doubtNoKill` */
function camel(account: string): string {
  return account.replace(/[^a-z]+([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
