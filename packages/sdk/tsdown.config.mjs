import { defineConfig } from 'tsdown';

/** The half for `require`, in one file beside what `tsc` makes for `import`. */
export default defineConfig({
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
