import { addressOf, type Inbox } from '../../model/inbox.ts';
import { base32, inboxId, type MessageId, senderId, tenantId, workerId } from '../../model/ids.ts';
import { type DoubtPolicy, type Job, isFinal } from '../../model/job.ts';
import type { LimitRule } from '../../model/limit.ts';
import { PAGE_MAX } from '../../model/limits.ts';
import { senderScope } from '../../model/scope.ts';
import type { Acceptance } from '../../ports/acceptance.ts';
import type { Ledger } from '../../ports/ledger.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import { createSubmit } from '../../send/submit.ts';
import { createWorker, type Worker } from '../../send/worker.ts';
import { createSeededRandom } from '../seeded-random.ts';
import { createDice, type Dice } from './dice.ts';
import { type BalanceSheet, judge } from './judge.ts';
import { createMailServer, type MailServer } from './mail-server.ts';
import { createLine, createWitness, type Line, ledgerFor, type Witness } from './network.ts';
import { type SimulatedProcess, startProcess } from './process.ts';
import { createVirtualTime, type VirtualTime } from './virtual-time.ts';

export interface SimulationOptions {
  readonly seed: number;
  /** The ledger under test, on the simulator's time. */
  readonly openLedger: (time: Pick<VirtualTime, 'now' | 'after'>) => Promise<Ledger>;
  /** Nothing goes wrong but this: the first worker is killed at its n-th step, n from 1. */
  readonly diesAtStep?: number;
  /** True while the ledger waits for something outside virtual time, such as a disk. */
  readonly isBusy?: () => boolean;
}

export interface Simulation {
  readonly seed: number;
  /** A worker was killed: with `diesAtStep`, there was such a step. */
  readonly killed: boolean;
  readonly sheet: BalanceSheet;
  /** What should have held and did not; empty is good. */
  readonly violations: readonly string[];
}

/** One mail a caller wants sent, and what became of its request. */
export interface Attempted {
  readonly key: string;
  readonly to: readonly string[];
  readonly onDoubt: DoubtPolicy;
  readonly isPoison: boolean;
  acknowledged?: MessageId;
  canceled?: boolean;
}

const START_AT = 1_767_225_600_000;
const LEASE_MS = 5_000;
const LOAD_MS = 30_000;
const QUIET_MS = 4 * 3_600_000;
const POISON = 'this mail kills the process that sends it';
/** Days of retrying pass in minutes. */
const RETRY_SCALE = 0.01;
const TENANT = tenantId(`acct_${'0'.repeat(26)}`);
const SENDER = senderId('default');
const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** Runs the real submit and workers against simulated trouble, then heals everything, waits for quiet and judges. */
export async function simulate(options: SimulationOptions): Promise<Simulation> {
  const random = createSeededRandom(options.seed);
  const dice = createDice(random);
  const time = createVirtualTime(START_AT);
  const ledger = await options.openLedger(time);
  // With connections of its own, a worker begins as many mails again as wait for their last reply.
  const connectionsMax = createDice(createSeededRandom(options.seed + 2)).between(0, 2);
  const server = createMailServer(time, dice, connectionsMax === 0 ? undefined : connectionsMax);
  const isCalm = options.diesAtStep !== undefined;
  const rule = isCalm ? undefined : drawRule(createDice(createSeededRandom(options.seed + 1)));
  if (rule !== undefined) await ledger.limit([{ scope: senderScope(SENDER), limits: { rules: [rule] } }]);
  let healed = isCalm;
  if (isCalm) server.heal();
  const world: World = {
    random,
    dice,
    time,
    ledger,
    server,
    witness: createWitness(),
    line: createLine(dice, () => healed),
    isHealed: () => healed,
  };

  const workers = Array.from({ length: isCalm ? 1 : dice.between(1, 3) }, (_, at) =>
    keepRunning(world, `worker-${at}`, options.diesAtStep),
  );
  const attempted = submitMails(world, isCalm ? 4 : dice.between(4, 14));
  if (!isCalm) disturb(world, workers, attempted);
  await time.run({ untilMs: START_AT + LOAD_MS, ...busy(options) });

  healed = true;
  server.heal();
  let quiet = false;
  watchForQuiet(world, attempted, () => {
    quiet = true;
  });
  await time.run({ untilMs: START_AT + LOAD_MS + QUIET_MS, done: () => quiet, ...busy(options) });
  for (const worker of workers) worker.stop();

  const jobs = await allJobs(ledger);
  const attempts = (await ledger.attempts(jobs.map((job) => job.id))).flat();
  const events = await allEvents(ledger);
  await ledger.close();
  const killed = workers.some((worker) => worker.deaths > 0);
  return {
    seed: options.seed,
    killed,
    ...judge({
      attempted,
      jobs,
      attempts,
      events,
      journal: server.journal,
      dots: server.dots,
      witness: world.witness,
      isQuiet: quiet,
      ...(rule !== undefined && { rule }),
    }),
  };
}

