import type { JobFilter } from '../../../ports/ledger-dead.ts';

/** Each reads its own part of one JSON parameter; `j` is jobs, `l` lanes, `f` job_facts. */
const CONDITIONS: Readonly<Record<keyof JobFilter, (json: string) => string>> = {
  lanes: (json) => `l.name IN (SELECT value FROM json_each(${json}, '$.lanes'))`,
  senders: (json) => `l.sender IN (SELECT value FROM json_each(${json}, '$.senders'))`,
  reasons: (json) => `j.reason IN (SELECT value FROM json_each(${json}, '$.reasons'))`,
  failures: (json) => `EXISTS (SELECT 1 FROM json_each(${json}, '$.failures') c WHERE json_extract(j.failures, '$.' || c.value) > 0)`,
  recipientDomain: (json) =>
    `EXISTS (SELECT 1 FROM json_each(f.envelope, '$.to') r WHERE lower(substr(r.value, instr(r.value, '@') + 1)) = json_extract(${json}, '$.recipientDomain'))`,
  endedSince: (json) => `j.finished_at >= json_extract(${json}, '$.endedSince')`,
  endedBefore: (json) => `j.finished_at < json_extract(${json}, '$.endedBefore')`,
};
const NAMES = Object.keys(CONDITIONS) as (keyof JobFilter)[];

/** The conditions that are asked for, and no others: a statement without a filter stays the one that was prepared. */
export function filterOf(filter: JobFilter, parameter: string): { readonly text: string; readonly values: readonly string[] } {
  const named = NAMES.filter((name) => filter[name] !== undefined);
  if (named.length === 0) return { text: '', values: [] };
  const given = Object.fromEntries(named.map((name) => [name, filter[name]]));
  return { text: named.map((name) => `\n     AND ${CONDITIONS[name](parameter)}`).join(''), values: [JSON.stringify(given)] };
}
