import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { Vault } from '../../ports/vault.ts';
import { openFileVault } from './file.ts';

const folders: string[] = [];
function keyPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-vault-'));
  folders.push(folder);
  return join(folder, 'deep', 'secret.key');
}
const open = (path: string, more: { readonly key?: string; readonly hasSealed?: () => Promise<boolean> } = {}): Vault =>
  openFileVault({ path, hasSealed: async () => false, ...more });
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

it('G2: makes its key when a secret is first sealed, in a file that only its owner reads', async () => {
  const path = keyPath();
  const vault = open(path);
  expect(() => statSync(path)).toThrow('ENOENT');
  const sealed = await vault.seal('smtp://u:c4n4ry@host', 'sender bulk');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(Buffer.from(sealed).toString('latin1')).not.toContain('c4n4ry');
  expect(await open(path).open(sealed, 'sender bulk')).toBe('smtp://u:c4n4ry@host');
});

it('never seals the same text to the same bytes', async () => {
  const vault = open(keyPath());
  expect(await vault.seal('x', 'a')).not.toEqual(await vault.seal('x', 'a'));
});

it('opens nothing that was changed, sealed for another purpose or with another key', async () => {
  const path = keyPath();
  const vault = open(path);
  const sealed = await vault.seal('c4n4ry', 'sender bulk');
  await expect(vault.open(sealed, 'sender other')).rejects.toThrow('the secret of sender other cannot be read');
  const changed = Uint8Array.from(sealed, (byte, index) => (index === sealed.length - 1 ? byte ^ 1 : byte));
  await expect(vault.open(changed, 'sender bulk')).rejects.toThrow('cannot be read');
  await expect(vault.open(sealed.slice(0, 20), 'sender bulk')).rejects.toThrow('not sealed by this version');
  await expect(open(path, { key: 'ab'.repeat(32) }).open(sealed, 'sender bulk')).rejects.toThrow('sealed with another key');
});

it('makes no new key for what an old one sealed', async () => {
  const sealed = await open(keyPath()).seal('x', 'a');
  const path = keyPath();
  await expect(open(path).open(sealed, 'a')).rejects.toThrow('is gone; put it back');
  expect(() => statSync(path)).toThrow('ENOENT');
});

it('makes no new key beside secrets that an old one sealed, and takes the one that an operator puts there', async () => {
  const path = keyPath();
  const vault = open(path, { hasSealed: async () => true });
  await expect(vault.seal('x', 'a')).rejects.toThrow(`the key of stored secrets, ${path}, is gone`);
  expect(() => statSync(path)).toThrow('ENOENT');
  await open(path).seal('x', 'a');
  expect(await vault.open(await vault.seal('y', 'b'), 'b')).toBe('y');
});

it('does not take the key that another process makes at that moment for a lost one', async () => {
  const path = keyPath();
  const vault = open(path, {
    async hasSealed() {
      await open(path).seal('x', 'a');
      return true;
    },
  });
  expect(await open(path).open(await vault.seal('y', 'b'), 'b')).toBe('y');
});

it('has one key, although several processes make one at the same moment', async () => {
  const path = keyPath();
  const vaults = Array.from({ length: 8 }, () => open(path));
  const sealed = await Promise.all(vaults.map((vault) => vault.seal('x', 'a')));
  for (const bytes of sealed) expect(await open(path).open(bytes, 'a')).toBe('x');
  expect(readFileSync(path, 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
});

it('takes a key of the environment before the file, and refuses one that is none', async () => {
  const vault = open(keyPath(), { key: 'ab'.repeat(32) });
  expect(await vault.open(await vault.seal('x', 'a'), 'a')).toBe('x');
  await expect(open(keyPath(), { key: 'secret' }).seal('x', 'a')).rejects.toThrow('SHOAL_SECRET_KEY must hold 32 bytes');
});
