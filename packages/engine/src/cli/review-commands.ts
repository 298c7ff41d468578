import type { Command } from 'commander';
import type { CommandTable, JsonFlag } from './command-table.ts';

/** Commands about mail that waits for a person: dead letters and doubts. */
export function reviewCommands({ terminal, ended, client, group }: CommandTable): void {
  const filtered = (command: Command): Command =>
    command
      .option('--reason <reason...>', 'given up for this reason')
      .option('--sender <name>', 'of this sender')
      .option('--inbox <inbox>', 'of this inbox')
      .option('--since <time>', 'given up not longer ago than this: 2h, 7d, or ISO 8601')
      .option('--until <time>', 'given up before this');
  const deadLetters = group('dead-letters', 'show mail that was given up, and send it again');
  filtered(client('list', 'show mail that was given up', deadLetters))
    .option('--limit <count>', 'at most so many; 50 unless said otherwise')
    .action(async (flags) => ended(await (await import('./dead-letters.ts')).listDeadLetters(terminal, flags)));
  filtered(client('groups', 'count mail that was given up, by its reason', deadLetters)).action(async (flags) =>
    ended(await (await import('./dead-letters.ts')).groupDeadLetters(terminal, flags)),
  );
  client('show <id>', 'show one, with every attempt', deadLetters).action(async (id: string, flags: JsonFlag) =>
    ended(await (await import('./dead-letters.ts')).showDeadLetter(terminal, id, flags)),
  );
  filtered(client('requeue [id]', 'send again, by id or filter: the same bytes, the same Message-ID', deadLetters))
    .option('--all', 'every dead letter')
    .action(async (id: string | undefined, flags) => ended(await (await import('./dead-letters.ts')).requeue(terminal, id, flags)));
  filtered(client('purge [id]', 'remove for good, by id or filter', deadLetters))
    .option('--all', 'every dead letter')
    .action(async (id: string | undefined, flags) => ended(await (await import('./dead-letters.ts')).purge(terminal, id, flags)));

  const doubts = group('doubts', 'show mail that may or may not have arrived, and decide');
  client('list', 'show mail in doubt', doubts).action(async (flags: JsonFlag) =>
    ended(await (await import('./doubts.ts')).listDoubts(terminal, flags)),
  );
  client('resolve <id>', 'decide about a mail in doubt', doubts)
    .option('--sent', 'it did arrive')
    .option('--resend', 'send it once more, with the same Message-ID')
    .option('--dead', 'it did not arrive, and shall not')
    .option('--note <text>', 'who found out, and how; kept with the mail')
    .action(async (id: string, flags) => ended(await (await import('./doubts.ts')).resolveDoubt(terminal, id, flags)));
}
