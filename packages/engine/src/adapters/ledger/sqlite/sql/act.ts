/** What every act may do beside its own change, in the same transaction. */

// in:  jobs (difference, may be negative), state
// why one act: a count that is not exact at each commit drifts for good
export const COUNT = 'UPDATE state_counts SET jobs = jobs + ? WHERE state = ?';

// in:  at (ledger ms), jobs.seq, kind, state after it
export const TELL = 'INSERT INTO events (at, job, kind, state) VALUES (?, ?, ?, ?)';

const ATTEMPT = 'INSERT INTO attempts (job, token, number, worker, started_at, ended_at, ending, counted, note, seen) VALUES';
// in:  job, token, worker, started_at, ended_at, ending, counted, note, seen
export const KEEP_ATTEMPT = `${ATTEMPT} (?1, ?2, 0, ?3, ?4, ?5, ?6, ?7, ?8, ?9)`;
/** One that ended as `sent`, under the lease that its job's row tells of. in: ended_at, note, seen, jobs.seq */
export const KEEP_SENT = `
  INSERT INTO attempts (job, token, number, worker, started_at, ended_at, ending, counted, note, seen)
  SELECT seq, token, 0, worker, leased_at, ?, 'sent', 1, ?, ? FROM jobs WHERE seq = ?`;
/** The same, for a lease that ended before: in doubt first, healed now. */
export const KEEP_ATTEMPT_AGAIN = `
  ${ATTEMPT} (?1, ?2, (SELECT count(*) FROM attempts WHERE job = ?1 AND token = ?2), ?3, ?4, ?5, ?6, ?7, ?8, ?9)`;

// in:  jobs.seq of a job that has become final
// why the condition: the bytes are kept while any job of the message may still be sent, or requeued
export const DROP_IDLE_PAYLOAD = `
  UPDATE mails SET payload = NULL
   WHERE seq = (SELECT mail FROM job_facts WHERE seq = ?)
     AND NOT EXISTS (
       SELECT 1 FROM job_facts f JOIN jobs j ON j.seq = f.seq WHERE f.mail = mails.seq AND j.state NOT IN ('sent', 'canceled'))`;

// in:  mails.seq of a message without any job on record
export const DROP_MAIL = 'DELETE FROM mails WHERE seq = ?';
