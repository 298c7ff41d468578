/**
 * What a caller may ask, one file a noun: plain functions over the ports and the stories. Each takes the tenant first and
 * answers with nouns of the model; a foreign id is the same `not_found` as a missing one (security T1). Not here: HTTP,
 * JSON shapes, tokens in clear text, or any decision about when and how often a mail is sent.
 */
import type { TenantId } from '../model/ids.ts';
import { type Role, type Tenant, TOKEN_SCOPES, type TokenRecord } from '../model/tenant.ts';
import type { Usage } from '../ports/store.ts';
import type { ApiPorts } from './ports.ts';
import { newTenantId, newTokenId } from './tokens.ts';

/** Opens an account with this first token; the token itself is the caller's to make and to show once (security K1). */
export async function signUp(
  ports: Pick<ApiPorts, 'store' | 'clock' | 'random'>,
  token: { readonly hash: string; readonly role: Role },
): Promise<Tenant> {
  const createdAt = ports.clock.wallNow();
  const tenant: Tenant = { id: newTenantId(ports), createdAt };
  const first = { ...token, id: newTokenId(ports), tenant: tenant.id, scopes: TOKEN_SCOPES, createdAt, isStopped: false };
  await ports.store.addTenant(tenant, first);
  return tenant;
}

export function findToken(ports: Pick<ApiPorts, 'store'>, tokenHash: string): Promise<TokenRecord | undefined> {
  return ports.store.findToken(tokenHash);
}

/** Today and this month are those of UTC. */
export function readUsage(ports: Pick<ApiPorts, 'store' | 'clock'>, tenant: TenantId): Promise<Usage> {
  const now = new Date(ports.clock.wallNow());
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()];
  return ports.store.usage(tenant, { day: Date.UTC(year, month, day), month: Date.UTC(year, month) });
}
