import { ShoalError } from './error.ts';
import { environmentVariable, fileSystem, processId, wait } from './surroundings.ts';

type FileSystem = NonNullable<Awaited<ReturnType<typeof fileSystem>>>;
type Tokens = Record<string, string>;

/** A lock is held for a read and a rename; one this old was left by a process that died. */
const LOCK_STALE_MS = 10_000;
const LOCK_WAIT_MS = 20;

/**
 * Where tokens made by sign-up are kept, by URL; undefined where there is no home folder.
 *
 * @example tokenFilePath() // '/home/ann/.shoal/tokens.json'
 */
export function tokenFilePath(): string | undefined {
  const home = environmentVariable('HOME') || environmentVariable('USERPROFILE');
  return home ? `${home.replace(/[\\/]+$/, '')}/.shoal/tokens.json` : undefined;
}

/**
 * The token kept for a server; undefined when there is none, or no file system.
 *
 * @throws ShoalError `token_file` when the file is there and cannot be read
 * @example const token = await readToken('http://127.0.0.1:7070');
 */
export async function readToken(url: string): Promise<string | undefined> {
  const [fs, path] = [await fileSystem(), tokenFilePath()];
  if (fs === undefined || path === undefined) return undefined;
  const tokens = await readTokens(fs, path);
  return Object.hasOwn(tokens, tokenKey(url)) ? tokens[tokenKey(url)] : undefined;
}

/**
 * Keeps a token for a server, in a file of mode 600 in a folder of mode 700; other entries stay, also when several
 * processes write at once.
 *
 * @param instead  the token this one replaces; one that somebody else kept meanwhile stays, and is returned
 * @returns        the token that is kept now; undefined where there is no file to keep it in
 * @throws         ShoalError `token_file` when the file cannot be read or written
 * @example        await saveToken('http://127.0.0.1:7070', token);
 */
export async function saveToken(url: string, token: string, instead?: string): Promise<string | undefined> {
  const [fs, path] = [await fileSystem(), tokenFilePath()];
  if (fs === undefined || path === undefined) return undefined;
  try {
    await fs.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true, mode: 0o700 });
    return await whileLocked(fs, path, async () => {
      const tokens = await readTokens(fs, path);
      const kept = Object.hasOwn(tokens, tokenKey(url)) ? tokens[tokenKey(url)] : undefined;
      if (kept !== undefined && kept !== instead) return kept;
      await replaceFile(fs, path, `${JSON.stringify({ ...tokens, [tokenKey(url)]: token }, null, 2)}\n`);
      return token;
    });
  } catch (cause) {
    if (cause instanceof ShoalError) throw cause;
    throw fileError(path, 'cannot be written', cause);
  }
}

/** One server, one entry, however its URL was written. */
function tokenKey(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname.replace(/\/+$/, '')}`;
}

async function readTokens(fs: FileSystem, path: string): Promise<Tokens> {
  let content: string;
  try {
    content = await fs.readFile(path, 'utf8');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return {};
    throw fileError(path, 'cannot be read', cause);
  }
  const tokens = parsed(content);
  if (!isTokens(tokens)) throw fileError(path, 'is not a JSON object of URL to token');
  return tokens;
}

function parsed(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined; // the parser's message would quote the file, which holds tokens
  }
}

function isTokens(value: unknown): value is Tokens {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every((entry) => typeof entry === 'string')
  );
}

/** Whoever reads sees the old file or the new one, never half of one. */
async function replaceFile(fs: FileSystem, path: string, content: string): Promise<void> {
  const next = `${path}.${processId()}.next`; // one writer at a time, so the name need not be unique
  await fs.rm(next, { force: true }); // left by a process of that id; `wx` makes the mode certain
  await fs.writeFile(next, content, { mode: 0o600, flag: 'wx' });
  await fs.rename(next, path);
}

/** Without a lock, two processes that read, add and rename would lose one of the two entries. */
async function whileLocked<Result>(fs: FileSystem, path: string, act: () => Promise<Result>): Promise<Result> {
  const lock = `${path}.lock`;
  for (const giveUpAt = Date.now() + 2 * LOCK_STALE_MS; ; ) {
    try {
      await fs.writeFile(lock, String(processId()), { mode: 0o600, flag: 'wx' });
      break;
    } catch (cause) {
      if (codeOf(cause) !== 'EEXIST' || Date.now() > giveUpAt) throw cause;
      const age = await fs.stat(lock).then(
        ({ mtimeMs }) => Date.now() - mtimeMs,
        () => 0,
      );
      if (age > LOCK_STALE_MS) await fs.rm(lock, { force: true });
      else await wait(LOCK_WAIT_MS);
    }
  }
  try {
    return await act();
  } finally {
    await fs.rm(lock, { force: true });
  }
}

function fileError(path: string, problem: string, cause?: unknown): ShoalError {
  return new ShoalError({
    code: 'token_file',
    message: `${path} ${problem}`,
    hint: 'Fix or remove that file; with `token` passed or SHOAL_TOKEN set it is not read.',
    cause,
  });
}

function codeOf(cause: unknown): unknown {
  return typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
}
