import type { Connection } from './connection.ts';
import type { JobRecord } from './email.ts';
import { autoKey } from './key.ts';
import { type List, listOn, queryOf, written } from './list.ts';
import { needed, onlyKnown } from './option.ts';
import { type Operation, operationHandle, type OperationRecord } from './operation.ts';

/** A job that somebody has to look at: given up (`deadLetters`) or in doubt (`doubts`), with what its mail is known by. */
export interface JobForReview extends JobRecord {
  /** Of the job; `requeue` and `resolveDoubt` take it, and take the email's id for all of its jobs. */
  readonly id: string;
  readonly emailId: string;
  readonly inboxId: string | null;
  readonly from: string;
  readonly subject: string | null;
}

/** Dead letters that died of one thing. */
export interface DeadLetterGroup {
  readonly reason: string;
  /** The class of failure that came most often; null when none was counted. */
  readonly failure: string | null;
  /** Of the last reply, such as 550 and `5.1.1`; null when there was none. */
  readonly code: number | null;
  readonly enhanced: string | null;
  readonly count: number;
  /** ISO 8601: when the first and the last of them died. */
  readonly firstAt: string;
  readonly lastAt: string;
  /** One of them, to look at. */
  readonly sample: JobForReview | null;
}

/** What is named narrows the choice; `{}` is all dead letters of this account. */
export interface DeadLetterFilter {
  /** `permanent`, `expired`, `exhausted`, `poison` or `decided`; several mean any of them. */
  readonly reason?: string | readonly string[];
  /** A class of failure that was counted: `network`, `greylist` or `deferred`; several mean any of them. */
  readonly failure?: string | readonly string[];
  /** The name of a sender; several mean any of them. */
  readonly sender?: string | readonly string[];
  /** An inbox, by id or address; several mean any of them. */
  readonly inbox?: string | readonly string[];
  /** That of a recipient. */
  readonly domain?: string;
  /** Died at or after this time; a number is epoch ms. */
  readonly since?: Date | number;
  /** Died before this time; a number is epoch ms. */
  readonly until?: Date | number;
}

const FILTER = ['reason', 'failure', 'sender', 'inbox', 'domain', 'since', 'until'];

/** Mail that does not go on by itself, and what to do about it. */
export interface Reviews {
  /**
   * Mail that was given up, newest first.
   *
   * @example
   * for await (const dead of mail.deadLetters({ reason: 'expired' })) console.log(dead.subject, dead.reason);
   */
  deadLetters(filter?: DeadLetterFilter): List<JobForReview>;

  /**
   * The same by cause: what killed how many, since when, with one of each to look at.
   *
   * @example
   * for (const { count, reason, code } of await mail.deadLetterGroups()) console.log(count, reason, code);
   */
  deadLetterGroups(filter?: DeadLetterFilter): Promise<readonly DeadLetterGroup[]>;

  /**
   * Tries a dead mail again: attempt 0, the same bytes, the same Message-ID.
   *
   * @throws ShoalError `not_found`, `wrong_state` when it is not dead
   * @example
   * await mail.requeue(dead.id);
   */
  requeue(id: string): Promise<void>;

  /**
   * Tries all dead mail again that a filter meets. The server works on it by itself; what dies again meanwhile is left dead.
   *
   * @throws ShoalError `refused_value`
   * @example
   * const operation = await mail.requeueAll({ reason: 'expired' });
   * const { done } = await operation.wait();
   */
  requeueAll(filter: DeadLetterFilter): Promise<Operation>;

  /**
   * Deletes all dead mail that a filter meets, for good.
   *
   * @throws ShoalError `refused_value`
   * @example
   * const operation = await mail.purge({ until: Date.now() - 30 * 86_400_000 });
   * await operation.wait();
   */
  purge(filter: DeadLetterFilter): Promise<Operation>;

  /**
   * Deletes one dead job, or all dead jobs of an email, for good.
   *
   * @throws ShoalError `not_found`, `wrong_state` when it is not dead
   * @example
   * await mail.purgeOne(dead.id);
   */
  purgeOne(id: string): Promise<void>;

  /**
   * An operation that was begun before, also by another process.
   *
   * @throws ShoalError `not_found`
   * @example
   * const operation = await mail.operation(id);
   * console.log(operation.done, operation.matched);
   */
  operation(id: string): Promise<Operation>;

  /**
   * Mail whose last byte was sent and whose reply was not seen, newest first.
   *
   * @example
   * for await (const doubt of mail.doubts()) console.log(doubt.recipients, doubt.subject);
   */
  doubts(): List<JobForReview>;

  /**
   * Decides a doubt: it did arrive (`sent`), send it once more (`resend`), or it did not and shall not (`dead`).
   *
   * @throws ShoalError `not_found`, `wrong_state` when it is not in doubt
   * @example
   * await mail.resolveDoubt(doubt.id, 'sent', { note: 'the recipient confirmed it' });
   */
  resolveDoubt(id: string, verdict: 'sent' | 'resend' | 'dead', options?: { readonly note?: string }): Promise<void>;
}

export function reviewsOn(call: Connection): Reviews {
  const known = (name: string, filter: DeadLetterFilter): object => {
    onlyKnown(name, filter, FILTER);
    return written(filter);
  };
  const begin = async (act: 'requeue' | 'purge', filter: object): Promise<Operation> =>
    operationHandle(
      call,
      await call.json<OperationRecord>({ method: 'POST', path: `/v1/dead-letters/${act}`, body: filter, idempotencyKey: autoKey() }),
    );
  return {
    deadLetters: (filter = {}) => listOn(call, '/v1/dead-letters', () => queryOf(known('deadLetters()', filter))),
    async deadLetterGroups(filter = {}) {
      const query = queryOf(known('deadLetterGroups()', filter)).toString();
      const path = `/v1/dead-letters/groups${query === '' ? '' : `?${query}`}`;
      return (await call.json<{ readonly data: readonly DeadLetterGroup[] }>({ method: 'GET', path })).data;
    },
    async requeue(id) {
      await call.json({ method: 'POST', path: `/v1/dead-letters/${named(id)}/requeue` });
    },
    requeueAll: async (filter) => begin('requeue', known('requeueAll()', filter)),
    purge: async (filter) => begin('purge', known('purge()', filter)),
    async purgeOne(id) {
      await call.json({ method: 'DELETE', path: `/v1/dead-letters/${named(id)}` });
    },
    operation: async (id) =>
      operationHandle(call, await call.json<OperationRecord>({ method: 'GET', path: `/v1/operations/${named(id)}` })),
    doubts: () => listOn(call, '/v1/doubts'),
    async resolveDoubt(id, verdict, options = {}) {
      onlyKnown('resolveDoubt()', options, ['note']);
      await call.json({ method: 'POST', path: `/v1/doubts/${named(id)}/resolve`, body: { verdict, ...options } });
    },
  };
}

function named(id: string): string {
  return encodeURIComponent(needed('id', id));
}
