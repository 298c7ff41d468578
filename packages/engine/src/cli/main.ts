import { runProgram } from './program.ts';
import { processTerminal } from './terminal.ts';

/** The door that `bin/shoal.js` opens. Ends the process, since a second stop signal must not wait for what is under way. */
export async function main(args: readonly string[]): Promise<never> {
  const code = await runProgram(args, processTerminal());
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
  process.exit(code);
}
