import { ShoalError as ClientError, type EmailRecord, type JobForReview, type JobRecord } from '@shoal/sdk';
import { ShoalError } from '../model/errors.ts';

/**
 * Text that came from outside, made safe to print: control characters could move the cursor, rename the window or hide
 * what stands beside them, and marks of writing direction could turn it around (security D5).
 *
 * @example clean('Hello\u001b[2J\r\nFrom: you') // 'Hello[2J From: you'
 */
export function clean(text: string, how: { readonly keepsLines: boolean } = { keepsLines: false }): string {
  const lines = how.keepsLines ? text : text.replace(/[\t\n\v\f\r\u0085\u2028\u2029]+/g, ' ');
  return lines.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '');
}

/** One thing of a list: its first line, then its facts in a column. Each line is cut to the width there is. */
export function entry(
  heading: readonly (string | null)[],
  facts: Readonly<Record<string, string | null | undefined>>,
  columns: number,
): string {
  const said = Object.entries(facts).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const width = Math.max(0, ...said.map(([name]) => name.length));
  const first = heading.filter((part) => part !== null && part !== '').join('  ');
  return [first, ...said.map(([name, value]) => `  ${name.padEnd(width)}  ${value ?? ''}`)]
    .map((line) => cut(clean(line), columns))
    .join('\n');
}

export function listing(entries: readonly string[], ifEmpty: string): string {
  return entries.length === 0 ? ifEmpty : entries.join('\n');
}

function cut(line: string, columns: number): string {
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;
}

/** An email with all that happened to it, oldest first. */
export function timeline(record: EmailRecord, columns: number): string {
  const { id, status, from, to, cc, bcc, subject, createdAt, waiting } = record;
  const head = entry(
    [id, status],
    {
      subject,
      from,
      to: [...to, ...(cc ?? []), ...(bcc ?? [])].join(', '),
      created: createdAt,
      waits: waiting == null ? null : waitText(waiting),
    },
    columns,
  );
  return [head, ...record.jobs.map((job) => jobStory(job, columns))].join('\n');
}

/** Until when, and what for. `at` is null when that is for a person to say. */
export function waitText({ at, because }: NonNullable<EmailRecord['waiting']>): string {
  return `${at === null ? 'for a person' : `until ${at}`}: ${because ?? 'nothing is in its way'}`;
}

/** A job and every attempt, in the order they were made. */
export function jobStory(job: JobRecord, columns: number): string {
  const why = job.reason ?? job.doubt;
  const heading = `${job.id}  ${job.state}${why === null ? '' : ` (${why})`}  ${job.recipients.join(', ')}`;
  const attempts = job.attempts.map((attempt) => `  ${attempt.endedAt}  ${attempt.end.padEnd(7)}  ${attempt.note}`);
  const next = job.state === 'scheduled' ? [`  ${job.dueAt}  next try`] : [];
  return [heading, ...attempts, ...next].map((line) => cut(clean(line), columns)).join('\n');
}

/** Dead letters or doubts: what each mail is known by, why it is here, and the last thing that is known about it. */
export function reviewListing(jobs: readonly JobForReview[], columns: number, ifEmpty: string): string {
  const entries = jobs.map((job) =>
    entry(
      [job.id, job.reason ?? job.doubt, job.subject],
      { email: job.emailId, from: job.from, to: job.recipients.join(', '), last: job.attempts.at(-1)?.note },
      columns,
    ),
  );
  return listing(entries, ifEmpty);
}

export interface Complaint {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly requestId: string;
}

/** What went wrong and what to do, from whatever was thrown. */
export function complaintOf(error: unknown): Complaint {
  if (error instanceof ClientError) return { code: error.code, message: error.message, hint: error.hint, requestId: error.requestId };
  if (error instanceof ShoalError) return { code: error.code, message: error.message, hint: error.facts.hint, requestId: '' };
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'internal_error', message, hint: 'This was not foreseen. SHOAL_LOG=debug shows where it happened.', requestId: '' };
}

/** `error: ...` and, below it, what to do. */
export function complaintText({ message, hint, requestId }: Complaint): string {
  const lines = [`error: ${message}`, hint === '' ? '' : `       ${hint}`, requestId === '' ? '' : `       request ${requestId}`];
  return lines
    .filter((line) => line !== '')
    .map((line) => clean(line))
    .join('\n');
}
