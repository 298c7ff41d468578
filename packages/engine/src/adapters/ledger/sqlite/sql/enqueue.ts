/** The statements of `enqueue`: looks first, then rows, all in one transaction, since a key or a content decides for the next job of the same call. */

// in:  contents.hash, created after this (exclusive), mails.id of the new job
// out: the oldest job with that content, of another message, that was sent or still may be
export const TWIN = `
  SELECT c.job FROM contents c JOIN jobs j ON j.seq = c.job JOIN job_facts f ON f.seq = c.job JOIN mails m ON m.seq = f.mail
   WHERE c.hash = ? AND c.created_at > ? AND m.id <> ? AND j.state NOT IN ('canceled', 'dead') ORDER BY c.created_at, c.job LIMIT 1`;
export const WHOLE_JOB_ID = 'SELECT id FROM jobs WHERE seq = ?';

// in:  mails.id, size_bytes, payload
// out: its seq, if it is new or its bytes had been dropped
export const ADD_MAIL = `
  INSERT INTO mails (id, size_bytes, payload) VALUES (?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET payload = excluded.payload WHERE payload IS NULL
  RETURNING seq`;
export const MAIL = 'SELECT seq FROM mails WHERE id = ?';

// in:  sender, name, kind, priority; out: the lane of first attempts, and its sender as `sql/senders.ts` reads it
export const LANE = `
  SELECT l.seq, l.owner, l.sender, l.name, l.kind, l.priority, l.retried, l.waiting, s.has_scopes, s.scheduled_count, s.ready_count, s.high_count,
         s.open_count, s.gate,
         EXISTS (SELECT 1 FROM scope_limits) OR EXISTS (SELECT 1 FROM holds) AS has_rules
    FROM lanes l JOIN senders s ON s.seq = l.owner WHERE l.sender = ? AND l.name = ? AND l.kind = ? AND l.priority = ? AND l.retried = 0`;
// in:  sender, name, kind, priority, owner, identity
export const ADD_LANE = `
  INSERT INTO lanes (sender, name, kind, priority, retried, owner, identity) VALUES (?, ?, ?, ?, 0, ?, ?)
  RETURNING seq, owner, sender, name, kind, priority, retried`;
// in:  name, has_scopes; out: its seq, new or not
export const ADD_SENDER =
  'INSERT INTO senders (name, has_scopes) VALUES (?, ?) ON CONFLICT (name, has_scopes) DO UPDATE SET name = name RETURNING seq';

// in:  id, lane, state, now, now, due_at, expires_at
export const ADD_JOB = `
  INSERT INTO jobs (id, lane, state, created_at, queued_at, due_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING seq`;
// in:  seq, tenant, mail, envelope, on_doubt, fingerprint, key, content
export const ADD_FACTS = `
  INSERT INTO job_facts (seq, tenant, mail, envelope, on_doubt, fingerprint, key, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;

// in:  hash, generation, mail
export const TAKE_KEY = `
  INSERT INTO keys (hash, generation, mail) VALUES (?, ?, ?)
  ON CONFLICT (hash) DO UPDATE SET generation = excluded.generation, mail = excluded.mail`;
// in:  hash, created_at, job
export const ADD_CONTENT = 'INSERT INTO contents (hash, created_at, job) VALUES (?, ?, ?)';
