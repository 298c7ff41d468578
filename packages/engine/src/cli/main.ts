import { runProgram } from './program.ts';
import { processTerminal } from './terminal.ts';

/** The door that `bin/shoal.js` opens. Ends the process, since a second stop signal must not wait for what is under way. */
export async function main(args: readonly string[]): Promise<never> {
  process.stdout.on('error', gone);
  process.stderr.on('error', gone);
  const code = await runProgram(args, processTerminal());
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
  process.exit(code);
}

/** Whoever read our output went away (`shoal captured | head`): what is left to say is for nobody, and no fault of ours. */
function gone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
