import { ShoalError } from '../model/errors.ts';
import { base32, type InboxId, type TenantId, type TokenId, tenantId, tokenId } from '../model/ids.ts';
import { TOKEN_SCOPES, type TokenRecord, type TokenScope } from '../model/tenant.ts';
import { changeIn, checkedBounds, limitBudget, type WrittenBounds } from './bounds.ts';
import type { Caller } from './caller.ts';
import { pageAt } from './cursor.ts';
import { getInbox } from './inboxes.ts';
import type { ApiPorts } from './ports.ts';

export interface NewToken {
  readonly hash: string;
  /** In an account of its own, which sees nothing of the caller's mail; false: in the caller's. */
  readonly ownAccount: boolean;
  readonly bounds: WrittenBounds;
  /** All of them unless said. */
  readonly scopes?: readonly TokenScope[];
  /** The only inboxes it may use, by id or address; of the account it is made in. */
  readonly inboxes?: readonly string[];
  /** Epoch ms. */
  readonly expiresAt?: number;
}

/** Fewer than this many inboxes are named one by one; more is an account of its own. */
const INBOXES_MAX = 100;

/** For operators: a token for an agent, bound from its first use on. @throws ShoalError `refused_value`, `not_found` */
export async function createToken(
  ports: Pick<ApiPorts, 'store' | 'ledger' | 'clock' | 'random'>,
  caller: Caller,
  { hash, ownAccount, scopes = TOKEN_SCOPES, ...wanted }: NewToken,
): Promise<TokenRecord> {
  const bounds = checkedBounds(wanted.bounds);
  const tenant = ownAccount ? newTenantId(ports) : caller.tenant;
  const createdAt = ports.clock.wallNow();
  if (wanted.expiresAt !== undefined && wanted.expiresAt <= createdAt) throw refused('expiresAt', 'must be in the future');
  const inboxes = await inboxesNamed(ports, caller, wanted.inboxes, ownAccount);
  const token: TokenRecord = {
    id: newTokenId(ports),
    hash,
    tenant,
    role: 'agent',
    scopes: TOKEN_SCOPES.filter((scope) => scopes.includes(scope)),
    createdAt,
    isStopped: false,
    ...(inboxes !== undefined && { inboxes }),
    ...(wanted.expiresAt !== undefined && { expiresAt: wanted.expiresAt }),
    ...bounds,
  };
  await limitBudget(ports, token.id, bounds);
  if (ownAccount) await ports.store.addTenant({ id: tenant, createdAt }, token);
  else await ports.store.addToken(token);
  return token;
}

export function newTokenId({ random }: Pick<ApiPorts, 'random'>): TokenId {
  return tokenId(`tok_${base32(random.bytes(10), 16)}`);
}

export function newTenantId({ random }: Pick<ApiPorts, 'random'>): TenantId {
  return tenantId(`acct_${base32(random.bytes(17), 26)}`);
}

async function inboxesNamed(
  ports: Pick<ApiPorts, 'store'>,
  caller: Caller,
  named: readonly string[] | undefined,
  ownAccount: boolean,
): Promise<readonly InboxId[] | undefined> {
  if (named === undefined) return undefined;
  if (ownAccount) throw refused('inboxes', 'cannot be given with ownAccount: a new account has no inbox yet');
  if (named.length > INBOXES_MAX) throw refused('inboxes', `has more than ${INBOXES_MAX} inboxes`);
  const found = await Promise.all(named.map((reference) => getInbox(ports, caller.tenant, reference)));
  return [...new Set(found.map(({ id }) => id))];
}

function refused(field: string, fault: string): ShoalError {
  return new ShoalError('refused_value', `${field} ${fault}`, { details: { [field]: fault } });
}

/** Those of the caller's account; an operator sees all. Newest first. */
export function listTokens(
  ports: Pick<ApiPorts, 'store'>,
  { role, tenant }: Caller,
  { max, cursor }: { readonly max: number; readonly cursor?: string },
): Promise<{ readonly tokens: readonly TokenRecord[]; readonly cursor?: string }> {
  return pageAt(cursor, (place) => ports.store.listTokens({ max, ...(role === 'operator' ? {} : { tenant }), ...place }));
}

/**
 * From now on it is no token, in every process. Any token may end itself; another one of its account needs `manage`, and an
 * operator's needs an operator, since an agent may be talked into anything (security P7).
 *
 * @throws ShoalError `not_found`, `forbidden`
 */
export async function revokeToken(
  ports: Pick<ApiPorts, 'store'>,
  caller: Pick<TokenRecord, 'id' | 'tenant' | 'role' | 'scopes' | 'inboxes'>,
  reference: string,
): Promise<TokenRecord> {
  const token = await tokenFor(ports, caller, reference);
  if (token.id !== caller.id) {
    if (!caller.scopes.includes('manage'))
      throw new ShoalError('forbidden', 'this token has no scope `manage`, so it can revoke only itself');
    if (caller.inboxes !== undefined) throw new ShoalError('forbidden', 'this token is bound to its inboxes, so it can revoke only itself');
    if (token.role === 'operator' && caller.role !== 'operator')
      throw new ShoalError('forbidden', 'the token of an operator is revoked by operators');
  }
  await ports.store.removeToken(token.id);
  return token;
}

/** One of the caller's account; for an operator any. @throws ShoalError `not_found` */
export async function tokenFor(ports: Pick<ApiPorts, 'store'>, { role, tenant }: Caller, reference: string): Promise<TokenRecord> {
  const id = readTokenId(reference);
  const token = id === undefined ? undefined : await ports.store.getToken(id, role === 'operator' ? undefined : tenant);
  if (token === undefined) throw new ShoalError('not_found', 'no token with this id');
  return token;
}

/** For operators. @throws ShoalError `not_found`, `refused_value`, `bad_request` when nothing is to be changed */
export async function boundToken(
  ports: Pick<ApiPorts, 'store' | 'ledger'>,
  caller: Caller,
  reference: string,
  written: WrittenBounds,
): Promise<TokenRecord> {
  const change = changeIn(written);
  const token = await tokenFor(ports, caller, reference);
  await limitBudget(ports, token.id, change);
  await ports.store.changeToken(token.id, change);
  return { ...token, ...change };
}

function readTokenId(text: string): TokenId | undefined {
  try {
    return tokenId(text);
  } catch {
    return undefined; // what cannot be an id is the id of nothing
  }
}
