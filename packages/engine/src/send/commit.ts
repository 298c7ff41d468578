import type { WorkerId } from '../model/ids.ts';
import type { Clock } from '../ports/clock.ts';
import type { Committed, Ledger } from '../ports/ledger.ts';
import type { Log } from '../ports/log.ts';
import { hasTimeLeft } from './lease.ts';
import type { Held } from './pipeline.ts';

/** `unanswered`: the ledger could not be asked, or its answer was lost. It may think the job committed; the dot is not written all the same. */
export type CommitAnswer = Committed | { readonly kind: 'refused'; readonly because: 'unanswered' };

/** A commit is waited for with an open connection, so it is not asked for long. */
const ASKED_MAX = 4;
const ASK_AGAIN_MS = 250;

/**
 * Asks for the permission to write the final dot. A call that fails is made again with the same nonce: if the first one was
 * applied and only its answer was lost, the ledger says `granted` again, so a lost answer costs neither the mail nor a doubt.
 * Calls made in one turn of the event loop share one round trip; that is the ledger's own doing.
 */
export function createCommit(parts: { readonly ledger: Ledger; readonly clock: Clock; readonly log: Log; readonly worker: WorkerId }) {
  const { ledger, clock, log, worker } = parts;
  let count = 0;

  return async function commit(held: Held): Promise<CommitAnswer> {
    const { jobId, token } = held.lease;
    count += 1;
    const ref = { jobId, token, nonce: `${worker}.${count}` };
    for (let asked = 1; ; asked += 1) {
      try {
        const [answer] = await ledger.commit([ref]);
        if (answer === undefined) throw new Error('the ledger answered no commit');
        return answer;
      } catch (cause) {
        log.warn('commit failed', { jobId, asked, cause });
        if (asked === ASKED_MAX || !hasTimeLeft(held, clock)) return { kind: 'refused', because: 'unanswered' };
        await clock.sleep(ASK_AGAIN_MS * 2 ** (asked - 1));
      }
    }
  };
}
