import { switchToken } from '../../api/kill-switch.ts';
import { boundToken, createToken, listTokens, revokeToken } from '../../api/tokens.ts';
import type { TokenRecord } from '../../model/tenant.ts';
import * as answers from '../answer-schemas-account.ts';
import { pageJson } from '../answers.ts';
import { iso, isoOrNull } from '../iso.ts';
import { mintToken } from '../auth.ts';
import { definedOnly } from '../defined-only.ts';
import { pageAsked } from '../page.ts';
import { type Route, route } from '../route.ts';
import * as schemas from '../schemas.ts';

export const tokenRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/tokens',
    scope: 'manage',
    wholeAccount: true,
    summary:
      'Makes a token for an agent, with `scopes`, `inboxes`, `expiresAt`, `caps` and `policy`; `ownAccount` gives it an account of its own. It is shown this once.',
    access: 'operator',
    body: schemas.createToken,
    status: 201,
    gives: answers.newToken,
    refuses: ['not_found'],
    answer: async ({ deps, caller, body }) => {
      const { ownAccount, caps, policy, ...reach } = body;
      const { token, hash } = mintToken(deps.random);
      const bounds = definedOnly({ caps, policy });
      const record = await createToken(deps, caller, { hash, ownAccount: ownAccount ?? false, bounds, ...definedOnly(reach) });
      return { ...tokenJson(record), token };
    },
  }),
  route({
    method: 'GET',
    path: '/v1/tokens',
    scope: 'read',
    wholeAccount: true,
    summary: 'Tokens of this account, newest first; for an operator those of all accounts. The tokens themselves are not kept.',
    query: schemas.page,
    gives: answers.tokenPage,
    answer: async ({ deps, caller, query }) => {
      const { tokens, cursor } = await listTokens(deps, caller, pageAsked(query));
      return pageJson(tokens.map(tokenJson), cursor);
    },
  }),
  route({
    method: 'PATCH',
    path: '/v1/tokens/:id',
    scope: 'manage',
    wholeAccount: true,
    summary: 'Sets the `caps` or the `policy` of a token: each replaces the whole of what was there.',
    access: 'operator',
    body: schemas.bounds,
    gives: answers.token,
    answer: async ({ deps, caller, param, body }) => tokenJson(await boundToken(deps, caller, param('id'), definedOnly(body))),
  }),
  route({
    method: 'POST',
    path: '/v1/tokens/:id/stop',
    scope: 'manage',
    wholeAccount: true,
    summary: 'Refuses new mail of a token; what it handed in before goes on.',
    gives: answers.token,
    answer: async ({ deps, caller, param }) => tokenJson(await switchToken(deps, caller, { act: 'stop', token: param('id') })),
  }),
  route({
    method: 'POST',
    path: '/v1/tokens/:id/start',
    scope: 'manage',
    wholeAccount: true,
    summary: 'Takes new mail of a stopped token again.',
    access: 'operator',
    gives: answers.token,
    answer: async ({ deps, caller, param }) => tokenJson(await switchToken(deps, caller, { act: 'start', token: param('id') })),
  }),
  route({
    method: 'DELETE',
    path: '/v1/tokens/:id',
    scope: 'any',
    summary: 'Ends a token at once, in every process. Any token may end itself; for another one of its account it needs `manage`.',
    gives: answers.endedToken,
    answer: async ({ deps, caller, param }) => ({ ...tokenJson(await revokeToken(deps, caller, param('id'))), deleted: true }),
  }),
];

export function tokenJson(token: TokenRecord): Readonly<Record<string, unknown>> {
  const { id, tenant, role, scopes, inboxes, isStopped, caps, policy, createdAt, expiresAt, lastUsedAt } = token;
  return {
    id,
    account: tenant,
    role,
    scopes,
    inboxes: inboxes ?? null,
    isStopped,
    caps: caps ?? null,
    policy: policy ?? null,
    createdAt: iso(createdAt),
    expiresAt: isoOrNull(expiresAt),
    lastUsedAt: isoOrNull(lastUsedAt),
  };
}
