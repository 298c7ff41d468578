import { createHash } from 'node:crypto';
import { findToken } from '../api/account.ts';
import type { ApiPorts } from '../api/ports.ts';
import { ShoalError } from '../model/errors.ts';
import { base32, type TokenId } from '../model/ids.ts';
import type { TokenRecord, TokenScope } from '../model/tenant.ts';
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
 * Whose token the request carries. A missing, a malformed, a wrong, an expired and a revoked token take the same way and get
 * the same answer, so that neither its text nor its time says which it was (security K2).
 *
 * @throws ShoalError `unauthorized`
 */
export async function authenticate(ports: Pick<ApiPorts, 'store' | 'clock'>, headers: Headers): Promise<TokenRecord> {
  const token = /^bearer +(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1] ?? '';
  const found = await findToken(ports, hashOf(token));
  if (found === undefined || (found.expiresAt ?? Number.POSITIVE_INFINITY) <= ports.clock.wallNow())
    throw new ShoalError(
      'unauthorized',
      'no token of this server was given: send `Authorization: Bearer <token>`. A token saved for another server, or one that was ' +
        'revoked or has expired, does not work here; pass `token`, or remove the saved one (such as ~/.lobstermail/token) and sign up again',
    );
  return found;
}

/** @throws ShoalError `forbidden`: what is missing is named */
export function admit(caller: TokenRecord, needs: { readonly scope?: TokenScope; readonly wholeAccount: boolean }): void {
  if (needs.scope !== undefined && !caller.scopes.includes(needs.scope))
    throw new ShoalError('forbidden', `this token has no scope \`${needs.scope}\`: it has ${caller.scopes.join(', ') || 'none'}`, {
      details: { scope: `${needs.scope} is missing` },
    });
  if (needs.wholeAccount && caller.inboxes !== undefined)
    throw new ShoalError('forbidden', 'this token is bound to its inboxes, and this is about the whole account');
}

/** Between two notes of a token's use. */
const NOTE_EVERY_MS = 60_000;
const NOTED_MAX = 10_000;

/** Keeps when tokens were used, to about a minute, and holds up no request for it: what cannot be written down is left out. */
export function tokenUses(ports: Pick<ApiPorts, 'store' | 'clock'>): (token: TokenRecord) => void {
  const noted = new Map<TokenId, number>();
  return ({ id, lastUsedAt = Number.NEGATIVE_INFINITY }) => {
    const now = ports.clock.wallNow();
    if (now - Math.max(lastUsedAt, noted.get(id) ?? Number.NEGATIVE_INFINITY) < NOTE_EVERY_MS) return;
    if (noted.size >= NOTED_MAX) noted.clear();
    noted.set(id, now);
    ports.store.noteTokenUse(id, now).catch(() => undefined);
  };
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
