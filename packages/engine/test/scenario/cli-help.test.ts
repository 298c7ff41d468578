import { expect, it } from 'vitest';
import { EXIT_MEANINGS } from '../../src/cli/exit.ts';
import { runProgram } from '../../src/cli/program.ts';
import { OPTIONS } from '../../src/config/options.ts';
import { watchedTerminal } from './cli-terminal.ts';

const COMMANDS = [
  [],
  ['serve'],
  ['work'],
  ['send'],
  ['status'],
  ['captured'],
  ['dead-letters'],
  ['dead-letters', 'requeue'],
  ['doubts'],
  ['doubts', 'resolve'],
];

async function helpOf(command: readonly string[], columns = 80): Promise<string> {
  const terminal = watchedTerminal({ columns });
  expect(await runProgram([...command, '--help'], terminal)).toBe(0);
  return terminal.printed();
}

it.each(COMMANDS)('helps with `shoal %s %s` within 80 columns, and within 40', async (...command) => {
  for (const columns of [80, 40]) {
    const help = await helpOf(
      command.filter((word) => word !== undefined),
      columns,
    );
    expect(help).toMatch(/^Usage: shoal/);
    expect(help.split('\n').filter((line) => line.length > columns && !line.startsWith('Usage: '))).toEqual([]);
  }
});

it('looks like this', async () => {
  expect(await helpOf([])).toMatchSnapshot();
  expect(await helpOf(['serve'])).toMatchSnapshot();
  expect(await helpOf(['send'])).toMatchSnapshot();
});

it('says what every exit code means, and what every option of the engine is', async () => {
  const [program, serve] = [await helpOf([]), await helpOf(['serve'])];
  for (const [code, meaning] of EXIT_MEANINGS) expect(program).toContain(`${code}  ${meaning}`);
  for (const { flag } of OPTIONS) if (flag !== undefined) expect(serve).toContain(flag);
  expect(await helpOf(['work'])).not.toContain('apart');
});

it('prints its version', async () => {
  const terminal = watchedTerminal();
  expect(await runProgram(['--version'], terminal)).toBe(0);
  expect(terminal.printed()).toMatch(/^\d+\.\d+\.\d+\n$/);
});

it.each([
  [['sned'], /unknown command 'sned'\n {7}Did you mean send\?\n$/],
  [['serve', '--leger', 'x'], /unknown option '--leger'\n {7}Did you mean --ledger\?\n$/],
  [['send', '--to', 'ann@example.com'], /required option '--subject <text>' not specified/],
  [['status'], /missing required argument 'id'/],
  [['doubts', 'resolve', 'job_1'], /say one of --sent/],
  [['doubts', 'resolve', 'job_1', '--sent', '--dead'], /say one of --sent/],
])('refuses %j with code 2, and says what was meant', async (args, said) => {
  const terminal = watchedTerminal();
  expect(await runProgram(args, terminal)).toBe(2);
  expect(terminal.complained()).toMatch(said);
});

it.each([
  [['sned', '--json'], /unknown command 'sned'/, /Did you mean send\?/],
  [['serve', '--leger', 'x', '--json'], /unknown option '--leger'/, /Did you mean --ledger\?/],
  [['send', '--json', '--to', 'ann@example.com'], /required option '--subject <text>' not specified/, /--help/],
  [['doubts', 'resolve', 'job_1', '--json'], /say one of --sent/, /--resend: send it once more/],
])('refuses %j with code 2 and in JSON alone', async (args, message, hint) => {
  const terminal = watchedTerminal();
  expect(await runProgram(args, terminal)).toBe(2);
  expect(JSON.parse(terminal.printed())).toEqual({
    error: 'bad_option',
    message: expect.stringMatching(message),
    hint: expect.stringMatching(hint),
    requestId: '',
  });
  expect(terminal.complained()).toBe('');
});

it('refuses a misspelt variable in every command, so that no mail goes to another server', async () => {
  const terminal = watchedTerminal({ env: { SHOAL_ULR: 'http://127.0.0.1:1' } });
  expect(await runProgram(['captured'], terminal)).toBe(2);
  expect(terminal.complained()).toContain('SHOAL_ULR is not an option; did you mean SHOAL_URL?');
});
