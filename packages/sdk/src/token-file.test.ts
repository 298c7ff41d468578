import { chmod, mkdir, mkdtemp, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { readToken, saveToken } from './token-file.ts';

let home: string;
const file = (): string => join(home, '.shoal', 'tokens.json');
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'shoal-home-'));
  vi.stubEnv('HOME', home);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

it('keeps tokens in a file of mode 600 in a folder of mode 700, also over one that anybody could read (security K3)', async () => {
  await saveToken('http://localhost:1', 'a');
  await chmod(file(), 0o644);
  await saveToken('http://localhost:2', 'b');
  expect((await stat(file())).mode & 0o777).toBe(0o600);
  expect((await stat(join(home, '.shoal'))).mode & 0o777).toBe(0o700);
});

it('keeps every entry when many write at once, and leaves nothing else behind', async () => {
  const urls = Array.from({ length: 20 }, (_, port) => `http://localhost:${port + 1}`);
  await Promise.all(urls.map((url) => saveToken(url, `token of ${url}`)));
  expect(Object.keys(JSON.parse(await readFile(file(), 'utf8'))).sort()).toEqual([...urls].sort());
  expect(await readdir(join(home, '.shoal'))).toEqual(['tokens.json']);
});

it('takes one server for one server, however its URL is written', async () => {
  await saveToken('HTTP://LocalHost:80/', 'a');
  expect(await readToken('http://localhost')).toBe('a');
  expect(await readToken('http://localhost:81')).toBeUndefined();
});

it('leaves a token that was kept first, and replaces the one it was asked to replace', async () => {
  expect(await saveToken('http://localhost:1', 'a')).toBe('a');
  expect(await saveToken('http://localhost:1', 'b')).toBe('a');
  expect(await saveToken('http://localhost:1', 'c', 'a')).toBe('c');
  expect(await readToken('http://localhost:1')).toBe('c');
});

it('goes past the lock of a process that died', async () => {
  await mkdir(join(home, '.shoal'));
  await writeFile(`${file()}.lock`, '');
  const longAgo = Date.now() / 1_000 - 60;
  await utimes(`${file()}.lock`, longAgo, longAgo);
  expect(await saveToken('http://localhost:1', 'a')).toBe('a');
});

it('refuses a broken file instead of writing over it, and quotes nothing of it', async () => {
  await mkdir(join(home, '.shoal'));
  await writeFile(file(), '{"http://localhost:1": "c4n4ry');
  const refusal = await saveToken('http://localhost:2', 'b').catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: 'token_file', message: `${file()} is not a JSON object of URL to token` });
  expect(String(refusal)).not.toContain('c4n4ry');
  expect(await readFile(file(), 'utf8')).toContain('c4n4ry');
});
