/**
 * The commands, one file each: they read flags, call the SDK (or, for `serve` and `work`, the engine), and print. What is
 * printed is made by the pure functions of `print.ts`; what a command may touch of its process is a `Terminal`. Not here:
 * anything a caller of the HTTP API could not do as well.
 */
import { Shoal } from '@shoal/sdk';
import type { JsonFlag } from './command-table.ts';
import { EXIT } from './exit.ts';
import { brief, clean, listing } from './print.ts';
import { moreText, someOf } from './some-of.ts';
import type { Terminal } from './terminal.ts';

export interface CapturedFlags extends JsonFlag {
  readonly limit?: string;
}

export async function listCaptured(terminal: Terminal, flags: CapturedFlags): Promise<number> {
  const { items, hasMore } = await someOf((await Shoal.create()).captured(), flags.limit);
  if (flags.json === true) terminal.printJson({ captured: items, hasMore });
  else
    terminal.print(
      listing(
        items.map(({ emailId, capturedAt, from, to, subject }) =>
          brief([emailId, subject], { at: capturedAt, from, to: to.join(', ') }, terminal.columns),
        ),
        'Nothing was captured.',
      ) + moreText(hasMore),
    );
  return EXIT.ok;
}

/** A terminal gets the mail as text, without what would steer it (security D5); a pipe or a file gets the bytes as they are. */
export async function showCaptured(terminal: Terminal, id: string, flags: JsonFlag): Promise<number> {
  const bytes = await (await (await Shoal.create()).email(id)).raw();
  const text = (): string => new TextDecoder().decode(bytes);
  if (flags.json === true) terminal.printJson({ id, raw: text() });
  else if (terminal.isInteractive) terminal.print(clean(text().replaceAll('\r\n', '\n'), { keepsLines: true }));
  else terminal.printBytes(bytes);
  return EXIT.ok;
}
