import { expect, it } from 'vitest';
import { changeWatch } from './sqlite-watch.ts';

it('outlives a look that the file refuses, and still tells of the next change', async () => {
  let version = 1;
  let refusals = 0;
  const watch = changeWatch(() => {
    if (refusals === 0 && version === 1) return version;
    if (refusals < 2) {
      refusals += 1;
      throw new Error('database is locked');
    }
    return version;
  });
  const changed = watch.changed(60_000, new AbortController().signal);
  version = 2;
  await changed;
  expect({ refusals, revision: watch.revision() }).toEqual({ refusals: 2, revision: 1 });
  watch.close();
});
