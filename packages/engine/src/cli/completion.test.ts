import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { watchedTerminal } from '../../test/scenario/cli-terminal.ts';
import { runProgram } from './program.ts';

async function scriptFor(shell: string): Promise<string> {
  const terminal = watchedTerminal();
  expect(await runProgram(['completion', shell], terminal)).toBe(0);
  return terminal.printed();
}

/** What bash would offer at the end of this line. */
async function offered(line: readonly string[]): Promise<readonly string[]> {
  const words = ['shoal', ...line].map((word) => `'${word}'`).join(' ');
  const asked = `COMP_WORDS=(${words}); COMP_CWORD=${line.length}; _shoal; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', `${await scriptFor('bash')}\n${asked}`], { encoding: 'utf8' })
    .trim()
    .split('\n');
}

it('completes commands, commands of a group, and flags in bash', async () => {
  expect(await offered(['se'])).toEqual(['serve', 'send', 'senders']);
  expect(await offered(['dead-letters', 're'])).toEqual(['requeue']);
  expect(await offered(['send', '--a'])).toEqual(['--attach', '--allow-duplicate']);
  expect(await offered(['senders', 'set', 'bulk', '--pre'])).toEqual(['--preset']);
  expect(await offered(['status', 'eml_1', '--j'])).toEqual(['--json']);
});

it.each(['zsh', 'fish'])('knows every command of a group in %s', async (shell) => {
  const script = await scriptFor(shell);
  for (const word of ['requeue', 'revoke', 'attach', 'priority']) expect(script).toContain(word);
});

it('says for which shells there is one', async () => {
  const terminal = watchedTerminal();
  expect(await runProgram(['completion', 'tcsh'], terminal)).toBe(2);
  expect(terminal.complained()).toContain('There is one for bash, zsh, fish.');
});
