/** Dead letters: what they died of, and their end. */

// in:  jobs.seq
export const DEAD_MAIL = `
  SELECT f.mail, m.id AS message_id, f.key, f.content FROM job_facts f JOIN mails m ON m.seq = f.mail WHERE f.seq = ?`;

/**
 * in:  tenant or NULL, what the filter takes
 * out: groups, the largest first
 * why the last attempt: it is what they died of; the reply to the dot or the command, else that to the first recipient
 */
export function deadGroups(filter: string): string {
  return `
  SELECT grouped.*, newest.id AS sample FROM (
  SELECT dead.reason, failure, json_extract(reply, '$.code') AS code, json_extract(reply, '$.enhanced') AS enhanced, count(*) AS jobs,
         min(dead.finished_at) AS first_at, max(dead.finished_at) AS last_at, max(dead.seq) AS newest_seq
    FROM (
      SELECT j.seq, j.reason, j.finished_at,
             (SELECT c.key FROM json_each(j.failures) c WHERE c.value > 0 ORDER BY c.value DESC, c.key LIMIT 1) AS failure,
             (SELECT coalesce(json_extract(a.seen, '$.reply'), json_extract(a.seen, '$.recipients[0].reply'))
                FROM attempts a WHERE a.job = j.seq ORDER BY a.token DESC, a.number DESC LIMIT 1) AS reply
        FROM (SELECT * FROM jobs WHERE state = 'dead') AS j CROSS JOIN job_facts f ON f.seq = j.seq JOIN lanes l ON l.seq = j.lane
       WHERE (?1 IS NULL OR f.tenant = ?1)${filter}) AS dead
   GROUP BY dead.reason, failure, code, enhanced) AS grouped
    JOIN jobs newest ON newest.seq = grouped.newest_seq ORDER BY jobs DESC, last_at DESC, sample`;
}
