import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SqliteFile } from './adapters/_shared/sqlite-file.ts';
import { openDisk } from './adapters/disk.ts';
import { openSqliteLedger, type SqliteLedger } from './adapters/ledger/sqlite/index.ts';
import { openSqlite } from './adapters/registry.ts';
import { openSqliteStore, type SqliteStore } from './adapters/store/sqlite/index.ts';
import { environmentOf } from './config/environment.ts';
import type { Config } from './config/schema.ts';
import { openFace } from './face.ts';
import { type Listening, listen } from './http/serve.ts';
import { lonelyProcess } from './lonely-process.ts';
import { machineClock, machineRandom } from './machine.ts';
import { meteredLedger, meteredMail } from './metered.ts';
import type { ShoalError } from './model/errors.ts';
import { base32, workerId } from './model/ids.ts';
import type { Acceptance } from './ports/acceptance.ts';
import type { Apart } from './ports/apart.ts';
import type { Clock } from './ports/clock.ts';
import type { Disk } from './ports/disk.ts';
import type { Ledger } from './ports/ledger.ts';
import type { Log } from './ports/log.ts';
import type { Meter, Surroundings } from './ports/meter.ts';
import type { Random } from './ports/random.ts';
import type { Transport } from './ports/transport.ts';
import { followOperations } from './send/operations.ts';
import type { Roster } from './send/roster.ts';
import { createDiskFloor, type DiskFloor } from './send/disk-floor.ts';
import { createWorker, type DrainResult, type Worker } from './send/worker.ts';
import { withinPreset } from './send/within-preset.ts';
import { DEFAULT_SENDER, openSenders } from './senders.ts';
import { VERSION } from './version.ts';

/** What this process does: answer callers, carry mail, or both. */
export interface Roles {
  readonly http: boolean;
  /** Without `http`: answer `/health`, `/ready` and `/metrics` all the same. */
  readonly operations?: boolean;
  readonly worker: boolean;
}

/** Replacements for what the engine would make itself; `decorate` wraps what it made. For tests and embedders. */
export interface EngineParts {
  readonly roles?: Roles;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly log?: Log;
  readonly apart?: Apart;
  readonly disk?: Disk;
  readonly decorate?: {
    readonly ledger?: (ledger: Ledger) => Ledger;
    readonly acceptance?: (acceptance: Acceptance) => Acceptance;
    readonly transport?: (transport: Transport) => Transport;
  };
}

export interface Engine {
  /** Begins to lease and to listen. */
  start(): Promise<void>;
  /** The whole HTTP surface without a socket; `Shoal.create({ fetch: engine.fetch })`. */
  readonly fetch: (request: Request, context?: { readonly remoteAddress?: string }) => Promise<Response>;
  /** Where it listens, once started; undefined without HTTP. */
  readonly url: string | undefined;
  /** Plain sentences for the operator: what is stored how, what a crash can lose, where mail goes. */
  readonly facts: readonly string[];
  /** Mail to the outside is kept here and goes nowhere. */
  readonly captures: boolean;
  /**
   * Resolves when the database cannot be trusted any more; stays open while all is well. The engine then has stopped leasing
   * and listening, and the process has to end: the next start recovers from disk.
   */
  readonly broken: Promise<ShoalError>;
  /** Stops taking work, gives back what has no commit, and waits for the rest at most `drainMs`. */
  drain(): Promise<DrainResult>;
  close(): Promise<void>;
  /** Runs at most one job that was set apart, alone, and returns. */
  runApart(): Promise<void>;
}

/**
 * Puts the program together from a checked configuration: config in, running engine out.
 *
 * @throws ShoalError `bad_config`, `sqlite_unsafe`: what is wrong and what to do about it
 * @example
 * const engine = await openEngine(config);
 * await engine.start();
 * const mail = await Shoal.create({ fetch: engine.fetch });
 */
