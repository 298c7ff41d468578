import { ShoalError as ClientError } from '@shoal/sdk';
import { Command, CommanderError, Option } from 'commander';
import { refuseUnknownVariables } from '../config/load.ts';
import { OPTIONS, type OptionName } from '../config/options.ts';
import { VERSION } from '../version.ts';
import { EXIT, EXIT_MEANINGS, exitCodeOf } from './exit.ts';
import { complaintOf, complaintText } from './print.ts';
import type { EngineFlags, OpenEngine } from './serve.ts';
import type { SwitchFlags } from './switch.ts';
import type { Terminal } from './terminal.ts';

const WIDTH = 80;

/**
 * Runs one command and answers its exit code; whatever goes wrong is said in words and never thrown.
 *
 * @example process.exitCode = await runProgram(['status', id], processTerminal());
 */
export async function runProgram(args: readonly string[], terminal: Terminal, open: OpenEngine = openLazily): Promise<number> {
  let end: number = EXIT.ok;
  const asJson = args.includes('--json');
  const program = commands(terminal, { open, asJson }, (code) => {
    end = code;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return end;
  } catch (error) {
    if (!(error instanceof CommanderError)) return complained(error, terminal, asJson);
    if (error.exitCode === 0) return EXIT.ok;
    return asJson ? complained(badUsage(error), terminal, asJson) : EXIT.usage; // in words it has been said
  }
}

/** Commander's message is what it prints: "error: ..." and, for a misspelt name, "(Did you mean ...?)" on a line of its own. */
function badUsage(error: CommanderError): ClientError {
  const [message = '', ...guess] = error.message.replace(/^error: /, '').split('\n');
  return new ClientError({ code: 'bad_option', message, hint: [...guess, '`shoal COMMAND --help` tells every flag.'].join(' ') });
}

/** The engine brings the whole mail machinery with it; a client's command starts without. */
const openLazily: OpenEngine = async (config, parts) => (await import('../engine.ts')).openEngine(config, parts);

/** With `--json`, standard output holds one JSON value, whatever became of the command. */
function complained(error: unknown, terminal: Terminal, asJson: boolean): number {
  const complaint = complaintOf(error);
  if (asJson)
    terminal.printJson({ error: complaint.code, message: complaint.message, hint: complaint.hint, requestId: complaint.requestId });
  else terminal.complain(complaintText(complaint));
  if (terminal.env['SHOAL_LOG'] === 'debug' && error instanceof Error) terminal.complain(error.stack ?? '');
  return exitCodeOf(complaint.code);
}

function commands(
  terminal: Terminal,
  { open, asJson }: { readonly open: OpenEngine; readonly asJson: boolean },
  ended: (code: number) => void,
): Command {
  const program = new Command('shoal')
    .description(
      'An email engine for AI agents: an inbox with one call, and mail that is never\nlost and never sent twice; where nobody can know, it is shown to you.',
    )
    .version(VERSION, '--version', 'print the version')
    .helpOption('--help', 'print this help; `shoal COMMAND --help` tells more')
    .helpCommand(false)
    .addHelpText('after', exitHelp())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.complain(text.trimEnd()),
      ...(asJson && { outputError: () => {} }),
    })
    .configureHelp({ helpWidth: WIDTH, showGlobalOptions: false });

  /** A command that talks to a server with the SDK; `list` is what a bare group does. */
  const client = (name: string, summary: string, parent: Command = program): Command =>
    parent
      .command(name, { isDefault: name === 'list' })
      .description(summary)
      .option('--json', 'print JSON')
      .helpOption('--help', 'print this help')
      .addHelpText('after', CLIENT_HELP)
      .hook('preAction', () => refuseUnknownVariables(terminal.env));
  const group = (name: string, summary: string): Command =>
    program.command(name).description(summary).helpOption('--help', 'print this help').helpCommand(false);

  engineCommand(
    program,
    'serve',
    'answer over HTTP and send, in one process',
    OPTIONS.map(({ name }) => name),
  ).action(async (flags: EngineFlags & JsonFlag) => {
    const { serve } = await import('./serve.ts');
    ended(await serve(terminal, optionsIn(flags), { json: flags.json === true, open }));
  });

  engineCommand(program, 'work', 'send only; any number of processes on one ledger', WORK_OPTIONS)
    .addOption(new Option('--apart-once').hideHelp())
    .action(async (flags: EngineFlags & JsonFlag & { readonly apartOnce?: boolean }) => {
      const { work, workApartOnce } = await import('./work.ts');
      const options = optionsIn(flags);
      ended(
        await (flags.apartOnce === true
          ? workApartOnce(terminal, options, open)
          : work(terminal, options, { json: flags.json === true, open })),
      );
    });

  client('send', 'send a mail')
    .requiredOption('--to <address...>', 'recipients')
    .requiredOption('--subject <text>', 'subject line')
    .option('--text <text>', 'the mail as plain text')
    .option('--html <html>', 'the mail as HTML; a text part is made from it')
    .option('--from <name>', 'inbox to send from: its address, or a local part (opened when new)')
    .option('--cc <address...>', 'recipients of a copy')
    .option('--bcc <address...>', 'recipients that the others do not see')
    .option('--reply-to <address>', 'where answers go')
    .option('--key <key>', 'idempotency key: the same key again is the same mail')
    .option('--priority <priority>', 'high, normal or low, among the mails of its sender')
    .option('--allow-duplicate', 'send although the same mail was just sent')
    .option('--wait [seconds]', 'wait until it is sent; 60 seconds unless said otherwise')
    .action(async (flags) => ended(await (await import('./send.ts')).send(terminal, flags)));

  client('status <id>', 'show an email and every attempt to send it').action(async (id: string, flags: JsonFlag) =>
    ended(await (await import('./status.ts')).showStatus(terminal, id, flags)),
  );

  client('queue', 'show how the queue stands: depth, who waits for what, workers').action(async (flags: JsonFlag) =>
    ended(await (await import('./queue.ts')).showQueue(terminal, flags)),
  );

  client('captured [id]', 'show mail that was kept instead of sent; with an id, its source').action(
    async (id: string | undefined, flags: JsonFlag) => {
      const { listCaptured, showCaptured } = await import('./captured.ts');
      ended(await (id === undefined ? listCaptured(terminal, flags) : showCaptured(terminal, id, flags)));
    },
  );

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

  const deadLetters = group('dead-letters', 'show mail that was given up, and send it again');
  client('list', 'show mail that was given up', deadLetters).action(async (flags: JsonFlag) =>
    ended(await (await import('./dead-letters.ts')).listDeadLetters(terminal, flags)),
  );
  client('requeue <id>', 'send it again: the same bytes, the same Message-ID', deadLetters).action(async (id: string, flags: JsonFlag) =>
    ended(await (await import('./dead-letters.ts')).requeue(terminal, id, flags)),
  );

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

  return program;
}
interface JsonFlag {
  readonly json?: boolean;
}

