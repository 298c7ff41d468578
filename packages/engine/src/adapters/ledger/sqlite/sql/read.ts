/** Looks at the tables; nothing here changes a row. */

const WHOLE_JOB = `
  SELECT j.*, l.kind, l.sender, l.name AS lane_name, l.priority, f.tenant, f.envelope, f.on_doubt, f.parent, m.id AS message_id, m.size_bytes`;
const BESIDE_JOB = `
  JOIN lanes l ON l.seq = j.lane
  JOIN job_facts f ON f.seq = j.seq
  JOIN mails m ON m.seq = f.mail`;

// in:  jobs.id
export const JOB_BY_ID = 'SELECT * FROM jobs WHERE id = ?';
export const SEQ_OF_JOB = 'SELECT seq FROM jobs WHERE id = ?';
export const IS_KNOWN = 'SELECT 1 AS found FROM jobs WHERE id = ?';
export const WHOLE_JOB_BY_ID = `${WHOLE_JOB} FROM jobs j ${BESIDE_JOB} WHERE j.id = ?`;

// in:  mails.seq
// out: the first job of that message
export const FIRST_JOB_OF_MAIL = `${WHOLE_JOB} FROM jobs j ${BESIDE_JOB} WHERE j.seq = (SELECT min(seq) FROM job_facts WHERE mail = ?)`;

// in:  JSON array of jobs.seq; out: in that order, with the bytes
// why CROSS JOIN: SQLite keeps its order, so the array drives the look-ups, one after the other
export const JOBS_TO_LEASE = `
  SELECT j.seq, j.id, j.state, j.token, j.attempts, j.failures, j.resends, j.crashes, j.busy_releases, j.queued_at, j.expires_at,
         j.first_failed_at, j.leased_at, j.lane, f.tenant, f.envelope, f.on_doubt, m.id AS message_id, m.seq AS mail, m.size_bytes, CAST(m.payload AS TEXT) AS text
    FROM json_each(?) AS picked CROSS JOIN jobs j ON j.seq = picked.value
    JOIN job_facts f ON f.seq = j.seq JOIN mails m ON m.seq = f.mail`;

// in:  keys.hash
// why the fingerprint is read from a job: all jobs under one key have the same, and the index of keys stays small
export const KEY = `
  SELECT k.generation, k.mail, m.id AS message_id,
         (SELECT f.fingerprint FROM job_facts f WHERE f.mail = k.mail AND f.key = k.hash LIMIT 1) AS fingerprint
    FROM keys k LEFT JOIN mails m ON m.seq = k.mail WHERE k.hash = ?`;

// in:  mails.seq
export const PAYLOAD_OF_MAIL = 'SELECT payload FROM mails WHERE seq = ?';
// in:  mails.id
export const PAYLOAD = 'SELECT payload FROM mails WHERE id = ?';

// in:  jobs.id; out: oldest first
export const ATTEMPTS = `
  SELECT j.id AS job_id, a.token, a.worker, a.started_at, a.ended_at, a.ending, a.counted, a.note, a.seen
    FROM jobs j JOIN attempts a ON a.job = j.seq WHERE j.id = ? ORDER BY a.token, a.number`;

// in:  after (seq), max
export const EVENTS = `
  SELECT e.seq, e.at, e.kind, e.state, j.id AS job_id, m.id AS message_id, f.tenant
    FROM events e
    JOIN jobs j ON j.seq = e.job
    JOIN job_facts f ON f.seq = e.job
    JOIN mails m ON m.seq = f.mail
   WHERE e.seq > ? ORDER BY e.seq LIMIT ?`;

export const COUNTS = 'SELECT state, jobs FROM state_counts';

// in:  now
// out: due_at of the job that could have run the longest, and the number of senders that have such a job; those that wait
//      for a limit, hold or gate do not count
// why not one walk over the jobs: each lane is asked for its first one only
export const BACKLOG = `
  WITH may_go AS (
    SELECT seq FROM senders WHERE waiting = 1
    UNION ALL SELECT seq FROM senders WHERE waiting >= 2 AND not_before <= ?1),
  lane AS (
    SELECT l.seq, l.sender FROM may_go s CROSS JOIN lanes l ON l.owner = s.seq AND l.waiting = 1
    UNION ALL SELECT l.seq, l.sender FROM may_go s CROSS JOIN lanes l ON l.owner = s.seq AND l.waiting = 2 AND l.not_before <= ?1),
  first_of_lane AS (
    SELECT sender, (SELECT j.due_at FROM jobs j WHERE j.lane = lane.seq AND j.state = 'ready' AND j.runs_apart = 0 ORDER BY j.due_at LIMIT 1) AS due_at
      FROM lane),
  runnable AS (
    SELECT sender, due_at FROM first_of_lane WHERE due_at IS NOT NULL
    UNION ALL SELECT l.sender, j.due_at FROM jobs j JOIN lanes l ON l.seq = j.lane JOIN senders s ON s.seq = l.owner
               WHERE j.state = 'ready' AND j.runs_apart = 1 AND (s.waiting < 2 OR s.not_before <= ?1)
    UNION ALL SELECT l.sender, j.due_at FROM jobs j JOIN lanes l ON l.seq = j.lane JOIN senders s ON s.seq = l.owner
               WHERE j.state = 'scheduled' AND j.due_at <= ?1 AND (s.waiting < 2 OR s.not_before <= ?1))
  SELECT min(due_at) AS oldest_due_at, count(DISTINCT sender) AS senders FROM runnable`;

