/** Limits of scopes, the windows of their rules, and who sits in them. */

// out: a row if there is anything, so that a ledger without limits and holds asks for nothing more
export const ANY_RULE = 'SELECT 1 AS found FROM scope_limits UNION ALL SELECT 1 FROM holds LIMIT 1';
// out: what there is
export const ANY_RULES = `
  SELECT EXISTS (SELECT 1 FROM scope_limits) AS limits, EXISTS (SELECT 1 FROM holds) AS holds,
         EXISTS (SELECT 1 FROM holds WHERE scope >= 'identity:' AND scope < 'identity;')
           OR EXISTS (SELECT 1 FROM holds WHERE scope >= 'tenant:' AND scope < 'tenant;') AS job_holds,
         EXISTS (SELECT 1 FROM holds WHERE why IN ('pause', 'stop')) AS pauses`;

// in:  scope
export const SCOPE_LIMITS = 'SELECT limits, tat FROM scope_limits WHERE scope = ?';
export const RULES = 'SELECT id, unit, window_ms, used FROM rules WHERE scope = ?';
// in:  tat, scope
export const SAVE_TAT = 'UPDATE scope_limits SET tat = ? WHERE scope = ?';
// in:  used, rules.id
export const SAVE_USED = 'UPDATE rules SET used = ? WHERE id = ?';

// in:  rules.id, out of the window at or before
// out: the seats that left it
export const DROP_SEATS = 'DELETE FROM seats WHERE rule = ? AND held = 0 AND at <= ? RETURNING hash, cost';
// in:  rules.id, at or before; out: what a reader has to take off
export const PAST_COST = 'SELECT coalesce(sum(cost), 0) AS cost FROM seats WHERE rule = ? AND held = 0 AND at <= ?';
export const PAST_ADDRESSES = `
  SELECT count(*) AS cost FROM (
    SELECT hash FROM seats WHERE rule = ?1 AND hash IS NOT NULL GROUP BY hash HAVING max(held) = 0 AND max(at) <= ?2)`;

// in:  rules.id, hash, in the window after; out: a row while the address has a seat
export const HAS_SEAT = 'SELECT 1 AS found FROM seats WHERE rule = ? AND hash = ? AND (held = 1 OR at > ?) LIMIT 1';
// in:  rule, hash, job, at, held, cost
export const ADD_SEAT = 'INSERT INTO seats (rule, hash, job, at, held, cost) VALUES (?, ?, ?, ?, ?, ?)';

// in:  at, jobs.seq; why: a mail counts from its commit
export const COMMIT_SEATS = 'UPDATE seats SET at = ? WHERE job = ? AND held = 1';
export const LEAVE_SEATS = 'UPDATE seats SET held = 0 WHERE job = ? AND held = 1';
// in:  jobs.seq; out: what it gave back
export const GIVE_BACK_SEATS = 'DELETE FROM seats WHERE job = ? AND held = 1 RETURNING rule, hash, cost';

// in:  rules.id, in the window after, max; out: those that are not held, the oldest first
export const SEATS_BY_TIME = 'SELECT at, cost FROM seats WHERE rule = ? AND held = 0 AND at > ? ORDER BY at LIMIT ?';
// in:  rules.id, in the window after; out: each address with its last seat, the oldest first
export const ADDRESSES_BY_TIME = `
  SELECT hash, max(at) AS at FROM seats WHERE rule = ? AND hash IS NOT NULL AND (held = 1 OR at > ?)
   GROUP BY hash HAVING max(held) = 0 ORDER BY 2`;
// in:  rules.id, in the window after
export const FIRST_SEAT = 'SELECT at FROM seats WHERE rule = ? AND held = 0 AND at > ? ORDER BY at LIMIT 1';

// in:  scope, hash
export const IS_ADDRESS_KNOWN = 'SELECT 1 AS found FROM known_addresses WHERE scope = ? AND hash = ?';
export const KNOW_ADDRESS = 'INSERT OR IGNORE INTO known_addresses (scope, hash) VALUES (?, ?)';
export const SALT = "SELECT value FROM ledger_facts WHERE name = 'address_salt'";

// ---- Changing limits

// in:  scope, limits
export const SET_LIMITS =
  'INSERT INTO scope_limits (scope, limits) VALUES (?, ?) ON CONFLICT (scope) DO UPDATE SET limits = excluded.limits';
// in:  scope, unit, window_ms; out: its id, new or not
export const SET_RULE = `
  INSERT INTO rules (scope, unit, window_ms) VALUES (?, ?, ?)
  ON CONFLICT (scope, unit, window_ms) DO UPDATE SET unit = unit RETURNING id`;
// in:  new rule, old rule
export const COPY_SEATS =
  'INSERT INTO seats (rule, hash, job, at, held, cost) SELECT ?, hash, job, at, held, cost FROM seats WHERE rule = ?';
export const COPY_USED = 'UPDATE rules SET used = (SELECT used FROM rules WHERE id = ?) WHERE id = ?';
// in:  rules.id
export const DROP_RULE = 'DELETE FROM rules WHERE id = ?';
export const DROP_SEATS_OF_RULE = 'DELETE FROM seats WHERE rule = ?';

// ---- Connections

// in:  senders.seq
export const SLOTS = 'SELECT id, worker, job, until FROM slots WHERE owner = ?';
// in:  owner, worker, job, until
export const ADD_SLOT = 'INSERT INTO slots (owner, worker, job, until) VALUES (?, ?, ?, ?)';
export const USE_SLOT = 'UPDATE slots SET job = ? WHERE id = ?';
// in:  until, jobs.seq; out: a change if it had one
export const LEAVE_SLOT = 'UPDATE slots SET job = NULL, until = ? WHERE job = ?';
// in:  owner, now
export const DROP_SLOTS = 'DELETE FROM slots WHERE owner = ? AND job IS NULL AND until <= ?';
