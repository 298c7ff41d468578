/** The statements of `sweep`: bounded look-ups by time, each on an index that holds only what is looked for. */

// in:  now, state, max
export const LAPSED = `
  SELECT j.* FROM jobs j WHERE j.state IN ('leased', 'sending') AND j.leased_until <= ? AND j.state = ? ORDER BY j.leased_until LIMIT ?`;

// in:  state, due_at, reason, finished_at, crashes, crashes_apart, runs_apart, jobs.seq
export const CRASH = `
  UPDATE jobs SET state = ?, due_at = ?, reason = ?, finished_at = ?, crashes = ?, crashes_apart = ?, runs_apart = ?, seated = 0
   WHERE seq = ?`;

// in:  resend_at, jobs.seq
export const LOSE_WORKER = `
  UPDATE jobs SET state = 'in_doubt', doubt = 'worker-lost', attempts = attempts + 1, resend_at = ?, nonce = NULL, seated = 0
   WHERE seq = ?`;
// in:  jobs.seq
export const ON_DOUBT = 'SELECT on_doubt FROM job_facts WHERE seq = ?';

// in:  now, max
export const RESEND_DUE = `SELECT * FROM jobs WHERE resend_at <= ? AND state = 'in_doubt' ORDER BY resend_at LIMIT ?`;
// in:  now, jobs.seq
export const RESEND = `
  UPDATE jobs SET state = 'ready', due_at = ?, resend_at = NULL, doubt = NULL, nonce = NULL, resends = resends + 1 WHERE seq = ?`;

// in:  finished at or before, max
export const OLD = `
  SELECT j.seq, j.state, f.mail, m.id AS message_id, f.key, f.content, j.created_at
    FROM (SELECT * FROM jobs WHERE state IN ('sent', 'canceled') AND finished_at <= ? ORDER BY finished_at LIMIT ?) AS j
    JOIN job_facts f ON f.seq = j.seq
    JOIN mails m ON m.seq = f.mail`;

// in:  jobs.seq, each of them; why one act: half a job is worse than none
export const DROP_JOB = 'DELETE FROM jobs WHERE seq = ?';
export const DROP_FACTS = 'DELETE FROM job_facts WHERE seq = ?';
export const DROP_ATTEMPTS = 'DELETE FROM attempts WHERE job = ?';
export const DROP_EVENTS = 'DELETE FROM events WHERE job = ?';
// in:  contents.hash, created_at, jobs.seq
export const DROP_CONTENT = 'DELETE FROM contents WHERE hash = ? AND created_at = ? AND job = ?';

// in:  mails.seq; out: a row while a job of that message is on record
export const MAIL_IN_USE = 'SELECT 1 AS found FROM job_facts WHERE mail = ? LIMIT 1';
// in:  keys.hash, mails.seq
export const FREE_KEY = 'UPDATE keys SET generation = generation + 1, mail = NULL WHERE hash = ? AND mail = ?';
