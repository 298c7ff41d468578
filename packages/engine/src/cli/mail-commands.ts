import type { CapturedFlags } from './captured.ts';
import type { CommandTable, JsonFlag } from './command-table.ts';

/** Commands about mail and the inboxes it is sent from: what an agent may do with its own token. */
export function mailCommands({ terminal, ended, client, group }: CommandTable): void {
  client('send', 'send a mail')
    .requiredOption('--to <address...>', 'recipients')
    .requiredOption('--subject <text>', 'subject line')
    .option('--text <text>', 'the mail as plain text; - reads it from standard input')
    .option('--html <html>', 'the mail as HTML; a text part is made from it')
    .option('--from <name>', 'inbox to send from: its address, or a local part (opened when new)')
    .option('--cc <address...>', 'recipients of a copy')
    .option('--bcc <address...>', 'recipients that the others do not see')
    .option('--reply-to <address>', 'where answers go')
    .option('--attach <file...>', 'files to send along')
    .option('--header <line...>', 'more headers, such as "X-Run: 7"')
    .option('--key <key>', 'idempotency key: the same key again is the same mail')
    .option('--priority <priority>', 'high, normal or low, among the mails of its sender')
    .option('--allow-duplicate', 'send although the same mail was just sent')
    .option('--wait [seconds]', 'wait until it is sent; 60 seconds unless said otherwise')
    .action(async (flags) => ended(await (await import('./send.ts')).send(terminal, flags)));

  client('status <id>', 'show an email and every attempt to send it').action(async (id: string, flags: JsonFlag) =>
    ended(await (await import('./status.ts')).showStatus(terminal, id, flags)),
  );

  client('cancel <id>', 'take a mail back that is still queued').action(async (id: string, flags: JsonFlag) =>
    ended(await (await import('./emails.ts')).cancelEmail(terminal, id, flags)),
  );

  const emails = group('emails', 'list emails');
  client('list', 'list emails, newest first', emails)
    .option('--status <status...>', 'queued, sending, in_doubt, sent, failed or canceled')
    .option('--inbox <inbox>', 'of this inbox')
    .option('--to <address>', 'to this recipient')
    .option('--since <time>', 'not older than this: 2h, 7d, or ISO 8601')
    .option('--until <time>', 'older than this')
    .option('--limit <count>', 'at most so many; 50 unless said otherwise')
    .action(async (flags) => ended(await (await import('./emails.ts')).listEmails(terminal, flags)));

  const inbox = group('inbox', 'list inboxes, open and end them');
  client('list', 'list the active inboxes of this token', inbox).action(async (flags: JsonFlag) =>
    ended(await (await import('./inbox.ts')).listInboxes(terminal, flags)),
  );
  client('create [local-part]', 'open an inbox', inbox)
    .option('--name <name>', 'find the first free address for this name')
    .option('--org <org>', 'organisation, used when the name alone is taken')
    .option('--display-name <text>', 'the name that recipients see')
    .option('--sender <name>', 'what its mail leaves by (operators)')
    .action(async (localPart: string | undefined, flags) =>
      ended(await (await import('./inbox.ts')).createInbox(terminal, localPart, flags)),
    );
  client('show <inbox>', 'show one inbox, by id or address', inbox).action(async (name: string, flags: JsonFlag) =>
    ended(await (await import('./inbox.ts')).showInbox(terminal, name, flags)),
  );
  client('delete <inbox>', 'end an inbox: it stays readable and sends no more', inbox).action(async (name: string, flags: JsonFlag) =>
    ended(await (await import('./inbox.ts')).deleteInbox(terminal, name, flags)),
  );

  client('captured [id]', 'show mail that was kept instead of sent; with an id, its source')
    .option('--limit <count>', 'at most so many; 50 unless said otherwise')
    .action(async (id: string | undefined, flags: CapturedFlags) => {
      const { listCaptured, showCaptured } = await import('./captured.ts');
      ended(await (id === undefined ? listCaptured(terminal, flags) : showCaptured(terminal, id, flags)));
    });
}
