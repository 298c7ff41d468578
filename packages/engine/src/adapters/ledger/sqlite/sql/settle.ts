/** The statements that record what came of an attempt, or what happened to a job without one. */

// in:  jobs.seq, jobs.id; out: what a settle has to know, and no more, since it is read for every mail
export const JOB_TO_SETTLE = `
  SELECT seq, id, lane, state, runs_apart, token, settled_token, worker, leased_at, attempts, failures, due_at, first_failed_at,
         busy_releases, seated
    FROM jobs WHERE seq = ? AND id = ?`;

// in:  state, due_at, resend_at, reason, doubt, settled_token, attempts, failures, first_failed_at, finished_at, lane, busy_releases, jobs.seq
// why one statement for every outcome: the state, its times and its counters never disagree, whatever is read in between
export const SETTLE = `
  UPDATE jobs SET state = ?, due_at = ?, resend_at = ?, reason = ?, doubt = ?, settled_token = ?, attempts = ?, failures = ?,
         first_failed_at = ?, finished_at = ?, lane = ?, busy_releases = ?, nonce = NULL, seated = 0
   WHERE seq = ?`;

// in:  finished_at, jobs.seq, jobs.id, token, lane
// out: a change if it was being sent under this lease and held no seats; else the long way says what is to be done
// why apart: the end of nearly every mail, so it is one statement that looks and writes, and names no column that need not change
export const SETTLE_SENT = `
  UPDATE jobs SET state = 'sent', settled_token = token, attempts = attempts + 1, finished_at = ?, busy_releases = 0, nonce = NULL
   WHERE seq = ? AND id = ? AND token = ? AND lane = ? AND state = 'sending' AND seated = 0`;

// in:  jobs.seq; out: its envelope
export const ENVELOPE = 'SELECT envelope FROM job_facts WHERE seq = ?';
// in:  envelope, jobs.seq
export const NARROW = 'UPDATE job_facts SET envelope = ? WHERE seq = ?';

// in:  id, lane, now, now, now, parent's seq; out: seq
// why ready: the settle of the child's own outcome follows in the same act
export const ADD_CHILD = `
  INSERT INTO jobs (id, lane, state, created_at, queued_at, due_at, expires_at)
  SELECT ?, ?, 'ready', ?, ?, ?, expires_at FROM jobs WHERE seq = ? RETURNING seq`;
// in:  seq, envelope, parent's id, parent's seq
export const ADD_CHILD_FACTS = `
  INSERT INTO job_facts (seq, tenant, mail, envelope, on_doubt, fingerprint, key, parent)
  SELECT ?, tenant, mail, ?, on_doubt, fingerprint, key, ? FROM job_facts WHERE seq = ?`;
