import { Shoal } from '@shoal/sdk';
import { EXIT } from './exit.ts';
import { reviewListing } from './print.ts';
import type { Terminal } from './terminal.ts';

export async function listDeadLetters(terminal: Terminal, flags: { readonly json?: boolean }): Promise<number> {
  const jobs = await (await Shoal.create()).deadLetters();
  if (flags.json === true) terminal.printJson({ deadLetters: jobs });
  else terminal.print(reviewListing(jobs, terminal.columns, 'No dead letters.'));
  return EXIT.ok;
}

export async function requeue(terminal: Terminal, id: string, flags: { readonly json?: boolean }): Promise<number> {
  await (await Shoal.create()).requeue(id);
  if (flags.json === true) terminal.printJson({ requeued: id });
  else terminal.print(`${id} is back in the queue, with the same bytes and the same Message-ID.`);
  return EXIT.ok;
}
