import { setTimeout as sleep } from 'node:timers/promises';
import { type QueuedSender, type QueueRecord, type QueueWorker, Shoal, ShoalError } from '@shoal/sdk';
import { EXIT } from './exit.ts';
import { clean, counted, entry } from './print.ts';
import type { Terminal } from './terminal.ts';
import { cut, prose } from './text-width.ts';

export interface QueueFlags {
  readonly json?: boolean;
  /** Seconds, as written; true when none were written. */
  readonly watch?: string | true;
}

export async function showQueue(terminal: Terminal, flags: QueueFlags): Promise<number> {
  const everyMs = flags.watch === undefined ? undefined : everyMsOf(flags.watch);
  const mail = await Shoal.create();
  const queue = await mail.queue();
  if (everyMs !== undefined) await watchQueue(terminal, { mail, queue, everyMs, asJson: flags.json === true });
  else if (flags.json === true) terminal.printJson(queue);
  else terminal.print(queueText(queue, terminal.columns));
  return EXIT.ok;
}

interface Watch {
  readonly mail: Shoal;
  readonly queue: QueueRecord;
  readonly everyMs: number;
  readonly asJson: boolean;
}

/** Until somebody presses q, or the process is asked to stop. A person keeps the last picture while the server is away. */
async function watchQueue(terminal: Terminal, { mail, queue, everyMs, asJson }: Watch): Promise<void> {
  let [seen, trouble] = [queue, ''];
  const screen = asJson
    ? undefined
    : terminal.openScreen?.((columns) => ({
        text: queueText(seen, columns),
        footer: cut(`${trouble === '' ? seen.at : `as of ${seen.at}; ${trouble}`}; q ends`, columns),
      }));
  const show = (): void => {
    if (screen !== undefined) screen.repaint();
    else if (asJson) terminal.printJson(seen);
    else terminal.print(queueLine(seen));
  };
  const look = async (): Promise<void> => {
    try {
      [seen, trouble] = [await mail.queue(), ''];
    } catch (error) {
      if (screen === undefined || !(error instanceof ShoalError) || !error.retryable) throw error;
      trouble = clean(error.message);
    }
  };
  const stop = new AbortController();
  const stopped = new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));
  const unheard = [terminal.onStop(() => stop.abort()), terminal.onKey('q', () => stop.abort())];
  try {
    show();
    for (;;) {
      await sleep(everyMs, undefined, { signal: stop.signal }).catch(() => {});
      await Promise.race([look(), stopped]);
      if (stop.signal.aborted) return;
      show();
    }
  } finally {
    for (const end of unheard) end();
    screen?.close();
  }
}

const WATCH_SECONDS = 2;

function everyMsOf(written: string | true): number {
  const seconds = written === true ? WATCH_SECONDS : Number(written);
  if (seconds >= 0.2 && seconds <= 3_600) return seconds * 1_000;
  throw new ShoalError({
    code: 'bad_option',
    message: `--watch takes seconds from 0.2 to 3600, got ${JSON.stringify(written)}`,
    hint: 'Write for example --watch 5.',
  });
}

/** One line a look, for a pipe or a file. */
function queueLine({ at, depth, sentPerMinute, workers }: QueueRecord): string {
  return `${at}  ${SHOWN.map((state) => `${depth[state]} ${state}`).join('  ')}  ${sentPerMinute} a minute  ${workers.length} workers`;
}

/** States that say something about now; what was sent or given up long ago has lists of its own. */
const SHOWN = ['ready', 'leased', 'sending', 'scheduled', 'in_doubt', 'dead'] as const;

function queueText(queue: QueueRecord, columns: number): string {
  const { depth, runnable, senders, workers } = queue;
  const parts = [
    entry(
      ['mail', ...SHOWN.map((state) => `${depth[state]} ${state}`)],
      {
        runnable:
          runnable.senders === 0
            ? 'nothing'
            : `${counted(runnable.senders, 'sender')}, the oldest mail for ${duration(runnable.oldestSeconds * 1_000)}`,
        rate: `${queue.sentPerMinute} a minute`,
      },
      columns,
    ),
    ...senders.map((sender) => senderText(sender, queue.at, columns)),
    ...(queue.next === null ? [] : [`more senders follow after ${queue.next}`]),
    ...workers.map((worker) => workerText(worker, columns)),
    ...(workers.length === 0 ? [prose('no worker was heard of in the last minute: start one with `shoal work`', columns)] : []),
  ];
  return parts.join('\n');
}

function senderText(sender: QueuedSender, now: string, columns: number): string {
  const { waiting } = sender;
  return entry(
    [`sender ${sender.name}`, `${sender.ready} ready`, `${sender.underWay} under way`, `${sender.scheduled} scheduled`],
    {
      waits:
        waiting === null
          ? null
          : `${waiting.until === null ? 'until that changes' : `for ${until(waiting.until, now)}`}: ${waiting.because}`,
      done: sender.doneAt === null ? null : `in ${until(sender.doneAt, now)}, as things stand`,
      ...Object.fromEntries(
        sender.limits.map(({ unit, windowSeconds, used, max }, n) => [
          `limit${n === 0 ? '' : ` ${n + 1}`}`,
          `${used} of ${max} ${unit} in ${duration(windowSeconds * 1_000)}`,
        ]),
      ),
    },
    columns,
  );
}

function workerText(
  { id, host, pid, version, sending, concurrency, endedPerSecond, seenSecondsAgo }: QueueWorker,
  columns: number,
): string {
  return entry(
    [`worker ${id}`, `${sending} of ${concurrency} under way`, `${endedPerSecond} a second`],
    { runs: `on ${host}, pid ${pid}, version ${version}, heard of ${seenSecondsAgo} s ago` },
    columns,
  );
}

const until = (time: string, now: string): string => duration(Date.parse(time) - Date.parse(now));

/** @example duration(5_400_000) // '1 h 30 min' */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
}
