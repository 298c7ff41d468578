/**
 * Crash tests: real processes of the built program, real signals, a real socket at the other end. Each is one sentence
 * about what a kill, a stop or a wrong clock does to mail, judged by the journal of the receiving server. The long
 * storms are in `bench/storm`. Not here: anything that a moved clock can show (`scenario/`, the simulator).
 *
 * A stage is one test's world: a folder, a server that takes mail, and the processes that were started on it.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { type Child, endGroup, startChild } from '../../../../bench/storm/child.mjs';
import { type Fleet, openFleet } from '../../../../bench/storm/fleet.mjs';
import { mailOf, noLoad, type Sent, submitUntilAnswered } from '../../../../bench/storm/load.mjs';
import {
  type Api,
  apiAt,
  environmentOf,
  freePort,
  type Mail,
  makeWorld,
  type Settings,
  startShoal,
} from '../../../../bench/storm/shoal.mjs';
import { type Dot, isCopy, openSink, type SinkHooks, type SinkPlan } from '../../../../bench/storm/sink.mjs';
import { until } from '../../../../bench/storm/wait.mjs';

const KILL_POINT_PROCESS = fileURLToPath(new URL('./kill-point-process.mjs', import.meta.url));
const API_PROCESS = fileURLToPath(new URL('../../../../bench/storm/api-process.mjs', import.meta.url));
const FACT_MS_MAX = 90_000; // facts come in seconds; a machine that does ten other things needs longer

/** One until it is swept, one until it is sent again, and some. */
const LEASES_UNTIL_OVER = 3;

export type Policy = 'hold' | 'resend';

/** One mail as the API tells it; only what these tests look at. */
export interface Told {
  readonly status: string;
  readonly jobs: readonly { readonly state: string; readonly attempts: readonly { readonly end: string; readonly note: string }[] }[];
}

export interface Stage {
  readonly api: Api;
  /** `shoal serve` on the stage's own port. */
  serve(name?: string, options?: Parameters<typeof startShoal>[2]): Child;
  /** A second server on the same file, with a port of its own. */
  serveToo(name: string): Promise<{ readonly child: Child; readonly api: Api }>;
  /** The HTTP half alone, on the stage's own port: it answers whatever happens to the workers. */
  answerOnly(): Child;
  work(name?: string, options?: Parameters<typeof startShoal>[2]): Child;
  /** Workers that are started again whenever they die. */
  keepWorking(names: readonly string[], options: Parameters<typeof startShoal>[2]): Fleet;
  /** The engine as `shoal serve` runs it, that kills itself at one named point. */
  serveUntil(point: string): Child;
  /** Repeats with the same key until there is an answer. */
  submit(index: number, onDoubt?: Policy, more?: Partial<Mail>): Promise<Sent>;
  /** A mail that is due when every lease, sweep and second sending of now is over is delivered: the ledger's clock has come past them all. */
  whenAllIsOver(index: number): Promise<void>;
  tell(sent: Sent): Promise<Told>;
  /** Waits until the mail has this status, and answers all that is told about it. */
  whenStatus(sent: Sent, status: string): Promise<Told>;
  dots(): readonly Dot[];
  copiesOf(sent: Sent): readonly Dot[];
}

export interface StageOptions extends Partial<Omit<Settings, 'world' | 'smtpPort' | 'httpPort'>> {
  readonly sink?: SinkPlan & SinkHooks;
}

/** Ends with the test; the folder of one that failed stays. `atEnd` is the test's own `onTestFinished` where tests run side by side. */
export async function openStage(
  name: string,
  { sink: plan = {}, ...options }: StageOptions = {},
  atEnd: typeof onTestFinished = onTestFinished,
): Promise<Stage> {
  const world = makeWorld(name);
  const sink = await openSink(world.journalPath, plan);
  const httpPort = await freePort();
  const api = apiAt(httpPort);
  const { leaseMs = 1_500 } = options;
  const settings: Settings = { ...options, leaseMs, world, smtpPort: sink.port };
  const children: Child[] = [];
  const fleets: Fleet[] = [];
  const kept = (child: Child): Child => {
    children.push(child);
    return child;
  };
  atEnd(async ({ task }) => {
    await Promise.all([...children.map(endGroup), ...fleets.map((fleet) => fleet.close())]);
    await sink.close();
    if (task.result?.state === 'fail') process.stderr.write(`what ${name} left is in ${world.dir}\n`);
    else world.remove();
  });
  const tell = (sent: Sent): Promise<Told> => api.read(`/v1/emails/${sent.id}`);

  async function submit(index: number, onDoubt: Policy = 'hold', more: Partial<Mail> = {}): Promise<Sent> {
    const load = noLoad();
    const mail = { ...mailOf(index, 1, onDoubt), ...more };
    await submitUntilAnswered(api, mail, load);
    const sent = load.acknowledged.get(mail.to);
    if (sent === undefined) throw new Error(`not accepted: ${load.refused.join()}`);
    return sent;
  }
  async function whenStatus(sent: Sent, status: string): Promise<Told> {
    let told: Told | undefined;
    return until(
      `${sent.to} is ${status}`,
      FACT_MS_MAX,
      async () => {
        told = await tell(sent);
        return told.status === status ? told : undefined;
      },
      { seen: () => told },
    );
  }

  return {
    api,
    serve: (as = 'serve', how = {}) => kept(startShoal('serve', { ...settings, httpPort }, { ...how, name: as })),
    async serveToo(as) {
      const otherPort = await freePort();
      return { child: kept(startShoal('serve', { ...settings, httpPort: otherPort }, { name: as })), api: api.at(otherPort) };
    },
    answerOnly: () =>
      kept(
        startChild({
          name: 'api',
          script: API_PROCESS,
          env: environmentOf({ ...settings, httpPort }),
          logPath: join(world.dir, 'api.log'),
        }),
      ),
    work: (as = 'work', how = {}) => kept(startShoal('work', settings, { ...how, name: as })),
    keepWorking(names, how) {
      const fleet = openFleet(Object.fromEntries(names.map((as) => [as, () => startShoal('work', settings, { ...how, name: as })])));
      fleets.push(fleet);
      return fleet;
    },
    serveUntil: (point) =>
      kept(
        startChild({
          name: 'armed',
          script: KILL_POINT_PROCESS,
          args: [point],
          env: environmentOf({ ...settings, httpPort }),
          logPath: join(world.dir, 'armed.log'),
        }),
      ),
    submit,
    tell,
    whenStatus,
    async whenAllIsOver(index) {
      const late = await submit(index, 'hold', { sendAt: Date.now() + LEASES_UNTIL_OVER * leaseMs });
      await whenStatus(late, 'sent');
    },
    dots: () => world.journal().dots,
    copiesOf: (sent) => world.journal().dots.filter((dot) => dot.to === sent.to && isCopy(dot)),
  };
}

export const endsOf = (told: Told): readonly string[] => told.jobs.flatMap((job) => job.attempts.map((attempt) => attempt.end));
