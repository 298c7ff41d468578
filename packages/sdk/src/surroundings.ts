type FileSystem = typeof import('node:fs/promises');

/** What this library asks of the place it runs in. Everything is optional: a browser or an edge worker has none of it. */
interface Surroundings {
  readonly process?: {
    readonly env?: Readonly<Record<string, string | undefined>>;
    readonly pid?: number;
    readonly getBuiltinModule?: (name: 'node:fs/promises') => FileSystem | undefined;
  };
}

export function environmentVariable(name: string): string | undefined {
  return (globalThis as Surroundings).process?.env?.[name];
}

/** Part of a temporary file's name only. */
export function processId(): number {
  return (globalThis as Surroundings).process?.pid ?? 0;
}

/**
 * The file system, or undefined where there is none. Asked of the process instead of imported: a bundler for browsers fails at
 * an import of Node's, however it is written, since minifiers fold what hides it.
 */
export async function fileSystem(): Promise<FileSystem | undefined> {
  return (globalThis as Surroundings).process?.getBuiltinModule?.('node:fs/promises');
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
