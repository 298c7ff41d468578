import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { OpenEngine } from './serve.ts';
import type { Terminal } from './terminal.ts';
import { workApartOnce } from './work.ts';

it('ends a lone worker at the limit of its drain, although its send has no end yet', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'shoal-work-'));
  let stop = (): void => {};
  const terminal: Pick<Terminal, 'env' | 'cwd' | 'onStop'> = {
    env: { SHOAL_DATA_DIR: dir },
    cwd: dir,
    onStop(act) {
      stop = act;
      return () => {};
    },
  };
  let isClosed = false;
  const open = async () => ({
    runApart: () => {
      queueMicrotask(stop);
      return new Promise<void>(() => {});
    },
    broken: new Promise(() => {}),
    drain: async () => ({ released: 0, finished: 0, left: 1 }),
    close: async () => {
      isClosed = true;
    },
  });
  try {
    expect(await workApartOnce(terminal as Terminal, {}, open as unknown as OpenEngine)).toBe(0);
    expect(isClosed).toBe(true);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}, 5_000);
