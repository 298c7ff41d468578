import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { link, readFile, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ShoalError } from '../../model/errors.ts';
import type { Vault } from '../../ports/vault.ts';
import { makeFolder } from '../_shared/make-folder.ts';
import { syncFolder } from '../_shared/sync-folder.ts';

/** Before the sealed bytes; another number will mean another way of sealing. */
const VERSION = 1;
const KEY_BYTES = 32;
/** NIST SP 800-38D section 5.2.1.1 recommends 96 bits; chosen at random they bear far more seals than there will be senders. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * A vault whose key is in a file of mode 600, made when the first secret is sealed, or given in hex by the environment
 * (security G2). AES-256-GCM, with the purpose as additional data.
 */
export function openFileVault(options: {
  readonly path: string;
  readonly key?: string;
  /** There are secrets that this vault sealed before: then a key that is not there was lost, and is not made again. */
  readonly hasSealed: () => Promise<boolean>;
}): Vault {
  const keyThatIsThere = async (): Promise<Buffer | undefined> => {
    if (options.key !== undefined) return keyIn(options.key, 'SHOAL_SECRET_KEY');
    const written = await readFile(options.path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw new ShoalError('bad_config', `the key of stored secrets, ${options.path}, cannot be read`, { cause: error });
    });
    return written === undefined ? undefined : keyIn(written.trim(), options.path);
  };

  async function firstKey(): Promise<Buffer> {
    if (!(await options.hasSealed())) return makeKey(options.path, keyThatIsThere);
    const key = await keyThatIsThere(); // another process may have made it and sealed with it a moment ago
    if (key === undefined) throw lostKey(options.path);
    return key;
  }

  return {
    async seal(text, purpose) {
      const key = (await keyThatIsThere()) ?? (await firstKey());
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(purpose));
      const hidden = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return new Uint8Array(Buffer.concat([Uint8Array.of(VERSION), nonce, cipher.getAuthTag(), hidden]));
    },
    async open(sealed, purpose) {
      const key = await keyThatIsThere();
      if (key === undefined) throw unreadable(purpose, `its key, ${options.path}, is gone; put it back from a backup`);
      const bytes = Buffer.from(sealed);
      const from = 1 + NONCE_BYTES;
      if (bytes[0] !== VERSION || bytes.length < from + TAG_BYTES) throw unreadable(purpose, 'it was not sealed by this version of Shoal');
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1, from)).setAAD(Buffer.from(purpose));
        decipher.setAuthTag(bytes.subarray(from, from + TAG_BYTES));
        return Buffer.concat([decipher.update(bytes.subarray(from + TAG_BYTES)), decipher.final()]).toString('utf8');
      } catch {
        throw unreadable(
          purpose,
          'it was sealed with another key, or changed since; every process needs the same SHOAL_SECRET_KEY or data folder',
        );
      }
    },
  };
}

function unreadable(purpose: string, why: string): ShoalError {
  return new ShoalError('bad_config', `the secret of ${purpose} cannot be read: ${why}, or set its transport anew`);
}

function lostKey(path: string): ShoalError {
  return new ShoalError(
    'bad_config',
    `the key of stored secrets, ${path}, is gone, and senders are sealed with it: put it back from a backup. ` +
      `If it is lost for good, write a new one there (${2 * KEY_BYTES} hex digits, mode 600) and set the transport of each of them anew`,
  );
}

function keyIn(text: string, where: string): Buffer {
  if (!/^[0-9a-f]{64}$/i.test(text))
    throw new ShoalError('bad_config', `${where} must hold ${KEY_BYTES} bytes as ${2 * KEY_BYTES} hex digits`);
  return Buffer.from(text, 'hex');
}

/**
 * Written beside and linked into place, so that no process ever reads half a key and the first of two that make one wins.
 * Nothing is sealed before the folder is synced: a power cut must not leave a secret without its key.
 */
async function makeKey(path: string, read: () => Promise<Buffer | undefined>): Promise<Buffer> {
  makeFolder(dirname(path));
  const beside = `${path}.${randomBytes(6).toString('hex')}`;
  await writeFile(beside, `${randomBytes(KEY_BYTES).toString('hex')}\n`, { mode: 0o600, flag: 'wx', flush: true });
  try {
    await link(beside, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(beside);
  }
  await syncFolder(dirname(path));
  const key = await read();
  if (key === undefined) throw new ShoalError('bad_config', `the key of stored secrets, ${path}, was removed while it was made`);
  return key;
}