export async function openEngine(config: Config, parts: EngineParts = {}): Promise<Engine> {
  const roles = parts.roles ?? { http: true, worker: true };
  const base: Base = {
    config,
    clock: parts.clock ?? machineClock(),
    random: parts.random ?? machineRandom(),
    log: parts.log ?? (await import('./adapters/log/pino.ts')).createLog({ level: config.log }),
    capturedDir: join(config.dataDir, 'captured'),
  };
  const decorate = parts.decorate ?? {};

  const file = await openSqlite(config.ledger, { mustShare: !roles.http }); // a worker without HTTP works beside another process
  const store = await openSqliteStore(file);
  const sqlite = await openSqliteLedger(file, { keepsPayloads: true, onDropped: store.keepEndNow });
  const isAsked = roles.http || roles.operations === true;
  // Nobody can ask a process without a face how it does, and so nothing is counted there.
  const meter = isAsked ? await openMeter({ leases: () => worker.stats(), disk: () => ({ ...diskOf(floor), floorBytes }) }) : undefined;
  const plain = decorate.ledger?.(sqlite) ?? sqlite;
  const ledger = meter === undefined ? plain : meteredLedger(plain, meter);
  if (meter !== undefined) file.onWritten(meter.wrote);
  const senders = await openSenders({
    ...base,
    store,
    ledger,
    transportParts: { ...base, connectionsMax: config.concurrency },
    decorate: (transport) => decorate.transport?.(transport) ?? transport,
  });
  const { roster } = senders;
  const transport = await roster.transportFor(DEFAULT_SENDER);
  // A file that is held alone has no room for a child process; its jobs set apart wait, and the worker says so.
  const apart = parts.apart ?? (ledger.capabilities.isShared ? childForApart(config, base) : undefined);
  const floorBytes = config.diskFloorMb * 1_048_576;
  const floor = createDiskFloor({ ...base, disk: parts.disk ?? openDisk(file.path), floorBytes });
  const worker = openWorker(base, { ledger, roster, floor, ...(apart !== undefined && { apart }), ...(meter !== undefined && { meter }) });
  const accepting = oneTransaction(file, sqlite, store);
  const acceptance = withinPreset(aboveFloor(decorate.acceptance?.(accepting) ?? accepting, floor), roster);
  const face =
    meter === undefined
      ? undefined
      : await openFace(base, { ledger, store, acceptance, transport, senders, floor, meter, serves: roles.http ? 'all' : 'operations' });

  let listening: Listening | undefined;
  let drained: Promise<DrainResult> | undefined;
  const drainWithin = (drainMs: number): Promise<DrainResult> => {
    face?.stop();
    drained ??= roles.worker ? worker.drain(drainMs) : Promise.resolve(NOTHING_LEFT);
    return drained;
  };
  const drain = (): Promise<DrainResult> => drainWithin(config.drainMs);
  const closing = new AbortController();
  const broken = new Promise<ShoalError>((resolve) => {
    file.onTrouble((trouble) => {
      if (trouble.kind === 'full') return floor.metFull();
      base.log.error('the database failed: this process has to end', { error: trouble.error, cause: trouble.error.cause });
      closing.abort();
      void drainWithin(0); // what is under way cannot be recorded by this process
      void listening?.close();
      resolve(trouble.error);
    });
  });
  return {
    facts: [
      `ledger: ${ledger.capabilities.description}; ${durability(ledger)}`,
      `transport: ${transport.capabilities.description}`,
      ...senders.facts,
      ...file.warnings.map((warning) => `warning: ${warning}`),
    ],
    captures: transport.capabilities.captures,
    broken,
    get url() {
      return listening?.url;
    },
    async fetch(request, context) {
      if (face === undefined) throw new Error('this engine was opened without the http role');
      return face.fetch(request, context);
    },
    async start() {
      if (face !== undefined && config.http !== 'off') listening = await listen(face, { ...config.http, log: base.log });
      if (roles.worker) worker.start();
      void followOperations({ ...base, ledger, store, owner: base32(base.random.bytes(10), 16) }, closing.signal);
      void floor.watch(closing.signal);
      void roster.follow(closing.signal);
    },
    drain,
    async close() {
      const { left } = await drain();
      await listening?.close();
      closing.abort();
      // What had no reply at the limit becomes a doubt. Its server may think for ten minutes yet, and nobody waits for that.
      const closed = roster.close();
      if (left === 0) await closed;
      await store.close();
      await ledger.close();
      await file.close();
    },
    runApart: () => worker.runApart(),
  };
}

