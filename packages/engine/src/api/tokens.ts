import { ShoalError } from '../model/errors.ts';
import { base32, type TenantId, type TokenId, tenantId, tokenId } from '../model/ids.ts';
import type { TokenRecord } from '../model/tenant.ts';
import { changeIn, checkedBounds, limitBudget, type WrittenBounds } from './bounds.ts';
import type { Caller } from './caller.ts';
import type { ApiPorts } from './ports.ts';

/** More tokens are nobody's to look at; the newest are shown. */
const TOKENS_SHOWN_MAX = 1_000;

export interface NewToken {
  readonly hash: string;
  /** In an account of its own, which sees nothing of the caller's mail; false: in the caller's. */
  readonly ownAccount: boolean;
  readonly bounds: WrittenBounds;
}

/** For operators: a token for an agent, bound from its first use on. @throws ShoalError `refused_value` */
export async function createToken(
  ports: Pick<ApiPorts, 'store' | 'ledger' | 'clock' | 'random'>,
  caller: Caller,
  { hash, ownAccount, ...wanted }: NewToken,
): Promise<TokenRecord> {
  const bounds = checkedBounds(wanted.bounds);
  const tenant = ownAccount ? newTenantId(ports) : caller.tenant;
  const createdAt = ports.clock.wallNow();
  const token: TokenRecord = { id: newTokenId(ports), hash, tenant, role: 'agent', createdAt, isStopped: false, ...bounds };
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

/** Those of the caller's account; an operator sees all. Newest first. */
export function listTokens(ports: Pick<ApiPorts, 'store'>, { role, tenant }: Caller): Promise<readonly TokenRecord[]> {
  return ports.store.listTokens(TOKENS_SHOWN_MAX, role === 'operator' ? undefined : tenant);
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
