import { ShoalError as ClientError, type EmailRecord, type JobForReview, type JobRecord } from '@shoal/sdk';
import { ShoalError } from '../model/errors.ts';
import { broken, cut, widthOf } from './text-width.ts';

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

/** Facts by name; those that are null, missing or empty are not told. */
type Facts = Readonly<Record<string, string | null | undefined>>;
type Heading = readonly (string | null)[];

/** One thing, as a whole: its first line, then its facts in a column, broken at the width there is. */
export function entry(heading: Heading, facts: Facts, columns: number): string {
  return entryText(heading, facts, columns, (value) => value);
}

/**
 * One of many, to be skimmed: a fact takes a line and is cut to it, as the texts of mails are other people's and may be of
 * any length. An id is left whole, since nothing can be done with half of one.
 */
export function brief(heading: Heading, facts: Facts, columns: number): string {
  return entryText(heading, facts, columns, (value, room) => (IS_ID.test(value) ? value : cut(value, room)));
}

const IS_ID = /^[a-z]{2,8}_[0-9a-z]{1,40}$/;

function entryText(heading: Heading, facts: Facts, columns: number, fitted: (value: string, room: number) => string): string {
  const said = Object.entries(facts).filter((fact): fact is [string, string] => fact[1] != null && fact[1] !== '');
  const width = Math.max(0, ...said.map(([name]) => name.length));
  const lines = said.flatMap(([name, value]) => {
    const label = `  ${name.padEnd(width)}  `;
    return labelled(label, fitted(clean(value), columns - label.length), columns);
  });
  return [...headingLines(heading, columns), ...lines].join('\n');
}

/** With less room than this on a line, a heading goes on in the next one instead of being cut. */
const HEADING_ROOM_MIN = 24;

/** The parts of a heading stay whole as long as they fit on any line; one that is too long is cut. */
function headingLines(parts: Heading, columns: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const part of parts.filter((each) => each !== null && each !== '').map((each) => clean(each ?? ''))) {
    const room = columns - widthOf(line) - 2;
    if (line === '') line = IS_ID.test(part) ? part : cut(part, columns);
    else if (widthOf(part) <= room || room >= HEADING_ROOM_MIN) line += `  ${cut(part, room)}`;
    else {
      lines.push(line);
      line = `  ${cut(part, columns - 2)}`;
    }
  }
  return [...lines, line];
}

/** A text beside its name, or below it where a word of it would not fit beside. */
function labelled(label: string, text: string, columns: number): readonly string[] {
  const beside = broken(text, columns - label.length);
  const fits = beside.every((line) => widthOf(line) <= columns - label.length);
  if (fits || columns - BELOW <= columns - label.length)
    return beside.map((line, at) => (at === 0 ? label : ' '.repeat(label.length)) + line);
  return [label.trimEnd(), ...broken(text, columns - BELOW).map((line) => ' '.repeat(BELOW) + line)];
}

const BELOW = 4;

export function listing(entries: readonly string[], ifEmpty: string): string {
  return entries.length === 0 ? ifEmpty : entries.join('\n');
}

/** @example counted(1, 'mail') // '1 mail' */
export function counted(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`;
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
  const heading = headingLines([job.id, `${job.state}${why === null ? '' : ` (${why})`}`, job.recipients.join(', ')], columns);
  const attempts = job.attempts.flatMap(({ endedAt, end, note }) =>
    labelled(clean(`  ${endedAt}  ${end.padEnd('release'.length)}  `), clean(note), columns),
  );
  const next = job.state === 'scheduled' ? [`  ${job.dueAt}  next try`] : [];
  return [...heading, ...attempts, ...next].join('\n');
}

/** Dead letters or doubts: what each mail is known by, why it is here, and the last thing that is known about it. */
export function reviewListing(jobs: readonly JobForReview[], columns: number, ifEmpty: string): string {
  const entries = jobs.map((job) =>
    brief(
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
