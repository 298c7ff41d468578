import type { Connection } from './connection.ts';
import type { WaitOptions } from './email.ts';
import { ShoalError } from './error.ts';
import { onlyKnown, positiveNumber } from './option.ts';
import { until } from './until.ts';

/** Work on many jobs at once, as the server knows it now. It goes on by itself, also over restarts of the server. */
export interface OperationRecord {
  readonly id: string;
  /** `requeue` or `purge`. */
  readonly kind: string;
  readonly status: 'running' | 'done';
  /** Jobs that the filter met when it began. */
  readonly matched: number;
  readonly done: number;
  /** Jobs that were no longer dead when their turn came. */
  readonly failed: number;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly endedAt: string | null;
}

/** An operation that was begun. The fields are as last seen. */
export interface Operation extends OperationRecord {
  /**
   * Asks how far it is.
   *
   * @example
   * const { done, matched } = await operation.refresh();
   */
  refresh(): Promise<OperationRecord>;

  /**
   * Waits until it has ended.
   *
   * @throws ShoalError `timeout`: it goes on
   * @example
   * const { done } = await operation.wait({ timeoutMs: 300_000 });
   */
  wait(options?: WaitOptions): Promise<OperationRecord>;
}

export function operationHandle(connection: Connection, begun: OperationRecord): Operation {
  let known = begun;
  const read = async (signal?: AbortSignal): Promise<OperationRecord> => {
    const path = `/v1/operations/${encodeURIComponent(begun.id)}`;
    known = await connection.json<OperationRecord>({ method: 'GET', path, signal });
    return known;
  };
  return {
    id: begun.id,
    kind: begun.kind,
    createdAt: begun.createdAt,
    get status() {
      return known.status;
    },
    get matched() {
      return known.matched;
    },
    get done() {
      return known.done;
    },
    get failed() {
      return known.failed;
    },
    get endedAt() {
      return known.endedAt;
    },
    refresh: () => read(),
    async wait(options = {}) {
      onlyKnown('wait()', options, ['timeoutMs', 'signal']);
      const timeoutMs = positiveNumber('timeoutMs', options.timeoutMs, 60_000);
      return until({
        look: async (signal) => {
          const record = await read(signal);
          return record.status === 'running' ? undefined : record;
        },
        timeoutMs,
        tooLate: () => stillRunning(known, timeoutMs),
        signal: options.signal,
      });
    },
  };
}

function stillRunning({ id, done, matched }: OperationRecord, timeoutMs: number): ShoalError {
  return new ShoalError({
    code: 'timeout',
    message: `${id} did ${done} of ${matched} within ${timeoutMs} ms`,
    retryable: true,
    hint: 'It goes on by itself; `mail.operation(id)` finds it again.',
    details: { id },
  });
}
