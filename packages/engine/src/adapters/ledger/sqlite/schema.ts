import type { Migration } from '../../_shared/sqlite-migrations.ts';
import { LIMITS } from './schema-limits.ts';

/**
 * The ledger's tables. What changes with every state is narrow and alone (`jobs`); what never changes stands beside it
 * (`job_facts`), and the bytes apart from both (`mails`), so that a state change never rewrites them. Partial indexes
 * hold only the jobs that somebody looks for in that state.
 */
export const LEDGER_MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    sql: `
      -- Identity of this ledger, such as its number of partitions.
      CREATE TABLE ledger_facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

      CREATE TABLE jobs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of creation; never used twice, since events point to it
        id TEXT NOT NULL UNIQUE,
        lane INTEGER NOT NULL,                  -- lanes.seq
        state TEXT NOT NULL,
        runs_apart INTEGER NOT NULL DEFAULT 0,
        token INTEGER NOT NULL DEFAULT 0,
        settled_token INTEGER,
        worker TEXT, leased_at INTEGER, leased_until INTEGER, -- of the newest lease, also when it is over
        nonce TEXT,                             -- of the commit, while sending
        attempts INTEGER NOT NULL DEFAULT 0,
        failures TEXT,                          -- JSON, class to count
        crashes INTEGER NOT NULL DEFAULT 0,
        crashes_apart INTEGER NOT NULL DEFAULT 0,
        resends INTEGER NOT NULL DEFAULT 0,
        created_at INTEGER NOT NULL,
        queued_at INTEGER NOT NULL,             -- created, or requeued
        due_at INTEGER NOT NULL,                -- when it may run, and its place in the lane once it is ready
        resend_at INTEGER,                      -- in doubt: when it is sent once more
        expires_at INTEGER,
        first_failed_at INTEGER,
        finished_at INTEGER,
        reason TEXT,
        doubt TEXT
      ) STRICT;
      CREATE INDEX jobs_ready ON jobs (lane, due_at) WHERE state = 'ready' AND runs_apart = 0;
      CREATE INDEX jobs_ready_apart ON jobs (due_at) WHERE state = 'ready' AND runs_apart = 1;
      CREATE INDEX jobs_scheduled ON jobs (due_at) WHERE state = 'scheduled';
      CREATE INDEX jobs_held ON jobs (leased_until) WHERE state IN ('leased', 'sending');
      CREATE INDEX jobs_resending ON jobs (resend_at) WHERE resend_at IS NOT NULL;
      CREATE INDEX jobs_expiring ON jobs (expires_at) WHERE expires_at IS NOT NULL AND state IN ('scheduled', 'ready');
      CREATE INDEX jobs_done ON jobs (finished_at) WHERE state IN ('sent', 'canceled');
      CREATE INDEX jobs_in_doubt ON jobs (seq) WHERE state = 'in_doubt';
      CREATE INDEX jobs_dead ON jobs (seq) WHERE state = 'dead';

      CREATE TABLE job_facts (
        seq INTEGER PRIMARY KEY,                -- jobs.seq
        tenant TEXT NOT NULL,
        mail INTEGER NOT NULL,                  -- mails.seq
        envelope TEXT NOT NULL,                 -- JSON
        on_doubt TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        key BLOB,                               -- keys.hash
        content BLOB,                           -- contents.hash; a child has none
        parent TEXT                             -- jobs.id
      ) STRICT;
      CREATE INDEX job_facts_by_mail ON job_facts (mail);
      CREATE INDEX job_facts_by_tenant ON job_facts (tenant);

      CREATE TABLE mails (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        size_bytes INTEGER NOT NULL,
        payload BLOB                            -- last, so that reading the others never walks its pages
      ) STRICT;

      -- A lane of one kind of job within a sender. waiting = 1: it may have ready jobs; set when one becomes ready, cleared
      -- by the lease that finds none. turn: of its last turn; kept while it is empty, so that a refill jumps no queue.
      CREATE TABLE lanes (
        seq INTEGER PRIMARY KEY,
        sender TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
        waiting INTEGER NOT NULL DEFAULT 0,
        turn INTEGER NOT NULL DEFAULT 0,
        UNIQUE (sender, name, kind)
      ) STRICT;
      CREATE INDEX lanes_waiting ON lanes (sender, turn, kind) WHERE waiting = 1;
      CREATE TABLE senders (
        sender TEXT PRIMARY KEY,
        waiting INTEGER NOT NULL DEFAULT 0,     -- a lane of it is
        turn INTEGER NOT NULL DEFAULT 0
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX senders_waiting ON senders (turn) WHERE waiting = 1;

      -- mail is gone once the record's time is over; the generation stays, one higher.
      CREATE TABLE keys (hash BLOB PRIMARY KEY, generation INTEGER NOT NULL, mail INTEGER) STRICT, WITHOUT ROWID;
      CREATE TABLE contents (
        hash BLOB NOT NULL, created_at INTEGER NOT NULL, job INTEGER NOT NULL, PRIMARY KEY (hash, created_at, job)
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE attempts (
        job INTEGER NOT NULL, token INTEGER NOT NULL, number INTEGER NOT NULL,
        worker TEXT NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER NOT NULL,
        ending TEXT NOT NULL, counted INTEGER NOT NULL, note TEXT NOT NULL,
        seen TEXT,                              -- JSON: phase, reply, recipients, facts
        PRIMARY KEY (job, token, number)
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, job INTEGER NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL
      ) STRICT;
      CREATE INDEX events_by_job ON events (job); -- they go with their job

      -- How many jobs are in each state, kept by every act: counting a million rows would hold up the mail.
      CREATE TABLE state_counts (state TEXT PRIMARY KEY, jobs INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      INSERT INTO state_counts (state, jobs) VALUES
        ('scheduled', 0), ('ready', 0), ('leased', 0), ('sending', 0), ('in_doubt', 0), ('sent', 0), ('dead', 0), ('canceled', 0);`,
  },
  LIMITS,
];
