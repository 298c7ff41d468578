import type { Command } from 'commander';
import type { CommandTable, JsonFlag } from './command-table.ts';
import type { SwitchFlags } from './switch.ts';

/** Commands about the queue as a whole: how it stands, who may send, and what leaves by which relay. */
export function operatorCommands(table: CommandTable): void {
  const { terminal, ended, client } = table;
  client('queue', 'show how the queue stands: depth, who waits for what, workers')
    .option('--watch [seconds]', 'again every 2 seconds, or as said; q or Ctrl-C ends it')
    .action(async (flags) => ended(await (await import('./queue.ts')).showQueue(terminal, flags)));

  client('stop [what]', 'stop an inbox, an account or a token; without a name your account')
    .option('--note <text>', 'why, for whoever meets the hold')
    .action(async (what: string | undefined, flags: SwitchFlags) =>
      ended(await (await import('./switch.ts')).throwSwitch(terminal, 'stop', what, flags)),
    );
  client('start [what]', 'let what was stopped go on; with the token of an operator').action(
    async (what: string | undefined, flags: SwitchFlags) =>
      ended(await (await import('./switch.ts')).throwSwitch(terminal, 'start', what, flags)),
  );
  client('pause <inbox>', 'hold the mail of an inbox; new mail is accepted and waits')
    .option('--note <text>', 'why, for whoever meets the hold')
    .action(async (inbox: string, flags: SwitchFlags) =>
      ended(await (await import('./switch.ts')).throwSwitch(terminal, 'pause', inbox, flags)),
    );
  client('resume <inbox>', 'let its mail go; with the token of an operator').action(async (inbox: string, flags: SwitchFlags) =>
    ended(await (await import('./switch.ts')).throwSwitch(terminal, 'resume', inbox, flags)),
  );
  tokenCommands(table);
  senderCommands(table);
}

function tokenCommands({ terminal, ended, client, group }: CommandTable): void {
  const tokens = group('tokens', 'show who may use this server, and change it');
  client('list', 'list tokens, their scopes and when they were last used', tokens).action(async (flags: JsonFlag) =>
    ended(await (await import('./tokens.ts')).listTokens(terminal, flags)),
  );
  client('create', 'make a token; it is shown once', tokens)
    .option('--scope <scope...>', 'read, send, manage')
    .option('--inbox <id...>', 'bound to these inboxes')
    .option('--expires <time>', 'when it ends: 12h, 30d, or ISO 8601')
    .option('--own-account', 'with an account of its own')
    .action(async (flags) => ended(await (await import('./tokens.ts')).createToken(terminal, flags)));
  client('revoke <id>', 'end a token, in every process within a second', tokens).action(async (id: string, flags: JsonFlag) =>
    ended(await (await import('./tokens.ts')).revokeToken(terminal, id, flags)),
  );
}

function senderCommands({ terminal, ended, client, group }: CommandTable): void {
  const senders = group('senders', 'show what mail leaves by, and change it (operators)');
  const settings = (command: Command): Command =>
    command
      .option('--transport <url>', 'how its mail leaves; - reads the URL from standard input')
      .option('--preset <name...>', 'limits of a provider; auto (by the host) or none')
      .option('--limit <rule...>', 'perDay=500, perHour.recipients=100, connections=3; none')
      .option('--headroom <share>', 'share of the preset left to other mail, such as 0.05');
  client('list', 'show all senders, their limits and what holds them back', senders).action(async (flags: JsonFlag) =>
    ended(await (await import('./senders.ts')).listSenders(terminal, flags)),
  );
  client('show <name>', 'show one sender', senders).action(async (name: string, flags: JsonFlag) =>
    ended(await (await import('./senders.ts')).showSender(terminal, name, flags)),
  );
  settings(client('add <name>', 'make a sender', senders)).action(async (name: string, flags) =>
    ended(await (await import('./senders.ts')).addSender(terminal, name, flags)),
  );
  settings(client('set <name>', 'change a sender; limits are replaced as a whole', senders)).action(async (name: string, flags) =>
    ended(await (await import('./senders.ts')).changeSender(terminal, name, flags)),
  );
  client('pause <name>', 'hold its mail back; it is accepted and waits', senders)
    .option('--note <text>', 'why; shown to whoever asks')
    .action(async (name: string, flags) => ended(await (await import('./senders.ts')).pauseSender(terminal, name, flags)));
  client('resume <name>', 'end whatever holds it back', senders).action(async (name: string, flags: JsonFlag) =>
    ended(await (await import('./senders.ts')).resumeSender(terminal, name, flags)),
  );
  client('rm <name>', 'remove a sender that no mail waits for', senders)
    .option('--move-to <name>', 'give its inboxes to this sender')
    .action(async (name: string, flags) => ended(await (await import('./senders.ts')).removeSender(terminal, name, flags)));
}
