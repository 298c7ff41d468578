/** Holds on scopes, and who is there to be held. */

// in:  JSON array of scopes, now; out: the oldest first
export const HOLDS =
  'SELECT scope, why, until, note, login, since FROM holds WHERE scope IN (SELECT value FROM json_each(?)) AND (until IS NULL OR until > ?) ORDER BY seq';
// in:  scope, why, until, note, login, since
export const SET_HOLD = `
  INSERT INTO holds (scope, why, until, note, login, since) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (scope, why) DO UPDATE SET until = excluded.until, note = excluded.note, login = excluded.login, since = excluded.since`;
// in:  scope, why; out: a change if it was there
export const LIFT = 'DELETE FROM holds WHERE scope = ? AND why = ?';

// in:  jobs.id; out: what says whether its commit is paused
export const JOB_TO_COMMIT = `
  SELECT j.state, j.token, j.leased_until, j.expires_at, l.sender, l.name, l.kind, f.tenant, f.envelope
    FROM jobs j JOIN lanes l ON l.seq = j.lane JOIN job_facts f ON f.seq = j.seq WHERE j.id = ?`;

// in:  scope after (exclusive), scope before (exclusive), name after (exclusive), max
// out: scopes with limits or holds, and names with jobs, of one kind; in the order of their names
const KNOWN = `
  SELECT scope FROM scope_limits WHERE scope > ?1 AND scope < ?2 AND limits IS NOT NULL
  UNION SELECT scope FROM holds WHERE scope > ?1 AND scope < ?2`;
export const SCOPES_OF = {
  sender: `${KNOWN} UNION SELECT 'sender:' || name FROM senders WHERE name > ?3 AND scheduled_count + ready_count + open_count > 0 ORDER BY 1 LIMIT ?4`,
  inbox: `${KNOWN} UNION SELECT 'inbox:' || name FROM lanes WHERE name > ?3 AND kind = 'send' ORDER BY 1 LIMIT ?4`,
  tenant: `${KNOWN} UNION SELECT * FROM (
    WITH RECURSIVE names (name) AS (
      SELECT min(tenant) FROM job_facts WHERE tenant > ?3
      UNION ALL SELECT (SELECT min(tenant) FROM job_facts WHERE tenant > name) FROM names WHERE name IS NOT NULL LIMIT ?4)
    SELECT 'tenant:' || name FROM names WHERE name IS NOT NULL) ORDER BY 1 LIMIT ?4`,
  identity: `${KNOWN} UNION SELECT 'identity:' || identity FROM lanes WHERE identity > ?3 AND kind = 'send' ORDER BY 1 LIMIT ?4`,
  budget: `${KNOWN} AND ?3 IS NOT NULL ORDER BY 1 LIMIT ?4`,
} as const;

// ---- Workers

// in:  id, beat (JSON), now, now
export const BEAT = `
  INSERT INTO workers (id, beat, started_at, seen_at) VALUES (?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET beat = excluded.beat, seen_at = excluded.seen_at`;
// in:  seen at or before; why: a worker's name is used once
export const FORGET_WORKERS = 'DELETE FROM workers WHERE seen_at <= ?';
// in:  seen after
export const WORKERS = 'SELECT beat, started_at, seen_at FROM workers WHERE seen_at > ? ORDER BY id';
