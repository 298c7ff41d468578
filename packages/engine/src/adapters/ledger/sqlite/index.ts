/**
 * The ledger in one SQLite file. A verb a file, named as in `ports/ledger.ts`, its statements beside it in `sql/`; each
 * runs as one act inside a write transaction that all calls of one tick of the event loop share (`_shared/sqlite-group.ts`).
 * Here: storing. Not here: deciding when to retry, what doubt means, or anything else about a mail.
 */
import { ShoalError } from '../../../model/errors.ts';
import type { MessageId } from '../../../model/ids.ts';
import type { State } from '../../../model/job.ts';
import { BATCH_MAX, PAGE_MAX } from '../../../model/limits.ts';
import type { CommitRef, Committed, Enqueued, LeaseBatch, LeaseRequest, Ledger, NewJob } from '../../../ports/ledger.ts';
import type { SqliteFile } from '../../_shared/sqlite-file.ts';
import { migrate } from '../../_shared/sqlite-migrations.ts';
import { type Act, type Books, inAct, type LedgerTables, type Look, readersBooks } from './act.ts';
import { commitNow, extendNow } from './commit.ts';
import { deadGroupsNow, purgeNow } from './dead.ts';
import { cancelNow, requeueNow, resolveNow } from './decide.ts';
import { enqueueNow, findKeysNow } from './enqueue.ts';
import { leaseNow } from './lease.ts';
import { holdNow, liftNow } from './holds.ts';
import { limitNow } from './limit.ts';
import { attemptsOf, eventsAfter, getJob, listJobs, payloadOf, statsNow } from './queries.ts';
import { LEDGER_MIGRATIONS } from './schema.ts';
import { settleNow } from './settle.ts';
import { scopesKnown, standingOf } from './standing.ts';
import { createSeqs } from './seqs.ts';
import { sweepNow } from './sweep.ts';
import { ledgerTurns } from './turns.ts';
import { ledgerBell, type Seen } from './wake.ts';
import { beatNow, workersSeen } from './workers.ts';

export interface SqliteLedger extends Ledger {
  /** `enqueue` inside a transaction of the caller (an act of `SqliteFile.write`), so that its own rows and the jobs are one commit. */
  enqueueNow(jobs: readonly NewJob[]): Enqueued[];
}

export interface SqliteLedgerOptions {
  /** True: the finished MIME stays after `sent`, for a store on the same file that has no copy of its own. */
  readonly keepsPayloads: boolean;
  /** Told of each record that is dropped, in the same transaction, so that a store on the same file can keep how its message ended. */
  readonly onDropped?: (messageId: MessageId, state: State, isLast: boolean) => void;
}

/** One file is one partition; the number is written down, since it is part of every job id. */
const PARTITIONS = '1';

/**
 * Closing the ledger ends its waits; the file stays open for whoever opened it.
 *
 * @throws ShoalError `bad_config` when the file is of a newer Shoal, or of another number of partitions
 */
