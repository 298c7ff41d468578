import { createHash } from 'node:crypto';
import { findToken } from '../api/account.ts';
import type { ApiPorts } from '../api/ports.ts';
import { ShoalError } from '../model/errors.ts';
import { base32 } from '../model/ids.ts';
import type { TokenRecord } from '../model/tenant.ts';
import type { Random } from '../ports/random.ts';

/** Security K1 asks for 128 random bits; 32 characters hold 160. */
const TOKEN_RANDOM_BYTES = 20;
const TOKEN_CHARACTERS = 32;

/** A token and what is stored of it. It has too much chance in it to need a slow hash (security K1). */
export function mintToken(random: Random): { readonly token: string; readonly hash: string } {
  const token = `shoal_sk_${base32(random.bytes(TOKEN_RANDOM_BYTES), TOKEN_CHARACTERS)}`;
  return { token, hash: hashOf(token) };
}

/**
 * Whose token the request carries. A missing, a malformed and a wrong token take the same way and get the same answer, so
 * that neither its text nor its time says which it was (security K2).
 *
 * @throws ShoalError `unauthorized`
 */
export async function authenticate(ports: Pick<ApiPorts, 'store'>, headers: Headers): Promise<TokenRecord> {
  const token = /^bearer +(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1] ?? '';
  const found = await findToken(ports, hashOf(token));
  if (found === undefined)
    throw new ShoalError(
      'unauthorized',
      'no token of this server was given: send `Authorization: Bearer <token>`. A token saved for another server does not work here; ' +
        'pass `token`, or remove the saved one (such as ~/.lobstermail/token) and sign up again',
    );
  return found;
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
