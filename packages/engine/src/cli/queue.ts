import { type QueuedSender, type QueueRecord, type QueueWorker, Shoal } from '@shoal/sdk';
import { EXIT } from './exit.ts';
import { entry } from './print.ts';
import type { Terminal } from './terminal.ts';

export async function showQueue(terminal: Terminal, flags: { readonly json?: boolean }): Promise<number> {
  const queue = await (await Shoal.create()).queue();
  if (flags.json === true) terminal.printJson(queue);
  else terminal.print(queueText(queue, terminal.columns));
  return EXIT.ok;
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
            : `${runnable.senders} senders, the oldest mail for ${duration(runnable.oldestSeconds * 1_000)}`,
        rate: `${queue.sentPerMinute} a minute`,
      },
      columns,
    ),
    ...senders.map((sender) => senderText(sender, queue.at, columns)),
    ...(queue.next === null ? [] : [`more senders follow after ${queue.next}`]),
    ...workers.map((worker) => workerText(worker, columns)),
    ...(workers.length === 0 ? ['no worker was heard of in the last minute: start one with `shoal work`'] : []),
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
