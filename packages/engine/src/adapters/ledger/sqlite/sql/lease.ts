/** The statements of `lease`, but for whose turn it is (`sql/deal.ts`). */

// in:  worker, leased_at, leased_until, JSON array of jobs.seq
// why one act with the look: between the two another process could take the same job
export const LEASE = `
  UPDATE jobs SET state = 'leased', token = token + 1, worker = ?, leased_at = ?, leased_until = ?
   WHERE seq IN (SELECT value FROM json_each(?))`;
// in:  JSON array of jobs.seq
export const HOLDS_SEATS = 'UPDATE jobs SET seated = 1 WHERE seq IN (SELECT value FROM json_each(?))';

// in:  now, worker, runs_apart, JSON array of `id token`, max
// out: live leases of this worker that are not among those
export const UNANSWERED = `
  SELECT seq FROM jobs
   WHERE state IN ('leased', 'sending') AND leased_until > ? AND state = 'leased' AND worker = ? AND runs_apart = ?
     AND id || ' ' || token NOT IN (SELECT value FROM json_each(?))
   LIMIT ?`;
// in:  leased_until, JSON array of jobs.seq
export const LEASE_AGAIN = 'UPDATE jobs SET leased_until = ? WHERE seq IN (SELECT value FROM json_each(?))';
