import { expect, it } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { watchedTerminal } from './cli-terminal.ts';

it('measures this machine with a sink of its own, and prints figures', async () => {
  const terminal = watchedTerminal();
  expect(await runProgram(['bench', '--mails', '100', '--json'], terminal)).toBe(0);
  const figures = JSON.parse(terminal.printed()) as Readonly<Record<string, number>>;
  expect(Object.keys(figures)).toEqual(
    ['mails', 'sizeBytes', 'acceptedPerSecond', 'sentPerSecond', 'cpuSecondsPer1000', 'idleMsP50', 'idleMsP99'], // biome-ignore format: one line
  );
  expect(Object.values(figures).every((figure) => figure > 0)).toBe(true);
}, 60_000);

it('is bounded', async () => {
  const terminal = watchedTerminal();
  expect(await runProgram(['bench', '--mails', '1000000'], terminal)).toBe(2);
  expect(terminal.complained()).toContain('--mails takes a whole number from 100 to 100000');
});
