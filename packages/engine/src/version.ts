import { createRequire } from 'node:module';

/** Of the package, for `--version` and the API. */
export const VERSION: string = (createRequire(import.meta.url)('../package.json') as { version: string }).version;
