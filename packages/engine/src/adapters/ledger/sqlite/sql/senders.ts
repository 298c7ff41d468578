/** A sender's row and its lanes: who waits, for what time, and how many jobs it has in each state. */

// in:  senders.seq
export const SENDER =
  'SELECT name AS sender, has_scopes, scheduled_count, ready_count, high_count, open_count, gate FROM senders WHERE seq = ?';
export const SENDER_NAMED = 'SELECT seq FROM senders WHERE name = ? AND has_scopes = 1';

// in:  scheduled_count, ready_count, high_count, open_count, gate, senders.seq
// why one statement an act: these counts decide who may go, so they change with the jobs they count
// why without `waiting`: a statement that names it has to touch the indexes of those that wait
export const SAVE_SENDER = `
  UPDATE senders SET scheduled_count = ?, ready_count = ?, high_count = ?, open_count = ?, gate = ? WHERE seq = ?`;
// in:  senders.seq, not_before at least
export const WAKE_SENDER_THAT_WAITS = 'UPDATE senders SET waiting = 1 WHERE seq = ? AND waiting >= 2 AND not_before >= ?';

// in:  lanes.seq
export const LANE_FACTS = 'SELECT seq, owner, sender, name, kind, priority, retried FROM lanes WHERE seq = ?';
// in:  retried, lanes.seq; out: the lane of the same name for jobs that need a token, or need none
export const TWIN_LANE = `
  SELECT twin.seq FROM lanes l
    JOIN lanes twin ON twin.sender = l.sender AND twin.name = l.name AND twin.kind = l.kind AND twin.priority = l.priority AND twin.retried = ?
   WHERE l.seq = ?`;
export const ADD_TWIN_LANE = `
  INSERT INTO lanes (sender, name, kind, priority, retried, owner, identity)
  SELECT sender, name, kind, priority, ?, owner, identity FROM lanes WHERE seq = ? RETURNING seq`;

// in:  lanes.seq
// why one act with the job's change: a ready job in a lane that is not marked would wait for ever
export const WAKE_LANE = 'UPDATE lanes SET waiting = 1 WHERE seq = ? AND waiting = 0 RETURNING owner';
/** The same, for a lane whose first job may be another one now. */
export const WAKE_LANE_AGAIN = 'UPDATE lanes SET waiting = 1, held_by = NULL WHERE seq = ? AND waiting <> 1 RETURNING owner';
// why not 2: then no lane of it may go, a new one neither
export const WAKE_SENDER = 'UPDATE senders SET waiting = 1 WHERE seq = ? AND waiting IN (0, 3)';

// in:  scope, not_before at least
export const WAKE_HELD_LANES = 'UPDATE lanes SET waiting = 1, held_by = NULL WHERE held_by = ? AND not_before >= ? RETURNING owner';
// in:  senders.seq
export const WAKE_ALL_LANES = 'UPDATE lanes SET waiting = 1, held_by = NULL WHERE owner = ? AND waiting = 2';
// in:  not_before, senders.seq, not_before
export const WAKE_RETRIED_BY = 'UPDATE lanes SET not_before = ? WHERE owner = ? AND waiting = 2 AND retried = 1 AND not_before > ?';
export const WAKE_SENDER_BY = 'UPDATE senders SET not_before = min(not_before, ?) WHERE seq = ? AND waiting = 3';
