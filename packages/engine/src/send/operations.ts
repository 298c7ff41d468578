import type { JobId } from '../model/ids.ts';
import { PAGE_MAX } from '../model/limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { Log } from '../ports/log.ts';
import type { Operation, OperationStore } from '../ports/operation-store.ts';

/** A holder that is silent for so long was killed, and another one goes on; a slice takes milliseconds. */
const LEASE_MS = 15_000;
/** A look at an index that is empty nearly always. */
const LOOK_MS = 2_000;

export interface OperationParts {
  readonly ledger: Pick<Ledger, 'list' | 'requeue' | 'purge'>;
  readonly store: OperationStore;
  readonly clock: Clock;
  readonly log: Log;
  /** Unique among all processes. */
  readonly owner: string;
}

/** Works on what dead letters are to be put back or purged, whichever process was asked, until `signal` fires. */
export async function followOperations(parts: OperationParts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await parts.clock.sleep(LOOK_MS, signal);
    while (!signal.aborted && (await workOnOne(parts, signal).catch((cause: unknown) => failed(parts, cause))));
  }
}

function failed({ log }: OperationParts, cause: unknown): false {
  log.warn('an operation on dead letters could not go on; trying again', { cause });
  return false;
}

/** Takes one and works on it to its end, or as long as it is ours. False: there is none to work on. */
export async function workOnOne(parts: OperationParts, signal?: AbortSignal): Promise<boolean> {
  let operation = await parts.store.takeOperation(parts.owner, LEASE_MS);
  if (operation === undefined) return false;
  // A slice on record was begun by a holder that is gone: those of it that are no longer dead it had done.
  let isResumed = operation.slice.length > 0;
  while (operation.status === 'running' && signal?.aborted !== true) {
    const next: Operation = operation.slice.length > 0 ? await workOff(parts, operation, isResumed) : await nextSlice(parts, operation);
    isResumed = false;
    if (!(await parts.store.saveOperation(next, parts.owner, LEASE_MS))) return true;
    operation = next;
  }
  return true;
}

/** Written down before anything is done, so that a crash in the middle counts nothing twice and nothing wrong. */
async function nextSlice({ ledger, clock }: OperationParts, operation: Operation): Promise<Operation> {
  const { cursor, ...rest } = operation;
  const ended: Operation = { ...rest, status: 'done', endedAt: clock.wallNow() };
  if (operation.isLastSlice) return ended;
  const { tenant, filter } = operation;
  const page = await ledger.list({ ...filter, tenant, states: ['dead'], max: PAGE_MAX, ...(cursor !== undefined && { cursor }) });
  if (page.jobs.length === 0 && page.cursor === undefined) return ended;
  const slice = page.jobs.map(({ id }) => id);
  return { ...rest, slice, isLastSlice: page.cursor === undefined, ...(page.cursor !== undefined && { cursor: page.cursor }) };
}

async function workOff({ ledger }: OperationParts, operation: Operation, isResumed: boolean): Promise<Operation> {
  const { slice, filter } = operation;
  const options = { ...(filter.endedBefore !== undefined && { endedBefore: filter.endedBefore }) };
  const answers = operation.kind === 'requeue' ? await ledger.requeue(slice, options) : await ledger.purge(slice, options);
  const isDone = (_: JobId, index: number): boolean => isResumed || answers[index]?.kind !== 'refused';
  const done = slice.filter(isDone).length;
  return { ...operation, slice: [], done: operation.done + done, failed: operation.failed + slice.length - done };
}
