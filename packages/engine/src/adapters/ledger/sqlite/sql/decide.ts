/** Acts from outside: cancel, resolve, requeue. */

// in:  now, jobs.seq
// why in the act of the look: the write lock is held, so a commit at the same moment is before both or after both
export const CANCEL = "UPDATE jobs SET state = 'canceled', finished_at = ?, seated = 0 WHERE seq = ?";

// in:  state (sent or dead), reason, now, jobs.seq
export const DECIDE = `
  UPDATE jobs SET state = ?, reason = ?, finished_at = ?, doubt = NULL, resend_at = NULL, nonce = NULL WHERE seq = ?`;

// in:  lane, now, now, jobs.seq
export const REQUEUE = `
  UPDATE jobs SET state = 'ready', lane = ?, queued_at = ?, due_at = ?, reason = NULL, finished_at = NULL, first_failed_at = NULL, failures = NULL,
         attempts = 0, busy_releases = 0, crashes = 0, crashes_apart = 0, runs_apart = 0
   WHERE seq = ?`;
