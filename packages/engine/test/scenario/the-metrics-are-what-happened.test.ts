import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { until } from '../../../../bench/storm/wait.mjs';
import { runProgram } from '../../src/cli/program.ts';
import { configOf } from '../../src/config/check.ts';
import { type Engine, openEngine } from '../../src/engine.ts';
import { cut, hold, openScriptedSmtpServer, say } from '../../src/testing/index.ts';
import { watchedTerminal } from './cli-terminal.ts';

const WAIT_MS_MAX = 20_000;
const TAKEN = say('250 2.0.0 queued');
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/** `name{labels}` of one text, with its number. */
function figuresIn(text: string): (name: string) => number | undefined {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const figures = new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
  return (name) => figures.get(name);
}

function newFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'shoal-metrics-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** One account over an engine's own `fetch`. */
async function accountOn({ fetch }: Engine) {
  const ask = async (method: string, path: string, body?: unknown, token = '') => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const response = await fetch(
      new Request(`http://localhost${path}`, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) }),
    );
    return { status: response.status, body: (await response.json()) as Readonly<Record<string, unknown>> };
  };
  const token = String((await ask('POST', '/v1/signup', {})).body['token']);
  await ask('POST', '/v1/inboxes', { localPart: 'ann' }, token);
  const send = (subject: string) =>
    ask('POST', '/v1/emails/send', { from: 'ann@shoal.localhost', to: 'bob@example.net', subject, text: 'x' }, token);
  return {
    send,
    /** Waits until the mail has come to this status. */
    async ends(subject: string, status: string): Promise<void> {
      const { id } = (await send(subject)).body;
      await until(`${subject} is ${status}`, WAIT_MS_MAX, async () =>
        (await ask('GET', `/v1/emails/${id}`, undefined, token)).body['status'] === status ? true : undefined,
      );
    },
  };
}

it('counts three sent, one dead, one in doubt, one recognised and one refused as exactly that', async () => {
  const server = await openScriptedSmtpServer({ dot: [TAKEN, TAKEN, TAKEN, say('550 5.7.1 no such thing'), cut] });
  const config = configOf({
    dataDir: newFolder(),
    http: 'off',
    diskFloorMb: 0,
    concurrency: 1,
    transport: `smtp://127.0.0.1:${server.port}`,
  });
  const engine = await openEngine(config, { log: SILENT });
  onTestFinished(async () => {
    await engine.close();
    await server.close();
  });
  await engine.start();
  const account = await accountOn(engine);
  for (const subject of ['first', 'second', 'third']) await account.ends(subject, 'sent');
  await account.ends('nobody wants it', 'failed');
  await account.ends('who knows', 'in_doubt');
  expect((await account.send('first')).body).toMatchObject({ deduplicated: true });
  expect(await account.send('two\r\nlines')).toMatchObject({ status: 422 });

  const text = await (await engine.fetch(new Request('http://localhost/metrics'))).text();
  const figure = figuresIn(text);
  expect(figure('shoal_submits_total{answer="accepted",code=""}')).toBe(5);
  expect(figure('shoal_submits_total{answer="deduplicated",code=""}')).toBe(1);
  expect(figure('shoal_submits_total{answer="refused",code="refused_value"}')).toBe(1);
  expect(figure('shoal_attempts_total{outcome="sent",cause=""}')).toBe(3);
  expect(figure('shoal_attempts_total{outcome="dead",cause="permanent"}')).toBe(1);
  expect(figure('shoal_attempts_total{outcome="doubt",cause="cut"}')).toBe(1);
  expect(figure('shoal_dead_letters_total{reason="permanent"}')).toBe(1);
  expect(figure('shoal_dead_letters_total{reason="poison"}')).toBe(0);
  expect(figure('shoal_doubts_total{cause="cut"}')).toBe(1);
  expect(figure('shoal_commits_total{answer="granted"}')).toBe(5);
  expect(figure('shoal_send_latency_seconds_count')).toBe(3);
  expect(figure('shoal_send_latency_seconds_bucket{le="+Inf"}')).toBe(3);
  expect(figure('shoal_attempt_seconds_count{report="accepted"}')).toBe(3);
  expect(figure('shoal_attempt_seconds_count{report="refused"}')).toBe(1);
  expect(figure('shoal_attempt_seconds_count{report="unknown"}')).toBe(1);
  expect(figure('shoal_settle_batch_jobs_sum')).toBe(5);
  expect(figure('shoal_lease_batch_jobs_sum')).toBe(5);
  expect(figure('shoal_jobs{state="sent"}')).toBe(3);
  expect(figure('shoal_jobs{state="dead"}')).toBe(1);
  expect(figure('shoal_jobs{state="in_doubt"}')).toBe(1);
  for (const state of ['sending', 'shelved', 'unrecorded']) expect(figure(`shoal_leases{state="${state}"}`), state).toBe(0);
  expect(figure('shoal_http_request_seconds_count{method="POST",route="/v1/emails/send",status="202"}')).toBe(6);
  expect(figure('shoal_http_request_seconds_count{method="POST",route="/v1/emails/send",status="422"}')).toBe(1);
  // Each submit and each commit waits for its own transaction here; a settle may share one with what follows.
  expect(figure('shoal_write_seconds_count')).toBeGreaterThanOrEqual(10);
  expect(figure('shoal_write_acts_total')).toBeGreaterThanOrEqual(figure('shoal_write_seconds_count') ?? Number.POSITIVE_INFINITY);
  expect(figure('shoal_disk_short')).toBe(0);
  expect(text).not.toMatch(/example\.net|shoal\.localhost|eml_|job_|inb_/);
}, 60_000);

