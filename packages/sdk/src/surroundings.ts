/** What this library asks of the place it runs in. Everything is optional: a browser or an edge worker has none of it. */
interface Surroundings {
  readonly process?: {
    readonly env?: Readonly<Record<string, string | undefined>>;
    readonly pid?: number;
  };
}

export function environmentVariable(name: string): string | undefined {
  return (globalThis as Surroundings).process?.env?.[name];
}

/** Part of a temporary file's name only. */
export function processId(): number {
  return (globalThis as Surroundings).process?.pid ?? 0;
}

/** The file system, or undefined where there is none. The specifier is a variable, so that bundlers for browsers leave it alone. */
export async function fileSystem(): Promise<typeof import('node:fs/promises') | undefined> {
  if ((globalThis as Surroundings).process?.env === undefined) return undefined;
  const specifier = 'node:fs/promises';
  return import(/* @vite-ignore */ /* webpackIgnore: true */ specifier).catch(() => undefined);
}

export function wait(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
