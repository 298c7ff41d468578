import type { Migration } from '../../_shared/sqlite-migrations.ts';

/**
 * Limits, holds, gates and priorities. A lane now is one inbox, one kind and one priority, and jobs that need a retry token
 * have a lane of their own beside it. A sender's mail has a row of its own beside its other jobs, which nothing limits, so
 * that what holds up its mail does not hold up those.
 */
export const LIMITS: Migration = {
  version: 2,
  sql: `
    ALTER TABLE jobs ADD COLUMN busy_releases INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN seated INTEGER NOT NULL DEFAULT 0; -- its lease holds seats or a slot

    -- waiting: 0 nothing is ready; 1 may have something to go; 2 none of it goes before not_before; 3 each of its lanes has a
    -- time of its own, not_before is the first of them. not_before may be too early, never too late.
    CREATE TABLE senders_2 (
      seq INTEGER PRIMARY KEY,
      name TEXT NOT NULL,
      has_scopes INTEGER NOT NULL,            -- 1: its mail; 0: its jobs of other kinds
      waiting INTEGER NOT NULL DEFAULT 0,
      not_before INTEGER NOT NULL DEFAULT 0,
      turn INTEGER NOT NULL DEFAULT 0,        -- number of its last turn
      dealt INTEGER NOT NULL DEFAULT 0,       -- turns so far
      clock REAL NOT NULL DEFAULT 0,          -- virtual time of the lane it served last
      scheduled_count INTEGER NOT NULL DEFAULT 0,
      ready_count INTEGER NOT NULL DEFAULT 0,
      high_count INTEGER NOT NULL DEFAULT 0,  -- ready, of high priority
      open_count INTEGER NOT NULL DEFAULT 0,  -- leased or being sent
      gate TEXT,                              -- JSON; NULL: open
      UNIQUE (name, has_scopes)
    ) STRICT;
    INSERT INTO senders_2 (name, has_scopes, waiting, turn)
      SELECT s.sender, l.kind = 'send', max(l.waiting), s.turn FROM senders s JOIN lanes l ON l.sender = s.sender
       GROUP BY s.sender, l.kind = 'send' ORDER BY s.turn;

    CREATE TABLE lanes_2 (
      seq INTEGER PRIMARY KEY,
      sender TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
      priority INTEGER NOT NULL,              -- 0 high, 1 normal, 2 low
      retried INTEGER NOT NULL,               -- 1: tried again, with a retry token; 2: greylisted
      owner INTEGER NOT NULL,                 -- senders.seq
      identity TEXT,                          -- domain its mail is from, as it was when the lane was made
      waiting INTEGER NOT NULL DEFAULT 0,     -- 0 idle, 1 may go, 2 not before not_before
      not_before INTEGER NOT NULL DEFAULT 0,
      held_by TEXT,                           -- the scope it waits for the longest
      turn REAL NOT NULL DEFAULT 0,           -- virtual time: a turn moves it on by 1 / weight
      last_turn INTEGER NOT NULL DEFAULT 0,
      UNIQUE (sender, name, kind, priority, retried)
    ) STRICT;
    INSERT INTO lanes_2 (seq, sender, name, kind, priority, retried, owner, waiting, last_turn)
      SELECT l.seq, l.sender, l.name, l.kind, 1, 0, s.seq, l.waiting, l.turn
        FROM lanes l JOIN senders_2 s ON s.name = l.sender AND s.has_scopes = (l.kind = 'send');
    DROP TABLE lanes;
    DROP TABLE senders;
    ALTER TABLE lanes_2 RENAME TO lanes;
    ALTER TABLE senders_2 RENAME TO senders;
    CREATE INDEX senders_waiting ON senders (turn, seq) WHERE waiting = 1;
    CREATE INDEX senders_later ON senders (not_before) WHERE waiting >= 2;
    CREATE INDEX lanes_waiting ON lanes (owner, priority, turn) WHERE waiting = 1;
    CREATE INDEX lanes_longest ON lanes (owner, last_turn) WHERE waiting = 1;
    CREATE INDEX lanes_later ON lanes (owner, not_before) WHERE waiting = 2;
    CREATE INDEX lanes_held ON lanes (held_by) WHERE held_by IS NOT NULL;

    -- Jobs that were tried before move to a lane of their own.
    CREATE TEMP TABLE tried AS
      SELECT seq, lane, state, runs_apart,
             CASE WHEN coalesce(json_extract(failures, '$.network'), 0) + coalesce(json_extract(failures, '$.deferred'), 0) > 0 THEN 1
                  ELSE 2 END AS retried
        FROM jobs
       WHERE coalesce(json_extract(failures, '$.network'), 0) + coalesce(json_extract(failures, '$.deferred'), 0)
           + coalesce(json_extract(failures, '$.greylist'), 0) > 0;
    INSERT INTO lanes (sender, name, kind, priority, retried, owner, waiting, last_turn)
      SELECT l.sender, l.name, l.kind, 1, t.retried, l.owner, max(t.state = 'ready' AND t.runs_apart = 0), l.last_turn
        FROM tried t JOIN lanes l ON l.seq = t.lane GROUP BY l.seq, t.retried;
    UPDATE jobs SET lane = moved.lane
      FROM (SELECT t.seq, twin.seq AS lane FROM tried t JOIN lanes l ON l.seq = t.lane
              JOIN lanes twin ON twin.sender = l.sender AND twin.name = l.name AND twin.kind = l.kind AND twin.priority = 1 AND twin.retried = t.retried) AS moved
     WHERE moved.seq = jobs.seq;
    DROP TABLE tried;
    UPDATE lanes SET identity = seen.domain
      FROM (SELECT j.lane, max(lower(substr(json_extract(f.envelope, '$.from'), instr(json_extract(f.envelope, '$.from'), '@') + 1))) AS domain
              FROM jobs j JOIN job_facts f ON f.seq = j.seq GROUP BY j.lane) AS seen
     WHERE seen.lane = lanes.seq;
    UPDATE senders SET scheduled_count = c.scheduled, ready_count = c.ready, open_count = c.open
      FROM (SELECT l.owner, sum(j.state = 'scheduled') AS scheduled, sum(j.state = 'ready') AS ready, sum(j.state IN ('leased', 'sending')) AS open
              FROM jobs j JOIN lanes l ON l.seq = j.lane GROUP BY l.owner) AS c
     WHERE c.owner = senders.seq;

    CREATE TABLE holds (
      seq INTEGER PRIMARY KEY, scope TEXT NOT NULL, why TEXT NOT NULL, until INTEGER, note TEXT NOT NULL, login TEXT,
      since INTEGER NOT NULL, UNIQUE (scope, why)
    ) STRICT;
    CREATE INDEX holds_pausing ON holds (scope) WHERE why IN ('pause', 'stop');

    -- What a scope may do: limits is JSON, NULL when it has none any more. tat: of its pace, when the next mail would be due.
    CREATE TABLE scope_limits (scope TEXT PRIMARY KEY, limits TEXT, tat INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
    -- One window of a scope and how much of it is taken, as a count of its seats would say.
    CREATE TABLE rules (
      id INTEGER PRIMARY KEY, scope TEXT NOT NULL, unit TEXT NOT NULL, window_ms INTEGER NOT NULL,
      used INTEGER NOT NULL DEFAULT 0, UNIQUE (scope, unit, window_ms)
    ) STRICT;
    -- One mail's place in a window; where addresses are counted, one for each of them. held: its lease is not over.
    CREATE TABLE seats (
      id INTEGER PRIMARY KEY, rule INTEGER NOT NULL, hash BLOB, job INTEGER NOT NULL, at INTEGER NOT NULL, held INTEGER NOT NULL,
      cost INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX seats_by_time ON seats (rule, at, cost) WHERE held = 0;
    CREATE INDEX seats_held ON seats (job) WHERE held = 1;
    CREATE INDEX seats_held_by_rule ON seats (rule) WHERE held = 1;
    CREATE INDEX seats_by_address ON seats (rule, hash, held, at) WHERE hash IS NOT NULL;
    -- Addresses a scope has mailed, for as long as it counts new ones.
    CREATE TABLE known_addresses (scope TEXT NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (scope, hash)) STRICT, WITHOUT ROWID;
    -- Connections of a sender: in use by a job, or kept by its worker until a time.
    CREATE TABLE slots (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL, worker TEXT NOT NULL, job INTEGER, until INTEGER NOT NULL) STRICT;
    CREATE INDEX slots_of_sender ON slots (owner);
    CREATE INDEX slots_of_job ON slots (job) WHERE job IS NOT NULL;

    CREATE TABLE workers (id TEXT PRIMARY KEY, beat TEXT NOT NULL, started_at INTEGER NOT NULL, seen_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

    -- Addresses are kept as hashes only, of a salt that is this file's own.
    INSERT INTO ledger_facts (name, value) VALUES ('address_salt', lower(hex(randomblob(16))));`,
};
