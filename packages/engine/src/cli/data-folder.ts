import { stat } from 'node:fs/promises';
import { ShoalError } from '@shoal/sdk';
import { makeFolder } from '../folder.ts';

/** Sees to it that there is a folder to keep everything in. @throws ShoalError `bad_option` */
export async function makeDataFolder(path: string): Promise<void> {
  try {
    makeFolder(path);
  } catch (cause) {
    throw new ShoalError({
      code: 'bad_option',
      message: await whyNot(path, cause),
      hint: 'Give a folder that this user may write to, with --data-dir or SHOAL_DATA_DIR.',
      cause,
    });
  }
}

async function whyNot(path: string, cause: unknown): Promise<string> {
  const isFile = await stat(path).then(
    (found) => !found.isDirectory(),
    () => false,
  );
  if (isFile) return `the data folder ${path} is a file`;
  return `the data folder ${path} cannot be made (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`;
}
