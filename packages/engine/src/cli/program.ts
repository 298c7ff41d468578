import { ShoalError as ClientError } from '@shoal/sdk';
import { CommanderError } from 'commander';
import { commandTable } from './command-table.ts';
import { EXIT, exitCodeOf } from './exit.ts';
import { machineCommands } from './machine-commands.ts';
import { mailCommands } from './mail-commands.ts';
import { operatorCommands } from './operator-commands.ts';
import { complaintOf, complaintText } from './print.ts';
import { reviewCommands } from './review-commands.ts';
import type { OpenEngine } from './serve.ts';
import type { Terminal } from './terminal.ts';

/**
 * Runs one command and answers its exit code; whatever goes wrong is said in words and never thrown.
 *
 * @example process.exitCode = await runProgram(['status', id], processTerminal());
 */
export async function runProgram(args: readonly string[], terminal: Terminal, open: OpenEngine = openLazily): Promise<number> {
  let end: number = EXIT.ok;
  const asJson = args.includes('--json');
  const table = commandTable(terminal, (code) => {
    end = code;
  });
  table.program.commandsGroup('On this machine:');
  machineCommands(table, open);
  table.program.commandsGroup('Mail and inboxes:');
  mailCommands(table);
  table.program.commandsGroup('The queue and who may send:');
  operatorCommands(table);
  table.program.commandsGroup('Mail that waits for a person:');
  reviewCommands(table);
  try {
    await table.program.parseAsync([...args], { from: 'user' });
    return end;
  } catch (error) {
    if (!(error instanceof CommanderError)) return complained(error, terminal, asJson);
    if (error.exitCode === 0) return EXIT.ok;
    return error.code === 'commander.help' ? EXIT.usage : complained(badUsage(error), terminal, asJson);
  }
}

/** Commander's message is "error: ..." and, for a misspelt name, "(Did you mean ...?)" on a line of its own. */
function badUsage(error: CommanderError): ClientError {
  const [message = '', guess] = error.message.replace(/^error: /, '').split('\n');
  const help =
    error.code === 'commander.unknownCommand' ? '`shoal --help` lists the commands.' : '`shoal COMMAND --help` tells every flag.';
  return new ClientError({ code: 'bad_option', message, hint: guess?.replace(/^\((.*)\)$/, '$1') ?? help });
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