export async function openSqliteLedger(file: SqliteFile, options: SqliteLedgerOptions): Promise<SqliteLedger> {
  await migrate(file, 'ledger', LEDGER_MIGRATIONS);
  await file.write(() => checkPartitions(file));

  const tables: LedgerTables = { file, seqs: createSeqs(), ...options };
  const turns = ledgerTurns();
  const bell = ledgerBell(file);
  const act = <T>(body: (act: Act) => T): Promise<T> => file.write(() => inAct(tables, body));
  const commitTogether = gathered<CommitRef, Committed>((refs) => act((inside) => refs().map((ref) => commitNow(inside, ref))));
  const look = <T>(body: (look: Look) => T): Promise<T> => file.read(() => body({ now: file.now(), sql: file.prepare }));
  const consult = <T>(body: (books: Books) => T): Promise<T> => look((inside) => body(readersBooks(inside)));
  const lease = (inside: Act, request: LeaseRequest): { batch: LeaseBatch; seen: Seen } => {
    const batch = leaseNow(inside, request, turns);
    const { askAgainMs = Number.POSITIVE_INFINITY } = batch;
    return { batch, seen: { revision: file.revision(), nextDueAt: inside.now + askAgainMs } };
  };

  return {
    capabilities: {
      description: `sqlite ${file.path} (${file.description})`,
      lossOnCrashMs: 0,
      isShared: !file.isAlone,
      keepsPayloads: options.keepsPayloads,
    },

    enqueueNow: (jobs) => enqueueNow(tables, checkedBatch(jobs)),
    async enqueue(jobs) {
      checkedBatch(jobs);
      return file.write(() => enqueueNow(tables, jobs));
    },
    async findKeys(refs) {
      checkedBatch(refs);
      return look((inside) => findKeysNow(inside, refs));
    },
    async lease(request) {
      checkRequest(request);
      const { batch, seen } = await act((inside) => lease(inside, request));
      if (!request.apart) bell.note(seen);
      return batch;
    },
    async extend(refs, leaseMs) {
      checkedBatch(refs);
      return act((inside) => refs.map((ref) => extendNow(inside, ref, leaseMs)));
    },
    async commit(refs) {
      checkedBatch(refs);
      return commitTogether(refs);
    },
    async settle(settlements, next) {
      checkedBatch(settlements);
      if (next !== undefined) checkRequest(next); // before anything changes: a refused call must not be half done
      const { settled, leased } = await act((inside) => ({
        settled: settlements.map((settlement) => settleNow(inside, settlement)),
        leased: next && lease(inside, next),
      }));
      if (leased === undefined) return { settled };
      if (next?.apart === false) bell.note(leased.seen);
      return { settled, next: leased.batch };
    },
    async sweep(sweepOptions) {
      if (!(sweepOptions.max >= 1)) throw new RangeError(`max must be at least 1, got ${sweepOptions.max}`);
      return act((inside) => sweepNow(inside, sweepOptions));
    },

    async cancel(ids) {
      checkedBatch(ids);
      return act((inside) => ids.map((id) => cancelNow(inside, id)));
    },
    async resolve(decisions) {
      checkedBatch(decisions);
      return act((inside) => decisions.map((decision) => resolveNow(inside, decision)));
    },
    async requeue(ids, deadOptions) {
      checkedBatch(ids);
      return act((inside) => ids.map((id) => requeueNow(inside, id, deadOptions)));
    },
    async purge(ids, deadOptions) {
      checkedBatch(ids);
      return act((inside) => ids.map((id) => purgeNow(inside, id, deadOptions)));
    },
    async deadGroups(query) {
      checkCount('max', query.max, PAGE_MAX);
      return look((inside) => deadGroupsNow(inside, query));
    },

    async limit(changes) {
      checkedBatch(changes);
      await act((inside) => {
        for (const change of changes) limitNow(inside, change);
      });
    },
    async hold(holds) {
      checkedBatch(holds);
      await act((inside) => {
        for (const hold of holds) holdNow(inside, hold);
      });
    },
    async lift(refs) {
      checkedBatch(refs);
      return act((inside) => refs.map((ref) => liftNow(inside, ref)));
    },
    async standing(scopes) {
      checkedBatch(scopes);
      return consult((books) => scopes.map((scope) => standingOf(books, scope)));
    },
    scopes: (query) => look((inside) => scopesKnown(inside, query)),
    beat: (worker) => file.write(() => beatNow({ now: file.now(), sql: file.prepare }, worker)),
    workers: () => look(workersSeen),

    async get(ids) {
      checkedBatch(ids);
      return look((inside) => ids.map((id) => getJob(inside, id)));
    },
    async list(query) {
      checkCount('max', query.max, PAGE_MAX);
      return look((inside) => listJobs(inside, query));
    },
    async attempts(ids) {
      checkedBatch(ids);
      return look((inside) => ids.map((id) => attemptsOf(inside, id)));
    },
    async payloads(ids) {
      checkedBatch(ids);
      return look((inside) => ids.map((id) => payloadOf(inside, id)));
    },
    stats: () => look(statsNow),
    async events(after, max) {
      checkCount('max', max, BATCH_MAX);
      return look((inside) => eventsAfter(inside, after, max));
    },

    wake: bell.wake,
    async close() {
      bell.end();
    },
  };
}

/**
 * What is asked for in one tick becomes one act: a worker asks for each mail by itself, and an act has costs of its own.
 * `run` is given a function, as more may be asked for until its transaction begins. What can't be done takes down nothing
 * but itself: when the act fails, and not for want of the file, each asks again alone.
 */
function gathered<Asked, Answer>(
  run: (asked: () => readonly Asked[]) => Promise<readonly Answer[]>,
): (some: readonly Asked[]) => Promise<Answer[]> {
  interface Batch {
    readonly asked: Asked[];
    answers?: Promise<readonly Answer[]>;
  }
  let open: Batch | undefined;
  const begun = (): Batch => {
    const batch: Batch = { asked: [] };
    const end = (): void => {
      if (open === batch) open = undefined;
    };
    batch.answers = run(() => {
      end(); // from now on it is too late; the act may run again, with the same
      return batch.asked;
    }).finally(end);
    return batch;
  };
  return async (some) => {
    open ??= begun();
    const { asked, answers = Promise.resolve([]) } = open;
    const from = asked.length;
    asked.push(...some);
    try {
      return (await answers).slice(from, from + some.length);
    } catch (error) {
      if (error instanceof ShoalError || asked.length === some.length) throw error;
      return [...(await run(() => some))];
    }
  };
}

function checkPartitions(file: SqliteFile): void {
  file.prepare("INSERT OR IGNORE INTO ledger_facts (name, value) VALUES ('partitions', ?)").run(PARTITIONS);
  const found = file.prepare("SELECT value FROM ledger_facts WHERE name = 'partitions'").get()?.['value'];
  if (found === PARTITIONS) return;
  const message = `${file.path} was made with ${found} partitions, and a SQLite ledger has ${PARTITIONS}; job ids say their partition, so the number cannot change`;
  throw new ShoalError('bad_config', message);
}

function checkedBatch<T>(batch: readonly T[]): readonly T[] {
  if (batch.length > BATCH_MAX) throw new RangeError(`one call carries at most ${BATCH_MAX} jobs, got ${batch.length}`);
  return batch;
}

function checkCount(name: string, count: number, max: number): void {
  if (!Number.isInteger(count) || count < 1 || count > max)
    throw new RangeError(`${name} must be a whole number from 1 to ${max}, got ${count}`);
}

function checkRequest(request: LeaseRequest): void {
  checkCount('max', request.max, BATCH_MAX);
  if (!(request.leaseMs > 0)) throw new RangeError(`leaseMs must be above 0, got ${request.leaseMs}`);
}
