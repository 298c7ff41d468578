/** Jobs whose time to be sent is over. */

// in:  now, max; out: oldest first
export const EXPIRED = `
  SELECT seq, state, lane FROM jobs WHERE expires_at IS NOT NULL AND state IN ('scheduled', 'ready') AND expires_at <= ? ORDER BY expires_at LIMIT ?`;

// in:  reason, now, jobs.seq
export const EXPIRE = "UPDATE jobs SET state = 'dead', reason = ?, finished_at = ? WHERE seq = ?";

/** Jobs whose time has come. */

// in:  now, max; out: seq, oldest due first
export const DUE = "SELECT seq FROM jobs WHERE state = 'scheduled' AND due_at <= ? ORDER BY due_at, seq LIMIT ?";

// in:  JSON array of jobs.seq; out: what their lanes have to know
export const MAKE_READY = `
  UPDATE jobs SET state = 'ready' WHERE seq IN (SELECT value FROM json_each(?)) RETURNING lane, runs_apart`;