it('serves what a worker alone did, and how it does, and nothing else', async () => {
  const server = await openScriptedSmtpServer({ dot: [hold('250 2.0.0 queued'), say('550 5.7.1 no such thing')] });
  const dataDir = newFolder();
  const transport = `smtp://127.0.0.1:${server.port}`;
  const api = await openEngine(configOf({ dataDir, http: 'off', diskFloorMb: 0, transport }), {
    log: SILENT,
    roles: { http: true, worker: false },
  });
  const env = {
    SHOAL_DATA_DIR: dataDir,
    SHOAL_TRANSPORT: transport,
    SHOAL_HTTP: '127.0.0.1:0',
    SHOAL_LOG: 'silent',
    SHOAL_DISK_FLOOR_MB: '1',
  };
  const terminal = watchedTerminal({ cwd: dataDir, env });
  const end = runProgram(['work'], terminal, openEngine);
  onTestFinished(async () => {
    server.release(); // a worker waits for the reply to what it sent
    terminal.stop();
    await end;
    await api.close();
    await server.close();
  });
  await terminal.saw('ready\n');
  const [, url = ''] = /metrics: (\S+)\/metrics/.exec(terminal.printed()) ?? [];
  const figures = async () => figuresIn(await (await fetch(`${url}/metrics`)).text());
  const account = await accountOn(api);
  const sent = account.ends('from elsewhere', 'sent');
  await server.untilLogged('1 dot');
  const meanwhile = await figures();
  expect(meanwhile('shoal_leases{state="sending"}')).toBe(1);
  expect(meanwhile('shoal_commits_total{answer="granted"}')).toBe(1);
  expect(meanwhile('shoal_attempts_total{outcome="sent",cause=""}')).toBe(0);
  server.release();
  await sent;
  await account.ends('nobody wants it', 'failed');

  const figure = await figures();
  expect(figure('shoal_attempts_total{outcome="sent",cause=""}')).toBe(1);
  expect(figure('shoal_attempts_total{outcome="dead",cause="permanent"}')).toBe(1);
  expect(figure('shoal_dead_letters_total{reason="permanent"}')).toBe(1);
  expect(figure('shoal_send_latency_seconds_count')).toBe(1);
  expect(figure('shoal_attempt_seconds_count{report="accepted"}')).toBe(1);
  expect(figure('shoal_attempt_seconds_count{report="refused"}')).toBe(1);
  expect(figure('shoal_commits_total{answer="granted"}')).toBe(2);
  expect(figure('shoal_lease_batch_jobs_sum')).toBe(2);
  expect(figure('shoal_settle_batch_jobs_sum')).toBe(2);
  // Each mail's lease waits for its submit, its commit for the lease, its settle for the reply: no two of them share a transaction.
  expect(figure('shoal_write_seconds_count')).toBeGreaterThanOrEqual(6);
  expect(figure('shoal_leases{state="sending"}')).toBe(0);
  expect(figure('shoal_disk_floor_bytes')).toBe(1_048_576);
  expect(figure('shoal_submits_total{answer="accepted",code=""}')).toBe(0); // the other process took it
  expect(figure('shoal_jobs{state="sent"}')).toBe(1);
  expect(figure('shoal_jobs{state="dead"}')).toBe(1);
  expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ status: 'healthy', problems: [] });
  expect(await (await fetch(`${url}/ready`)).json()).toEqual({ status: 'ready' });
  const other = await fetch(`${url}/v1/emails`);
  expect(other.status).toBe(404);
  expect(await other.json()).toMatchObject({ hint: 'This process answers GET /health, GET /ready or GET /metrics alone.' });
}, 60_000);
