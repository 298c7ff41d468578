// The half of the SDK for `require`, with its types: one file each, beside what `tsc -b` makes for `import`. `npm start` builds
// each time, so nothing is done when no source is newer than what is there.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SDK = fileURLToPath(new URL('../packages/sdk/', import.meta.url));

const changedAt = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
const builtAt = Math.min(changedAt(join(SDK, 'dist', 'index.cjs')), changedAt(join(SDK, 'dist', 'index.d.cts')));
const sources = readdirSync(join(SDK, 'src')).map((name) => join(SDK, 'src', name));

if ([...sources, fileURLToPath(import.meta.url)].some((path) => changedAt(path) >= builtAt)) {
  // By its API, since its command prints a warning on the oldest Node we support.
  const { build } = await import('tsdown');
  await build({
    config: false,
    cwd: SDK,
    entry: 'src/index.ts',
    format: 'cjs',
    platform: 'neutral',
    target: 'es2022',
    clean: false, // the other half is there already
    dts: true,
    sourcemap: true,
    hash: false,
    logLevel: 'error',
    outExtensions: () => ({ js: '.cjs', dts: '.d.cts' }),
  });
}
