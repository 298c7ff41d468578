/**
 * The statements of dealing. Senders and lanes are looked up by whose last turn is longest ago, jobs by their place in the
 * lane; none of them walks a backlog, and what waits for a time is not touched before that time.
 */

// in:  now; out: senders whose time has come
export const WAKE_DUE_SENDERS = 'UPDATE senders SET waiting = 1 WHERE waiting >= 2 AND not_before <= ? RETURNING seq';
// in:  senders.seq, now
export const WAKE_DUE_LANES = 'UPDATE lanes SET waiting = 1, held_by = NULL WHERE owner = ? AND waiting = 2 AND not_before <= ?';

// in:  turn and seq of the last one seen, kinds in one text (they hold no part of each other), max; out: senders with work of these kinds
export const SENDERS_WAITING = `
  SELECT seq, turn, dealt, clock FROM senders
   WHERE waiting = 1 AND (turn, seq) > (?, ?) AND EXISTS (
     SELECT 1 FROM lanes WHERE lanes.owner = senders.seq AND waiting = 1 AND instr(?, kind) > 0)
   ORDER BY turn, seq LIMIT ?`;

const LANE = 'seq, owner, sender, name, kind, priority, retried, turn, last_turn';
// in:  senders.seq, kinds in one text (they hold no part of each other), max; out: by priority, then who is least far
export const LANES_WAITING = `
  SELECT ${LANE} FROM lanes WHERE owner = ? AND waiting = 1 AND instr(?, kind) > 0 ORDER BY priority, turn LIMIT ?`;
// in:  the same; out: who waits longest
export const LANES_LONGEST = `
  SELECT ${LANE} FROM lanes WHERE owner = ? AND waiting = 1 AND instr(?, kind) > 0 ORDER BY last_turn LIMIT ?`;

// in:  lane, after (due_at, seq; exclusive), max; out: from the index alone
export const READY_IN_LANE = `
  SELECT seq, due_at FROM jobs
   WHERE lane = ? AND state = 'ready' AND runs_apart = 0 AND (due_at, seq) > (?, ?) ORDER BY due_at, seq LIMIT ?`;

// in:  jobs.seq; out: what its limits and holds have to know
export const JOB_TO_ADMIT = `
  SELECT j.state, j.expires_at, f.tenant, f.envelope FROM jobs j JOIN job_facts f ON f.seq = j.seq WHERE j.seq = ?`;

// in:  due_at and seq of the last one seen, kinds in one text (they hold no part of each other), max
export const READY_APART_PAGE = `
  SELECT j.seq, j.due_at, j.lane FROM jobs j JOIN lanes l ON l.seq = j.lane
   WHERE j.state = 'ready' AND j.runs_apart = 1 AND (j.due_at, j.seq) > (?, ?) AND instr(?, l.kind) > 0
   ORDER BY j.due_at, j.seq LIMIT ?`;

// in:  turn, last_turn, lanes.seq
export const END_LANE_TURN = 'UPDATE lanes SET turn = ?, last_turn = ? WHERE seq = ?';
// in:  waiting, not_before, held_by, lanes.seq
export const END_LANE = `
  UPDATE lanes SET waiting = ?1, not_before = ?2, held_by = ?3
   WHERE seq = ?4 AND (waiting IS NOT ?1 OR not_before IS NOT ?2 OR held_by IS NOT ?3)`;

// in:  turn, dealt, clock, senders.seq
export const END_SENDER_TURN = 'UPDATE senders SET turn = ?, dealt = ?, clock = ? WHERE seq = ?';
// in:  senders.seq, not_before or NULL when nothing holds it up as a whole
// why one statement: a lane that was woken meanwhile is seen
// why the condition: a lease that finds nothing new must not look like a change to those who wait for one
export const END_SENDER = `
  UPDATE senders SET waiting = after.waiting, not_before = after.not_before
    FROM (SELECT CASE WHEN NOT EXISTS (SELECT 1 FROM lanes WHERE owner = ?1 AND waiting = 1)
                       AND NOT EXISTS (SELECT 1 FROM lanes WHERE owner = ?1 AND waiting = 2) THEN 0
                      WHEN ?2 IS NOT NULL THEN 2
                      WHEN EXISTS (SELECT 1 FROM lanes WHERE owner = ?1 AND waiting = 1) THEN 1 ELSE 3 END AS waiting,
                 coalesce(?2, (SELECT min(not_before) FROM lanes WHERE owner = ?1 AND waiting = 2), 0) AS not_before) AS after
   WHERE seq = ?1 AND (senders.waiting <> after.waiting OR senders.not_before <> after.not_before)`;

// out: when the first of those that wait for a time may go
export const NEXT_LATER = `SELECT not_before FROM senders WHERE waiting >= 2 AND not_before < ${2 ** 52} ORDER BY not_before LIMIT 1`;

const FIRST = "SELECT seq FROM jobs WHERE lane = lanes.seq AND state = 'ready' AND runs_apart = 0 ORDER BY due_at, seq LIMIT 1";
const LAST = "SELECT seq FROM jobs WHERE lane = lanes.seq AND state = 'ready' AND runs_apart = 0 ORDER BY due_at DESC, seq DESC LIMIT 1";
// in:  senders.seq, max; out: its lanes with their first jobs, those whose time comes first
export const LANES_WITH_WORK = `
  SELECT * FROM (
    SELECT seq, owner, sender, name, kind, priority, retried, (${FIRST}) AS job FROM (
      SELECT * FROM lanes WHERE owner = ?1 AND waiting = 1 UNION ALL SELECT * FROM lanes WHERE owner = ?1 AND waiting = 2) AS lanes
     ORDER BY CASE waiting WHEN 1 THEN 0 ELSE not_before END LIMIT ?2)
   WHERE job IS NOT NULL`;
// in:  the same; out: the last job of one of its lanes
export const LAST_READY = `
  SELECT * FROM (
    SELECT seq, owner, sender, name, kind, priority, retried, (${LAST}) AS job FROM (
      SELECT * FROM lanes WHERE owner = ?1 AND waiting = 1 UNION ALL SELECT * FROM lanes WHERE owner = ?1 AND waiting = 2) AS lanes LIMIT ?2)
   WHERE job IS NOT NULL ORDER BY job DESC LIMIT 1`;

// in:  1: there are limits or holds; out: a row if somebody who may go might turn out to have to wait
export const UNJUDGED = 'SELECT 1 AS found FROM senders WHERE waiting = 1 AND (?1 = 1 OR gate IS NOT NULL) LIMIT 1';
