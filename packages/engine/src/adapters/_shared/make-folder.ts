import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Our own: nobody nests deeper, and every path has an end. */
const DEPTH_MAX = 1_000;

/**
 * Makes a folder and those it lies in (mode 700), one after the other. Not by `mkdir` with `recursive`: that one loops for
 * ever where a parent is there and says ENOENT all the same, as /proc does.
 *
 * @throws NodeJS.ErrnoException of the first folder that cannot be made; ENOTDIR when it is there and is none
 */
export function makeFolder(path: string): void {
  const missing: string[] = [];
  for (let folder = resolve(path); !existsSync(folder) && missing.length < DEPTH_MAX; folder = dirname(folder)) missing.unshift(folder);
  for (const folder of missing) {
    try {
      mkdirSync(folder, { mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // another process was first, or we may not look into it
    }
  }
  if (!statSync(path).isDirectory()) throw Object.assign(new Error(`ENOTDIR: not a directory, mkdir '${path}'`), { code: 'ENOTDIR' });
}