// out: when the next scheduled job is due
export const NEXT_DUE = "SELECT due_at FROM jobs WHERE state = 'scheduled' ORDER BY due_at LIMIT 1";
export const ANY_APART = "SELECT 1 AS found FROM jobs WHERE state = 'ready' AND runs_apart = 1 LIMIT 1";
// out: a row if there may be something to lease
export const ANY_READY = `
  SELECT 1 AS found WHERE EXISTS (SELECT 1 FROM senders WHERE waiting = 1)
    OR EXISTS (SELECT 1 FROM jobs j JOIN lanes l ON l.seq = j.lane JOIN senders s ON s.seq = l.owner
                WHERE j.state = 'ready' AND j.runs_apart = 1 AND s.waiting < 2)`;

export type ListBy = 'message' | 'tenant' | 'all' | 'dead' | 'in_doubt';

/**
 * in:  before (jobs.seq, exclusive), tenant or NULL, JSON array of mails.id or NULL, JSON array of states or NULL, max,
 *      end of the look (jobs.seq, inclusive)
 * out: newest first
 * why CROSS JOIN: without statistics SQLite would rather walk all jobs backwards; here the narrowest table leads, and unless
 *      it is asked by messages, whose jobs are few, its index gives the order
 */
export function pageOfJobs(by: ListBy, filter = ''): string {
  const { from, seq } = LEAD[by];
  return `${WHOLE_JOB} ${from} JOIN lanes l ON l.seq = j.lane
   WHERE ${seq} < ?1 AND ${seq} >= ?6 AND (?2 IS NULL OR f.tenant = ?2)
     AND (?3 IS NULL OR m.id IN (SELECT value FROM json_each(?3)))
     AND (?4 IS NULL OR j.state IN (SELECT value FROM json_each(?4)))${filter}
   ORDER BY ${seq} DESC LIMIT ?5`;
}

const BELOW = 'AND seq < ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2 - 1';
// in:  before (jobs.seq, exclusive), how many are looked through, for `tenant` also which one
// out: where that look ends; nothing when the list ends before
export const END_OF_LOOK: Readonly<Record<Exclude<ListBy, 'message'>, string>> = {
  tenant: `SELECT seq FROM job_facts WHERE tenant = ?3 ${BELOW}`,
  all: `SELECT seq FROM jobs WHERE TRUE ${BELOW}`,
  dead: `SELECT seq FROM jobs WHERE state = 'dead' ${BELOW}`,
  in_doubt: `SELECT seq FROM jobs WHERE state = 'in_doubt' ${BELOW}`,
};

const FACTS_OF_JOB = 'CROSS JOIN job_facts f ON f.seq = j.seq CROSS JOIN mails m ON m.seq = f.mail';
const LEAD: Readonly<Record<ListBy, { readonly from: string; readonly seq: string }>> = {
  message: {
    from: `FROM (SELECT DISTINCT value FROM json_each(?3)) AS wanted CROSS JOIN mails m ON m.id = wanted.value
    CROSS JOIN job_facts f ON f.mail = m.seq CROSS JOIN jobs j ON j.seq = f.seq`,
    seq: 'f.seq',
  },
  tenant: {
    from: `FROM (SELECT * FROM job_facts WHERE tenant = ?2) AS f CROSS JOIN jobs j ON j.seq = f.seq CROSS JOIN mails m ON m.seq = f.mail`,
    seq: 'f.seq',
  },
  all: { from: `FROM jobs j ${FACTS_OF_JOB}`, seq: 'j.seq' },
  dead: { from: `FROM (SELECT * FROM jobs WHERE state = 'dead') AS j ${FACTS_OF_JOB}`, seq: 'j.seq' },
  in_doubt: { from: `FROM (SELECT * FROM jobs WHERE state = 'in_doubt') AS j ${FACTS_OF_JOB}`, seq: 'j.seq' },
};