const WORK_OPTIONS: readonly OptionName[] = [
  'ledger',
  'store',
  'transport',
  'dataDir',
  'http',
  'concurrency',
  'log',
  'retryScale',
  'leaseMs',
  'drainMs',
];

function engineCommand(program: Command, name: string, summary: string, options: readonly OptionName[]): Command {
  const command = program
    .command(name)
    .description(summary)
    .option('--json', 'print JSON')
    .helpOption('--help', 'print this help')
    .addHelpText('after', ENGINE_HELP);
  for (const option of OPTIONS.filter((known) => options.includes(known.name) && known.flag !== undefined))
    command.option(`${option.flag} <value>`, `${option.description} (${option.unit}; default ${option.default})`);
  return command;
}

function optionsIn(flags: EngineFlags): EngineFlags {
  return Object.fromEntries(OPTIONS.map(({ name }) => [name, flags[name]]).filter(([, value]) => value !== undefined));
}

const CLIENT_HELP = `
Talks to the server at SHOAL_URL (default http://127.0.0.1:7070), with the token
in SHOAL_TOKEN, else the one kept in ~/.shoal/tokens.json, else a new one.`;

const ENGINE_HELP = `
Flags come before variables (--data-dir is SHOAL_DATA_DIR, and so on), those
before shoal.config.ts, .js or .json in this folder. A transport with a password
belongs in SHOAL_TRANSPORT or the file: others can read command lines.
SIGTERM and SIGINT finish what is under way; the second one ends at once.`;

function exitHelp(): string {
  return `\nExit codes:\n${EXIT_MEANINGS.map(([code, meaning]) => `  ${code}  ${meaning}`).join('\n')}`;
}
