import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readToken, saveToken, ShoalError } from '@shoal/sdk';
import type { Engine } from '../engine.ts';

export type FirstToken =
  /** `keptToo`: clients on this machine find it by the server's URL. */
  | { readonly kind: 'there'; readonly path: string; readonly isNew: boolean; readonly keptToo: boolean }
  | { readonly kind: 'none'; readonly why: string };

/**
 * Sees to it that the operator has a token: in the data folder, in a file of mode 600, and beside it in the clients' own
 * file, so that programs on this machine need no configuration. The token itself is never printed (security K3).
 */
export async function firstToken(engine: Engine, where: { readonly dataDir: string; readonly url: string }): Promise<FirstToken> {
  const path = join(where.dataDir, 'token');
  const kept = await readToken(where.url).catch(tokenFileFault);
  const candidates = [await readFile(path, 'utf8').catch(() => ''), kept ?? ''].map((text) => text.trim());
  for (const token of candidates) {
    if (token === '' || !(await isKnown(engine, token))) continue;
    await keep(path, token);
    const keptToo = kept === token || (await keepForClients(engine, { url: where.url, token, kept }));
    return { kind: 'there', path, isNew: false, keptToo };
  }
  const answer = await engine.fetch(new Request(`${where.url}/v1/signup`, { method: 'POST' }));
  const { token, message } = (await answer.json()) as { readonly token?: string; readonly message?: string };
  if (token === undefined) return { kind: 'none', why: message ?? `sign-up answered ${answer.status}` };
  await keep(path, token);
  return { kind: 'there', path, isNew: true, keptToo: await keepForClients(engine, { url: where.url, token, kept }) };
}

/** A token kept for this URL by another server's data folder is replaced; one that works here is left alone. */
async function keepForClients(
  engine: Engine,
  entry: { readonly url: string; readonly token: string; readonly kept: string | undefined },
): Promise<boolean> {
  if (entry.kept !== undefined && (await isKnown(engine, entry.kept))) return true;
  const kept = await saveToken(entry.url, entry.token, entry.kept).catch(tokenFileFault);
  return kept !== undefined;
}

/** A home folder that cannot be used is common in containers, and no reason not to start. */
function tokenFileFault(error: unknown): undefined {
  if (!(error instanceof ShoalError)) throw error;
  return undefined;
}

async function isKnown(engine: Engine, token: string): Promise<boolean> {
  const request = new Request('http://127.0.0.1/v1/inboxes?limit=1', { headers: { Authorization: `Bearer ${token}` } });
  return (await engine.fetch(request)).status === 200;
}

async function keep(path: string, token: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => '')).trim() === token) return;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(path, `${token}\n`, { mode: 0o600 });
}
