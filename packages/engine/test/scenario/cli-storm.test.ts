import { expect, it } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { watchedTerminal } from './cli-terminal.ts';

it('kills workers while mail is under way, and accounts for every mail', async () => {
  const terminal = watchedTerminal();
  const end = await runProgram(['storm', '--mails', '60', '--kills', '3', '--seed', '7', '--json'], terminal);
  const sheet = JSON.parse(terminal.printed()) as Readonly<Record<string, number>>;
  expect(sheet).toMatchObject({ seed: 7, handedIn: 60, acknowledged: 60, kills: 3, lost: 0, sentTwice: 0, findings: [], adds: true });
  expect((sheet['sent'] ?? 0) + (sheet['inDoubt'] ?? 0)).toBe(60);
  expect(sheet['connectionsCut']).toBeGreaterThan(0); // a storm that meets nobody proves nothing
  expect(end).toBe(0);
}, 90_000);
