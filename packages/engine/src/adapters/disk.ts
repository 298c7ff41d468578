import { randomBytes } from 'node:crypto';
import { constants, rmSync } from 'node:fs';
import { type FileHandle, open, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Disk } from '../ports/disk.ts';

const CHUNK_BYTES = 1_048_576;
/** What `st_blocks` counts in, whatever the file system's own blocks are (stat(2)). */
const STAT_BLOCK_BYTES = 512;

/** The file system of a database, with `<database>.ballast` beside it. */
export function openDisk(databasePath: string): Disk {
  const ballastPath = `${databasePath}.ballast`;
  let drops = 0;

  async function fill(file: FileHandle, bytes: number): Promise<void> {
    const chunk = randomBytes(Math.min(CHUNK_BYTES, bytes)); // a file system that compresses makes nothing of zeros
    const dropsBefore = drops;
    for (let at = 0; at < bytes && drops === dropsBefore; at += chunk.length) {
      await file.write(chunk, 0, Math.min(chunk.length, bytes - at), at);
    }
    await file.datasync(); // some file systems choose the blocks only now
  }

  return {
    async look() {
      const [{ bavail, bsize }, ballastBytes] = await Promise.all([statfs(dirname(databasePath)), allocatedBytes(ballastPath)]);
      return { freeBytes: bavail * bsize, ballastBytes };
    },
    async keepBallast(bytes) {
      // Not truncated: what another process writes there at the same moment is as good as ours.
      const file = await open(ballastPath, constants.O_WRONLY | constants.O_CREAT, 0o600);
      try {
        await fill(file, bytes);
      } catch (error) {
        rmSync(ballastPath, { force: true });
        throw error;
      } finally {
        await file.close();
      }
    },
    dropBallast() {
      drops += 1;
      rmSync(ballastPath, { force: true });
    },
  };
}

async function allocatedBytes(path: string): Promise<number> {
  try {
    return (await stat(path)).blocks * STAT_BLOCK_BYTES;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
