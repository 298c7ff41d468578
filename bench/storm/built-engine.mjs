// @ts-check

/**
 * The engine as it was built, embedded in a process of the storms and configured by the environment, as the command is.
 * The built files, because Node 20 cannot run the sources; by a computed address, so that types need no build.
 *
 * @typedef {import('../../packages/engine/src/engine.ts').EngineParts} EngineParts
 */
const BUILT = new URL('../../packages/engine/dist/', import.meta.url);

/** @param {EngineParts} parts */
export async function openBuiltEngine(parts) {
  /** @type {typeof import('../../packages/engine/src/config/load.ts')} */
  const { loadConfig } = await import(new URL('config/load.js', BUILT).href);
  /** @type {typeof import('../../packages/engine/src/engine.ts')} */
  const { openEngine } = await import(new URL('engine.js', BUILT).href);
  const { config } = await loadConfig();
  return openEngine(config, parts);
}