/** Half of all runs have a limit that their mails run into. */
function drawRule(dice: Dice): LimitRule | undefined {
  if (dice.chance(0.5)) return undefined;
  return { unit: 'messages', max: dice.between(1, 4), windowMs: dice.between(500, 15_000), marginMs: dice.one([0, 0, 400]) };
}

interface World {
  readonly random: Random;
  readonly dice: Dice;
  readonly time: VirtualTime;
  readonly ledger: Ledger;
  readonly server: MailServer;
  readonly witness: Witness;
  readonly line: Line;
  readonly isHealed: () => boolean;
}

const busy = (options: SimulationOptions): { busy?: () => boolean } => (options.isBusy === undefined ? {} : { busy: options.isBusy });

function newWorker(world: World, process: SimulatedProcess): Worker {
  const dieOnPoison = (parcel: { readonly payload: Uint8Array }): void => {
    if (Buffer.from(parcel.payload).includes(POISON)) process.kill();
  };
  const transport = world.server.transportFor(process, dieOnPoison);
  return createWorker({
    ledger: ledgerFor(process, world.ledger, world.line, world.witness),
    transportFor: () => transport,
    clock: process.clock,
    random: world.random,
    log: SILENT,
    apart: { runOne: () => runLoneChild(world, process) },
    settings: {
      workerId: workerId(`wrk_${base32(world.random.bytes(8), 12)}`),
      concurrency: 3,
      leaseMs: LEASE_MS,
      retryScale: RETRY_SCALE,
      kinds: ['send'],
    },
  });
}

/** The child process that runs one job set apart; its parent hears only that it ended. */
function runLoneChild(world: World, parent: SimulatedProcess): Promise<void> {
  return new Promise((resolve) => {
    const child = startProcess(`${parent.name}-child`, world.time);
    child.onExit(() => parent.clock.after(1, resolve));
    child.clock.after(5, () => {
      newWorker(world, child)
        .runApart()
        .then(
          () => child.kill(),
          () => child.kill(),
        );
    });
  });
}

interface WorkerSlot {
  process: SimulatedProcess;
  deaths: number;
  stop(): void;
}

/** A worker process that is started again after each death. */
function keepRunning(world: World, name: string, diesAtStep?: number): WorkerSlot {
  let stopped = false;
  const slot: WorkerSlot = {
    process: startProcess(name, world.time),
    deaths: 0,
    stop() {
      stopped = true;
      slot.process.kill();
    },
  };
  const start = (): void => {
    if (stopped) return;
    slot.process = startProcess(name, world.time, slot.deaths === 0 ? diesAtStep : undefined);
    newWorker(world, slot.process).start();
    slot.process.onExit(() => {
      if (stopped) return;
      slot.deaths += 1;
      world.time.after(world.dice.between(50, 400), start);
    });
  };
  start();
  return slot;
}

/** Callers that repeat their request with the same key until it is answered, through an API that dies now and then. */
function submitMails(world: World, count: number): Attempted[] {
  const { dice, time } = world;
  const inbox: Inbox = {
    id: inboxId(`ibx_${'0'.repeat(26)}`),
    tenant: TENANT,
    localPart: 'agent',
    domain: 'shoal.localhost',
    sender: SENDER,
    isActive: true,
    createdAt: START_AT,
  };
  const attempted: Attempted[] = [];
  for (let at = 0; at < count; at++) {
    const to = Array.from(
      {
        length: dice.pick([
          [4, () => 1],
          [1, () => 3],
        ]),
      },
      (_, n) => `r${at}-${n}@example.com`,
    );
    const mail: Attempted = {
      key: `key-${at}`,
      to,
      onDoubt: dice.one(['hold', 'resend']),
      isPoison: !world.isHealed() && dice.chance(0.03),
    };
    attempted.push(mail);
    time.after(dice.between(0, LOAD_MS * 0.7), () => void requestUntilAnswered(world, inbox, mail));
  }
  return attempted;
}

