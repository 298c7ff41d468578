import { mkdtempSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeFolder } from './make-folder.ts';

const fresh = (): string => mkdtempSync(join(tmpdir(), 'shoal-folder-'));

it('makes a folder and those it lies in, for this user alone, and again changes nothing', () => {
  const path = join(fresh(), 'a', 'b', 'c');
  makeFolder(path);
  makeFolder(path);
  expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
  expect(statSync(path).mode & 0o777).toBe(0o700);
});

it('says at once that a file is in the way, at the end or before it', () => {
  const file = join(fresh(), 'file');
  writeFileSync(file, '');
  expect(() => makeFolder(file)).toThrow(/ENOTDIR/);
  expect(() => makeFolder(join(file, 'below'))).toThrow(/ENOTDIR/);
});

it('says at once that a link leads nowhere', () => {
  const link = join(fresh(), 'link');
  symlinkSync(join(link, '..', 'nowhere'), link);
  expect(() => makeFolder(link)).toThrow(/ENOENT/);
});

it.runIf(process.platform === 'linux')('ends below /proc, where nothing can be made and its parent is there', () => {
  expect(() => makeFolder('/proc/shoal/data')).toThrow(/ENOENT/);
});
