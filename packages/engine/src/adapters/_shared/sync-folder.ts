import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/**
 * A new name in a folder is durable once the folder is. Windows has no such call, and needs none. What is no folder is
 * refused, so no live database is ever opened here by mistake.
 */
export async function syncFolder(dir: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(dir, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
