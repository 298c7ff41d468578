import { ShoalError } from '@shoal/sdk';
import { type Command, Option } from 'commander';
import { OPTIONS, type OptionName } from '../config/options.ts';
import { completionScript, SHELLS } from './completion.ts';
import { EXIT } from './exit.ts';
import { type CommandTable, type JsonFlag, optionsIn, withOptions } from './command-table.ts';
import type { EngineFlags, OpenEngine } from './serve.ts';

/** Commands of this machine: they run the engine here, set it up, or look whether it can run. */
export function machineCommands(table: CommandTable, open: OpenEngine): void {
  const { terminal, ended } = table;
  engineCommand(table, 'serve', 'answer over HTTP and send, in one process', ALL_OPTIONS).action(async (flags: EngineFlags & JsonFlag) => {
    const { serve } = await import('./serve.ts');
    ended(await serve(terminal, optionsIn(flags), { json: flags.json === true, open }));
  });

  engineCommand(table, 'work', 'send only; any number of processes on one ledger', WORK_OPTIONS)
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

  table
    .local('init', 'write a configuration for this folder, and try the mail server')
    .option('--domain <domain>', 'domain of new inboxes')
    .option('--transport <url>', 'how mail leaves; - reads the URL, password and all, from standard input')
    .option('--preset <name>', 'limits of a provider; found by the host unless said')
    .option('--data-dir <folder>', 'folder of the database')
    .option('--format <format>', 'js, ts or json; js unless said')
    .option('--yes', 'ask nothing: what no flag says has its default')
    .option('--force', 'write over a configuration that is there')
    .option('--no-test', 'do not connect to the mail server')
    .action(async (flags) => ended(await (await import('./init.ts')).init(terminal, flags)));

  withOptions(
    table.told(table.local('doctor', 'look at all that Shoal stands on, and say what it means'), DOCTOR_HELP),
    ALL_OPTIONS,
  ).action(async (flags: EngineFlags & JsonFlag) => {
    const { doctor } = await import('./doctor.ts');
    ended(await doctor(terminal, optionsIn(flags), flags));
  });

  table
    .local('bench', 'measure this machine: a temporary database, a sink, no mail leaves')
    .option('--mails <count>', '100 to 100000; 1000 unless said')
    .option('--size <bytes>', 'of each text; 2000 unless said')
    .action(async (flags) => ended(await (await import('./bench.ts')).bench(terminal, flags, open)));

  table
    .local('storm', 'kill workers at random on a temporary ledger, and count every mail')
    .option('--mails <count>', '50 to 5000; 200 unless said')
    .option('--kills <count>', '1 to 50; 5 unless said')
    .option('--seed <number>', 'of an earlier storm: kills at the same moments')
    .action(async (flags) => ended(await (await import('./storm.ts')).storm(terminal, flags, open)));

  table.program
    .command('completion')
    .argument('<shell>', SHELLS.join(', '))
    .description('print completion for bash, zsh or fish')
    .helpOption('--help', 'print this help')
    .action(async (written: string) => {
      const shell = SHELLS.find((known) => known === written);
      if (shell === undefined)
        throw new ShoalError({
          code: 'bad_option',
          message: `no completion for ${JSON.stringify(written)}`,
          hint: `There is one for ${SHELLS.join(', ')}.`,
        });
      terminal.print(completionScript(shell, table.program));
      ended(EXIT.ok);
    });
}

const ALL_OPTIONS: readonly OptionName[] = OPTIONS.map(({ name }) => name);
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

function engineCommand(table: CommandTable, name: string, summary: string, options: readonly OptionName[]): Command {
  return withOptions(table.told(table.local(name, summary), ENGINE_HELP), options);
}

const ENGINE_HELP =
  'Flags come before variables (--data-dir is SHOAL_DATA_DIR, and so on), those before shoal.config.ts, .js or .json in this ' +
  'folder. A transport with a password belongs in SHOAL_TRANSPORT or the file: others can read command lines. SIGTERM and SIGINT ' +
  'finish what is under way; the second one ends at once.';

const DOCTOR_HELP =
  'Reads the configuration as serve does, looks at the database, the disk, the clock, the mail servers (up to the login; no mail is ' +
  'sent) and the DNS of the domain, and changes nothing. Ends with 1 when there is an error.';
