import { expect, it } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { watchedTerminal } from './cli-terminal.ts';

it('kills workers, and accounts for every mail', async () => {
  const terminal = watchedTerminal();
  expect(await runProgram(['storm', '--mails', '50', '--kills', '2', '--json'], terminal)).toBe(0);
  expect(JSON.parse(terminal.printed())).toMatchObject({ mails: 50, kills: 2, unfinished: 0, lost: 0, twice: 0, adds: true });
}, 90_000);
