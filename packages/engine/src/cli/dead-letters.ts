import { type DeadLetterFilter, type JobForReview, type Operation, type OperationRecord, Shoal, ShoalError } from '@shoal/sdk';
import type { JsonFlag } from './command-table.ts';
import { EXIT } from './exit.ts';
import { type PeriodFlags, periodOf } from './moment.ts';
import { brief, counted, entry, jobStory, listing, reviewListing } from './print.ts';
import { moreText, someOf } from './some-of.ts';
import type { Terminal } from './terminal.ts';

export interface DeadLetterFlags extends PeriodFlags, JsonFlag {
  readonly reason?: readonly string[];
  readonly sender?: string;
  readonly inbox?: string;
}

export async function listDeadLetters(terminal: Terminal, flags: DeadLetterFlags & { readonly limit?: string }): Promise<number> {
  const { items, hasMore } = await someOf((await Shoal.create()).deadLetters(filterOf(flags)), flags.limit);
  if (flags.json === true) terminal.printJson({ deadLetters: items, hasMore });
  else terminal.print(reviewListing(items, terminal.columns, 'No dead letters.') + moreText(hasMore));
  return EXIT.ok;
}

export async function groupDeadLetters(terminal: Terminal, flags: DeadLetterFlags): Promise<number> {
  const groups = await (await Shoal.create()).deadLetterGroups(filterOf(flags));
  if (flags.json === true) terminal.printJson({ groups });
  else
    terminal.print(
      listing(
        groups.map(({ reason, count, firstAt, lastAt, sample }) =>
          brief(
            [reason, counted(count, 'mail')],
            { first: firstAt, last: lastAt, 'such as': sample?.id, said: sample?.attempts.at(-1)?.note },
            terminal.columns,
          ),
        ),
        'No dead letters.',
      ),
    );
  return EXIT.ok;
}

export async function showDeadLetter(terminal: Terminal, id: string, flags: JsonFlag): Promise<number> {
  const found = await deadLetter(await Shoal.create(), id);
  if (flags.json === true) terminal.printJson(found);
  else {
    const { emailId, from, subject } = found;
    terminal.print(`${entry([found.id, subject], { email: emailId, from }, terminal.columns)}\n${jobStory(found, terminal.columns)}`);
  }
  return EXIT.ok;
}

async function deadLetter(mail: Shoal, id: string): Promise<JobForReview> {
  for await (const job of mail.deadLetters()) if (job.id === id || job.emailId === id) return job;
  throw new ShoalError({ code: 'not_found', message: `no dead letter ${id}`, hint: '`shoal dead-letters list` shows their ids.' });
}

export type ActFlags = DeadLetterFlags & { readonly all?: boolean };

export async function requeue(terminal: Terminal, id: string | undefined, flags: ActFlags): Promise<number> {
  const chosen = chosenBy(id, flags);
  const mail = await Shoal.create();
  if (chosen.kind === 'filter') return followed(terminal, flags, await mail.requeueAll(chosen.filter), 'back in the queue');
  await mail.requeue(chosen.id);
  if (flags.json === true) terminal.printJson({ requeued: chosen.id });
  else terminal.say(`${chosen.id} is back in the queue, with the same bytes and the same Message-ID.`);
  return EXIT.ok;
}

export async function purge(terminal: Terminal, id: string | undefined, flags: ActFlags): Promise<number> {
  const chosen = chosenBy(id, flags);
  const mail = await Shoal.create();
  if (chosen.kind === 'filter') return followed(terminal, flags, await mail.purge(chosen.filter), 'removed for good');
  await mail.purgeOne(chosen.id);
  if (flags.json === true) terminal.printJson({ purged: chosen.id });
  else terminal.say(`${chosen.id} is removed for good.`);
  return EXIT.ok;
}

type Chosen = { readonly kind: 'one'; readonly id: string } | { readonly kind: 'filter'; readonly filter: DeadLetterFilter };

/** One way of saying which, and never "all" by saying nothing. */
function chosenBy(id: string | undefined, flags: ActFlags): Chosen {
  const filter = filterOf(flags);
  const ways = [id !== undefined, Object.keys(filter).length > 0, flags.all === true].filter(Boolean).length;
  if (ways !== 1)
    throw new ShoalError({
      code: 'bad_option',
      message: 'say which dead letters: an id, or a filter, or --all',
      hint: 'For example --reason expired --since 2h; `shoal dead-letters groups` shows the reasons there are.',
    });
  return id === undefined ? { kind: 'filter', filter } : { kind: 'one', id };
}

function filterOf(flags: DeadLetterFlags): DeadLetterFilter {
  const { reason, sender, inbox } = flags;
  return {
    ...(reason !== undefined && { reason }),
    ...(sender !== undefined && { sender }),
    ...(inbox !== undefined && { inbox }),
    ...periodOf(flags),
  };
}

const LOOK_MS = 500;

/** The operation is the server's and goes on without us; here it is only watched. */
async function followed(terminal: Terminal, flags: JsonFlag, operation: Operation, done: string): Promise<number> {
  let record: OperationRecord = await operation.refresh();
  const asked = new AbortController();
  const unheard = terminal.onStop(() => asked.abort());
  while (record.status === 'running' && !asked.signal.aborted) {
    if (flags.json !== true) terminal.progress(`${record.done} of ${record.matched} ${done}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    record = await operation.refresh();
  }
  unheard();
  const { id, status, matched, failed } = record;
  if (flags.json === true) {
    const { kind, createdAt, endedAt } = record;
    terminal.printJson({ id, kind, status, matched, done: record.done, failed, createdAt, endedAt });
  } else
    terminal.say(`${record.done} of ${matched} ${done}${failed === 0 ? '' : `, ${failed} could not be`} (operation ${id}, ${status}).`);
  if (status === 'running') return EXIT.waiting;
  return failed > 0 ? EXIT.failed : EXIT.ok;
}
