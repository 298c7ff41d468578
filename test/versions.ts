import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../packages/engine/package.json', import.meta.url));

/** What a run stands on: a result without its versions cannot be compared with another one. */
export function versionLine(): string {
  return `running on node ${process.versions.node}, sqlite ${sqliteVersions()}, ${redisVersion()}`;
}

/** As the libraries themselves say: `process.versions.sqlite` is what Node was compiled with, not what it loaded. */
function sqliteVersions(): string {
  const seen = ['node:sqlite', '@photostructure/sqlite'].flatMap((library) => {
    const version = sqliteVersion(library);
    return version === undefined ? [] : [`${version} (${library})`];
  });
  return seen.join(' and ') || 'not found';
}

interface SqliteLibrary {
  readonly DatabaseSync: new (path: string) => { prepare(sql: string): { get(): unknown }; close(): void };
}

function sqliteVersion(library: string): string | undefined {
  const emitWarning = process.emitWarning;
  process.emitWarning = () => {}; // Node 22 calls its own library experimental
  try {
    const { DatabaseSync } = require(library) as SqliteLibrary;
    const database = new DatabaseSync(':memory:');
    const row = database.prepare('select sqlite_version() as version').get() as { readonly version: string };
    database.close();
    return row.version;
  } catch {
    return undefined; // Node 20 has no library of its own
  } finally {
    process.emitWarning = emitWarning;
  }
}

function redisVersion(): string {
  const asked = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  return asked.status === 0 ? `redis-server ${/v=(\S+)/.exec(asked.stdout)?.[1] ?? 'of unknown version'}` : 'no redis-server';
}
