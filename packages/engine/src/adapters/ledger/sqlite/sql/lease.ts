/**
 * The statements of `lease`. Senders and lanes are looked up by whose last turn is longest ago, jobs by their place in
 * the lane; none of them walks a backlog.
 */

// in:  JSON array of kinds, max; out: senders with work of these kinds
export const SENDERS_WAITING = `
  SELECT sender FROM senders
   WHERE waiting = 1 AND EXISTS (
     SELECT 1 FROM lanes WHERE lanes.sender = senders.sender AND waiting = 1 AND kind IN (SELECT value FROM json_each(?)))
   ORDER BY turn LIMIT ?`;

// in:  sender, JSON array of kinds, max
export const LANES_WAITING = `
  SELECT seq FROM lanes WHERE sender = ? AND waiting = 1 AND kind IN (SELECT value FROM json_each(?)) ORDER BY turn, seq LIMIT ?`;

// in:  lane, after (due_at, seq; exclusive), max; out: from the index alone
export const READY_IN_LANE = `
  SELECT seq, due_at FROM jobs
   WHERE lane = ? AND state = 'ready' AND runs_apart = 0 AND (due_at, seq) > (?, ?) ORDER BY due_at, seq LIMIT ?`;

// in:  JSON array of kinds, max
export const READY_APART_PAGE = `
  SELECT j.seq FROM jobs j JOIN lanes l ON l.seq = j.lane
   WHERE j.state = 'ready' AND j.runs_apart = 1 AND l.kind IN (SELECT value FROM json_each(?)) ORDER BY j.due_at, j.seq LIMIT ?`;

// in:  worker, leased_at, leased_until, JSON array of jobs.seq
// why one act with the look: between the two another process could take the same job
export const LEASE = `
  UPDATE jobs SET state = 'leased', token = token + 1, worker = ?, leased_at = ?, leased_until = ?
   WHERE seq IN (SELECT value FROM json_each(?))`;

// in:  now, worker, runs_apart, JSON array of jobs.id, max
// out: live leases of this worker that are not among those ids
export const UNANSWERED = `
  SELECT seq FROM jobs
   WHERE state IN ('leased', 'sending') AND leased_until > ? AND state = 'leased' AND worker = ? AND runs_apart = ?
     AND id NOT IN (SELECT value FROM json_each(?))
   LIMIT ?`;
// in:  leased_until, JSON array of jobs.seq
export const LEASE_AGAIN = 'UPDATE jobs SET leased_until = ? WHERE seq IN (SELECT value FROM json_each(?))';

// in:  turn, waiting, lanes.seq
export const END_LANE_TURN = 'UPDATE lanes SET turn = ?, waiting = ? WHERE seq = ?';
export const LANE_IS_EMPTY = 'UPDATE lanes SET waiting = 0 WHERE seq = ?';
// in:  turn, sender
export const END_SENDER_TURN = 'UPDATE senders SET turn = ? WHERE sender = ?';
// in:  sender
export const SENDER_MAY_BE_EMPTY = `
  UPDATE senders SET waiting = 0
   WHERE sender = ? AND NOT EXISTS (SELECT 1 FROM lanes WHERE lanes.sender = senders.sender AND waiting = 1)`;
