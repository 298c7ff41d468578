import { switchToken } from '../../api/kill-switch.ts';
import { boundToken, createToken, listTokens } from '../../api/tokens.ts';
import type { TokenRecord } from '../../model/tenant.ts';
import { iso } from '../iso.ts';
import { mintToken } from '../auth.ts';
import { definedOnly } from '../defined-only.ts';
import { type Route, route } from '../route.ts';
import * as schemas from '../schemas.ts';

export const tokenRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/tokens',
    summary: 'Makes a token for an agent, with `caps` and `policy`; `ownAccount` gives it an account of its own. It is shown this once.',
    access: 'operator',
    body: schemas.createToken,
    status: 201,
    answer: async ({ deps, caller, body }) => {
      const { ownAccount, ...bounds } = body;
      const { token, hash } = mintToken(deps.random);
      const record = await createToken(deps, caller, { hash, ownAccount: ownAccount ?? false, bounds: definedOnly(bounds) });
      return { ...tokenJson(record), token };
    },
  }),
  route({
    method: 'GET',
    path: '/v1/tokens',
    summary: 'Tokens of this account, newest first; for an operator those of all accounts. The tokens themselves are not kept.',
    answer: async ({ deps, caller }) => ({ data: (await listTokens(deps, caller)).map(tokenJson) }),
  }),
  route({
    method: 'PATCH',
    path: '/v1/tokens/:id',
    summary: 'Sets the `caps` or the `policy` of a token: each replaces the whole of what was there.',
    access: 'operator',
    body: schemas.bounds,
    answer: async ({ deps, caller, param, body }) => tokenJson(await boundToken(deps, caller, param('id'), definedOnly(body))),
  }),
  route({
    method: 'POST',
    path: '/v1/tokens/:id/stop',
    summary: 'Refuses new mail of a token; what it handed in before goes on.',
    answer: async ({ deps, caller, param }) => tokenJson(await switchToken(deps, caller, { act: 'stop', token: param('id') })),
  }),
  route({
    method: 'POST',
    path: '/v1/tokens/:id/start',
    summary: 'Takes new mail of a stopped token again.',
    access: 'operator',
    answer: async ({ deps, caller, param }) => tokenJson(await switchToken(deps, caller, { act: 'start', token: param('id') })),
  }),
];

export function tokenJson({ id, tenant, role, isStopped, caps, policy, createdAt }: TokenRecord): Readonly<Record<string, unknown>> {
  return { id, account: tenant, role, isStopped, caps: caps ?? null, policy: policy ?? null, createdAt: iso(createdAt) };
}