async function requestUntilAnswered(world: World, inbox: Inbox, mail: Attempted): Promise<void> {
  while (mail.acknowledged === undefined) {
    const api = startProcess('api', world.time);
    if (!world.isHealed() && world.dice.chance(0.15)) world.time.after(world.dice.between(0, 40), () => api.kill());
    const answer = await Promise.race([
      request(world, api, inbox, mail),
      new Promise<undefined>((resolve) => api.onExit(() => world.time.after(20, () => resolve(undefined)))), // the caller sees a closed line
    ]);
    if (answer === undefined) {
      await new Promise<void>((resolve) => world.time.after(50, resolve));
      continue;
    }
    mail.acknowledged = answer;
  }
}

async function request(world: World, api: SimulatedProcess, inbox: Inbox, mail: Attempted): Promise<MessageId | undefined> {
  const ledger = ledgerFor(api, world.ledger, world.line, world.witness);
  const acceptance: Acceptance = {
    accept: async ({ job }) => {
      const [answer] = await ledger.enqueue([job]);
      if (answer === undefined) throw new Error('the ledger answered nothing');
      return answer;
    },
  };
  const { submit } = createSubmit({
    ledger,
    acceptance,
    store: { hasReceivedFrom: async () => false },
    clock: api.clock,
    random: world.random,
    idSecret: new Uint8Array(32),
  });
  try {
    const { messageId } = await submit({
      tenant: TENANT,
      inbox,
      to: mail.to,
      subject: mail.key,
      text: mail.isPoison ? `${addressOf(inbox)}: ${POISON}` : `mail ${mail.key}`,
      onDoubt: mail.onDoubt,
      key: mail.key,
    });
    return messageId;
  } catch {
    return undefined; // a lost answer: the caller asks again with the same key
  }
}

/** Kills, stops, and callers who change their mind. */
function disturb(world: World, workers: readonly WorkerSlot[], attempted: readonly Attempted[]): void {
  const { dice, time } = world;
  for (let kills = dice.between(0, 8); kills > 0; kills--) time.after(dice.between(0, LOAD_MS), () => dice.one(workers).process.kill());
  for (let stops = dice.between(0, 2); stops > 0; stops--)
    time.after(dice.between(0, LOAD_MS), () => dice.one(workers).process.pause(dice.between(500, 3 * LEASE_MS)));
  if (dice.chance(0.3)) {
    const mail = dice.one(attempted);
    time.after(dice.between(0, LOAD_MS), () => void cancel(world, mail));
  }
}

async function cancel(world: World, mail: Attempted): Promise<void> {
  if (mail.acknowledged === undefined) return;
  const { jobs } = await world.ledger.list({ messageIds: [mail.acknowledged], max: PAGE_MAX });
  const answers = await world.ledger.cancel(jobs.map((job) => job.id));
  if (answers.some((answer) => answer.kind === 'canceled')) mail.canceled = true;
}

/** Quiet: every request is answered, and every job is final or waits for a person. */
function watchForQuiet(world: World, attempted: readonly Attempted[], onQuiet: () => void): void {
  const look = async (): Promise<void> => {
    const answered = attempted.every((mail) => mail.acknowledged !== undefined);
    if (answered && (await allJobs(world.ledger)).every((job) => isFinal(job.state) || isHeld(job))) return onQuiet();
    world.time.after(2_000, () => void look());
  };
  world.time.after(2_000, () => void look());
}

const isHeld = (job: Job): boolean => job.state === 'in_doubt' && (job.onDoubt === 'hold' || job.resends > 0);

async function allJobs(ledger: Ledger): Promise<Job[]> {
  const jobs: Job[] = [];
  let cursor: string | undefined;
  do {
    const page = await ledger.list({ max: PAGE_MAX, ...(cursor === undefined ? {} : { cursor }) });
    jobs.push(...page.jobs);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return jobs;
}

async function allEvents(ledger: Ledger): Promise<Awaited<ReturnType<Ledger['events']>>[number][]> {
  const events = [];
  for (;;) {
    const page = await ledger.events(events.at(-1)?.seq ?? 0, 1_000);
    if (page.length === 0) return events;
    events.push(...page);
  }
}
