import { Shoal } from '@shoal/sdk';
import { EXIT } from './exit.ts';
import { timeline } from './print.ts';
import type { Terminal } from './terminal.ts';

export async function showStatus(terminal: Terminal, id: string, flags: { readonly json?: boolean }): Promise<number> {
  const record = await (await (await Shoal.create()).email(id)).refresh();
  if (flags.json === true) terminal.printJson(record);
  else terminal.print(timeline(record, terminal.columns));
  return EXIT.ok;
}
