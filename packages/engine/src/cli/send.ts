import { readFile, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { type Attachment, type Budget, type Email, type Inbox, type Mail, Shoal, ShoalError } from '@shoal/sdk';
import { EXIT } from './exit.ts';
import { entry, waitText } from './print.ts';
import type { Terminal } from './terminal.ts';
import { prose } from './text-width.ts';

export interface SendFlags {
  readonly to: readonly string[];
  readonly cc?: readonly string[];
  readonly bcc?: readonly string[];
  readonly subject: string;
  /** `-`: standard input. */
  readonly text?: string;
  readonly html?: string;
  readonly from?: string;
  readonly replyTo?: string;
  /** Paths. */
  readonly attach?: readonly string[];
  /** `Name: value`. */
  readonly header?: readonly string[];
  readonly key?: string;
  /** As written; the server says which there are. */
  readonly priority?: string;
  readonly allowDuplicate?: boolean;
  /** Seconds, as written; true when none were written. */
  readonly wait?: string | true;
  readonly json?: boolean;
}

const WAIT_SECONDS = 60;

export async function send(terminal: Terminal, flags: SendFlags): Promise<number> {
  const waitMs = waitMsOf(flags.wait);
  const headers = flags.header === undefined ? undefined : headersOf(flags.header);
  const attachments = flags.attach === undefined ? undefined : await Promise.all(flags.attach.map((path) => fileAt(terminal.cwd, path)));
  const text = flags.text === '-' ? await terminal.input() : flags.text;
  const mail = await Shoal.create();
  const inbox = await inboxToSendFrom(mail, flags.from);
  const email = await inbox.send({
    to: flags.to,
    subject: flags.subject,
    ...(flags.cc === undefined ? {} : { cc: flags.cc }),
    ...(flags.bcc === undefined ? {} : { bcc: flags.bcc }),
    ...(text === undefined ? {} : { text }),
    ...(flags.html === undefined ? {} : { html: flags.html }),
    ...(flags.replyTo === undefined ? {} : { replyTo: flags.replyTo }),
    ...(headers === undefined ? {} : { headers }),
    ...(attachments === undefined ? {} : { attachments }),
    ...(flags.priority === undefined ? {} : { priority: flags.priority as NonNullable<Mail['priority']> }),
    ...(flags.key === undefined ? {} : { idempotencyKey: flags.key }),
    ...(flags.allowDuplicate === undefined ? {} : { allowDuplicate: flags.allowDuplicate }),
  });
  const end = waitMs === undefined ? EXIT.ok : await waited(terminal, email, waitMs);
  if (flags.json === true)
    terminal.printJson({
      id: email.id,
      status: email.status,
      deduplicated: email.deduplicated,
      forecast: email.forecast,
      budget: email.budget,
      from: inbox.address,
      to: flags.to,
    });
  else terminal.print(sentText(email, { from: inbox.address, to: flags.to }, terminal.columns));
  return end;
}

export function sentText(
  email: Pick<Email, 'id' | 'status' | 'deduplicated'> & Partial<Pick<Email, 'forecast' | 'budget'>>,
  mail: { readonly from: string; readonly to: readonly string[] },
  columns: number,
): string {
  const { id, status, forecast, budget } = email;
  const isQueued = status === 'queued'; // once it is on its way, what was in it no longer is
  const facts = {
    from: mail.from,
    to: mail.to.join(', '),
    waits: isQueued && forecast?.because != null ? waitText(forecast) : undefined,
    left: budget?.map(leftText).join(', '),
  };
  const text = entry([id, status], facts, columns);
  return email.deduplicated
    ? `${text}\n${prose('The same mail had been accepted before, so nothing new was queued; --allow-duplicate sends it again.', columns)}`
    : text;
}

function leftText({ left, max, unit }: Budget): string {
  return `${left} of ${max} ${unit}`;
}

/** How the mail ended is the command's answer, so it is printed as such; the exit code tells the same to a program. */
async function waited(terminal: Terminal, email: Email, timeoutMs: number): Promise<number> {
  try {
    await email.waitUntilSent({ timeoutMs });
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof ShoalError) || error.details['id'] !== email.id) throw error;
    terminal.complain(`${error.message}\n${error.hint}`);
    if (error.code === 'timeout') return EXIT.waiting;
    return error.code === 'mail_in_doubt' ? EXIT.inDoubt : EXIT.failed;
  }
}

function waitMsOf(written: string | true | undefined): number | undefined {
  if (written === undefined) return undefined;
  const seconds = written === true ? WAIT_SECONDS : Number(written);
  if (!(seconds > 0) || !Number.isFinite(seconds))
    throw new ShoalError({
      code: 'bad_option',
      message: `--wait takes seconds, above 0, got ${JSON.stringify(written)}`,
      hint: 'Write for example --wait 30.',
    });
  return seconds * 1_000;
}

/** The inbox of that address or local part, opened when there is none; without a name the oldest there is. */
async function inboxToSendFrom(mail: Shoal, from: string | undefined): Promise<Inbox> {
  if (from?.includes('@') === true) return mail.inbox(from);
  const inboxes = await mail.inboxes();
  const found = from === undefined ? inboxes[0] : inboxes.find((inbox) => inbox.localPart === from.toLowerCase());
  if (found !== undefined) return found;
  return from === undefined ? mail.createSmartInbox({ name: 'shoal-cli' }) : mail.createInbox({ localPart: from });
}

function headersOf(lines: readonly string[]): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const at = line.indexOf(':');
    const name = line.slice(0, Math.max(0, at)).trim();
    if (name === '' || Object.hasOwn(headers, name))
      throw new ShoalError({
        code: 'bad_option',
        message: name === '' ? `--header ${JSON.stringify(line.slice(0, 80))} has no name` : `--header ${name} is there twice`,
        hint: "Write for example --header 'X-Run: 7'.",
      });
    headers[name] = line.slice(at + 1).trim();
  }
  return headers;
}

/** What the server takes for all files of a mail together; one above it is not even read. */
const FILE_BYTES_MAX = 25 * 1_048_576;

async function fileAt(cwd: string, path: string): Promise<Attachment> {
  try {
    const file = resolve(cwd, path);
    const { size } = await stat(file);
    if (size > FILE_BYTES_MAX)
      throw new ShoalError({
        code: 'bad_option',
        message: `${path} has ${Math.ceil(size / 1_048_576)} MiB, and the files of a mail may have 25 MiB together`,
        hint: 'Send a link to it, or a smaller file.',
      });
    return { filename: basename(file), content: await readFile(file) };
  } catch (error) {
    if (error instanceof ShoalError) throw error;
    const reason = WHY_UNREADABLE[(error as NodeJS.ErrnoException).code ?? ''] ?? String(error);
    throw new ShoalError({
      code: 'bad_option',
      message: `--attach ${path}: ${reason}`,
      hint: 'Paths begin in the folder this command runs in.',
      cause: error,
    });
  }
}

const WHY_UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'it may not be read',
};
