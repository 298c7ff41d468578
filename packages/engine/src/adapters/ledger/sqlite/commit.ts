import type { CommitRef, Committed, Extended, LeaseRef } from '../../../ports/ledger.ts';
import type { Act } from './act.ts';
import { isPaused } from './holds.ts';
import type { JobRow } from './rows.ts';
import { COMMIT, COMMIT_LIMITED, EXTEND } from './sql/commit.ts';
import { JOB_BY_ID } from './sql/read.ts';
import { COMMIT_SEATS } from './sql/seats.ts';

/** The dot may be written by the newest lease only, while it lives and the mail is still wanted; and once per lease. */
export function commitNow(act: Act, ref: CommitRef): Committed {
  if (isPaused(act, ref)) return { kind: 'refused', because: 'paused' };
  const values = [ref.nonce, act.seqOf(ref.jobId), ref.jobId, ref.token, act.now, act.now];
  if (!act.any().limits) {
    if (act.sql(COMMIT).run(...values).changes === 0) return sayWhyNotCommitted(act, ref);
  } else {
    const row = act.sql<{ seq: number; seated: number }>(COMMIT_LIMITED).get(...values);
    if (row === undefined) return sayWhyNotCommitted(act, ref);
    if (row.seated === 1) act.sql(COMMIT_SEATS).run(act.now, row.seq);
  }
  act.moved('leased', 'sending');
  return { kind: 'granted' };
}

function sayWhyNotCommitted(act: Act, ref: CommitRef): Committed {
  const row = act.sql<JobRow>(JOB_BY_ID).get(ref.jobId);
  if (row !== undefined && row.seq !== act.seqOf(ref.jobId)) {
    act.seqs.forget(ref.jobId);
    return commitNow(act, ref);
  }
  if (row === undefined || row.token !== ref.token) return { kind: 'refused', because: 'lost' };
  if (row.state === 'sending' && row.nonce === ref.nonce) return { kind: 'granted' }; // its first answer was lost
  if (row.state === 'canceled') return { kind: 'refused', because: 'canceled' };
  if (row.settled_token === ref.token) return { kind: 'refused', because: 'settled' };
  const isLive = row.state === 'leased' && row.leased_until !== null && row.leased_until > act.now;
  return { kind: 'refused', because: isLive ? 'expired' : 'lost' };
}

/** A worker may keep a job while its lease lives; one that is being sent, until a sweep found it abandoned. */
export function extendNow(act: Act, ref: LeaseRef, leaseMs: number): Extended {
  const { changes } = act.sql(EXTEND).run(act.now + Math.ceil(leaseMs), ref.jobId, ref.token, act.now);
  if (changes > 0) return { kind: 'extended' };
  const row = act.sql<JobRow>(JOB_BY_ID).get(ref.jobId);
  if (row === undefined) return { kind: 'lost', because: 'unknown' };
  if (row.token !== ref.token) return { kind: 'lost', because: 'token' };
  if (row.state === 'canceled') return { kind: 'lost', because: 'canceled' };
  return { kind: 'lost', because: row.settled_token === ref.token ? 'settled' : 'expired' };
}
