/** Permission to write the final dot, and more time. */

// in:  nonce, jobs.seq, jobs.id, token, now, now
// out: a change if granted; none if refused, granted before with this nonce, or of another number (the caller reads the row
//      to say which)
// why one statement: the lease can run out or the job be canceled between a look and a write
export const COMMIT = `
  UPDATE jobs SET state = 'sending', nonce = ?
   WHERE seq = ? AND id = ? AND token = ? AND state = 'leased' AND leased_until > ? AND (expires_at IS NULL OR expires_at > ?)`;
/** The same, where it may hold seats, which count from now on. */
export const COMMIT_LIMITED = `${COMMIT} RETURNING seq, seated`;

// in:  leased_until, jobs.id, token, now
// out: one change if the lease was still its caller's
export const EXTEND = `
  UPDATE jobs SET leased_until = ? WHERE id = ? AND token = ? AND (state = 'sending' OR (state = 'leased' AND leased_until > ?))`;