interface Base {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly capturedDir: string;
}

const NOTHING_LEFT: DrainResult = { released: 0, finished: 0, left: 0 };

function openWorker(
  base: Base,
  plugs: { readonly ledger: Ledger; readonly roster: Roster; readonly floor: DiskFloor; readonly apart?: Apart; readonly meter?: Meter },
): Worker {
  const { config, clock, random, log } = base;
  return createWorker({
    ledger: plugs.ledger,
    transportFor: (sender) => plugs.roster.transportFor(sender),
    clock,
    random,
    log,
    ...(plugs.apart !== undefined && { apart: plugs.apart }),
    mayLease: () => !plugs.floor.isShort,
    settings: {
      workerId: workerId(`wrk_${base32(random.bytes(8), 12)}`),
      concurrency: config.concurrency,
      leaseMs: config.leaseMs,
      retryScale: config.retryScale,
      retry: config.retry,
      kinds: ['send'],
      about: { host: hostname(), pid: process.pid, version: VERSION },
      ...(plugs.meter !== undefined && { observe: meteredMail(plugs.meter) }),
    },
  });
}

async function openMeter(here: Omit<Surroundings, 'version'>): Promise<Meter> {
  return (await import('./adapters/meter/prometheus/index.ts')).prometheusMeter({ ...here, version: VERSION });
}

function diskOf({ freeBytes, isShort }: DiskFloor): Omit<ReturnType<Surroundings['disk']>, 'floorBytes'> {
  return { isShort, ...(freeBytes !== undefined && { freeBytes }) };
}

/** Ledger and store share the file, so a message and its job are one transaction: a 202 is said after it, or nothing was stored. */
function oneTransaction(file: SqliteFile, ledger: SqliteLedger, store: SqliteStore): Acceptance {
  return {
    accept: ({ message, job }) =>
      file.write(() => {
        const [enqueued] = ledger.enqueueNow([job]);
        if (enqueued === undefined) throw new Error('the ledger answered nothing for a job');
        if (enqueued.kind === 'created') store.addMessageNow(message);
        return enqueued;
      }),
  };
}

/** A repeat of what is on record is answered without a write, and so before this. */
function aboveFloor(acceptance: Acceptance, floor: DiskFloor): Acceptance {
  return {
    async accept(accepted) {
      await floor.admit();
      return acceptance.accept(accepted);
    },
  };
}

/** A child has to load its program before its first word, on a machine that may have other things to do. */
const SILENCE_MS_MIN = 10_000;

/** `shoal work --apart-once` in a child, with this process's settings. */
function childForApart(config: Config, { clock, log }: Base): Apart {
  return lonelyProcess({
    command: [fileURLToPath(new URL('../bin/shoal.js', import.meta.url)), 'work', '--apart-once'],
    env: { ...process.env, ...environmentOf(config), SHOAL_HTTP: 'off' },
    silenceMsMax: Math.max(2 * config.leaseMs + config.drainMs, SILENCE_MS_MIN),
    drainMs: config.drainMs,
    clock,
    log,
  });
}

function durability(ledger: Ledger): string {
  const { lossOnCrashMs } = ledger.capabilities;
  return lossOnCrashMs === 0
    ? 'what was acknowledged survives a crash and a power cut'
    : `a power cut can lose the last ${lossOnCrashMs} ms of what was acknowledged`;
}
