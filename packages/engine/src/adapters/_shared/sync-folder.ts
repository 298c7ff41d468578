import { open } from 'node:fs/promises';

/** A new name in a folder is durable once the folder is. Windows has no such call, and needs none. */
export async function syncFolder(dir: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(dir, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
