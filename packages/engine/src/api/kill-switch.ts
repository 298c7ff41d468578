import { ShoalError } from '../model/errors.ts';
import { type TenantId, tenantId } from '../model/ids.ts';
import type { Inbox } from '../model/inbox.ts';
import { inboxScope, type Scope, tenantScope } from '../model/scope.ts';
import type { TokenRecord } from '../model/tenant.ts';
import type { Standing } from '../ports/ledger-scopes.ts';
import { inboxFor } from './inboxes.ts';
import type { Caller } from './caller.ts';
import type { ApiPorts } from './ports.ts';
import { tokenFor } from './tokens.ts';

/**
 * `stop`: new mail is refused, and what is queued stays where it is. `pause`: new mail is accepted and waits. Both hold from
 * the next lease and the next commit on, in every process. Whoever owns the mail may throw a switch; to release it
 * is for operators, since the agent that was stopped would be the first to do so (security P7).
 */
export const SWITCHES = { stop: 'stop', start: 'stop', pause: 'pause', resume: 'pause' } as const;
export type Switch = keyof typeof SWITCHES;

/** How a scope stands after the act. */
export type Held = Standing['holds'];

/** @throws ShoalError `forbidden`, `not_found` */
export async function switchInbox(
  ports: Pick<ApiPorts, 'store' | 'ledger'>,
  caller: Caller,
  how: { readonly act: Switch; readonly inbox: string; readonly note?: string },
): Promise<{ readonly inbox: Inbox; readonly holds: Held }> {
  const inbox = await inboxFor(ports, caller, how.inbox);
  return { inbox, holds: await throwSwitch(ports, inboxScope(inbox.id), { ...how, caller }) };
}

/** Without `account` the caller's own. @throws ShoalError `forbidden`, `not_found` */
export async function switchAccount(
  ports: Pick<ApiPorts, 'store' | 'ledger'>,
  caller: Caller,
  how: { readonly act: Switch; readonly account?: string; readonly note?: string },
): Promise<{ readonly account: TenantId; readonly holds: Held }> {
  const account = how.account === undefined ? caller.tenant : await accountMeantBy(ports, caller, how.account);
  return { account, holds: await throwSwitch(ports, tenantScope(account), { ...how, caller }) };
}

/** Mail that it handed in before is the account's, and goes on. @throws ShoalError `forbidden`, `not_found` */
export async function switchToken(
  ports: Pick<ApiPorts, 'store'>,
  caller: Caller,
  how: { readonly act: 'stop' | 'start'; readonly token: string },
): Promise<TokenRecord> {
  const token = await tokenFor(ports, caller, how.token);
  const isStopped = how.act === 'stop';
  await ports.store.changeToken(token.id, { isStopped });
  return { ...token, isStopped };
}

export async function holdsOn(ports: Pick<ApiPorts, 'ledger'>, scope: Scope): Promise<Held> {
  const [standing] = await ports.ledger.standing([scope]);
  return standing?.holds ?? [];
}

async function throwSwitch(
  ports: Pick<ApiPorts, 'ledger'>,
  scope: Scope,
  { act, note, caller }: { readonly act: Switch; readonly note?: string; readonly caller: Caller },
): Promise<Held> {
  const why = SWITCHES[act];
  if (act === why) await ports.ledger.hold([{ scope, why, note: noteBy(caller, note) }]);
  else await ports.ledger.lift([{ scope, why }]);
  return holdsOn(ports, scope);
}

function noteBy({ id, role }: Caller, note: string | undefined): string {
  return `${note ?? 'No reason was given.'} (${role} ${id})`;
}

async function accountMeantBy(ports: Pick<ApiPorts, 'store'>, caller: Caller, text: string): Promise<TenantId> {
  if (text === caller.tenant) return caller.tenant;
  if (caller.role !== 'operator') throw new ShoalError('forbidden', 'only the token of an operator may name another account');
  const id = readTenantId(text);
  if (id === undefined || !(await ports.store.hasTenant(id))) throw new ShoalError('not_found', 'no account with this id');
  return id;
}

function readTenantId(text: string): TenantId | undefined {
  try {
    return tenantId(text);
  } catch {
    return undefined; // what cannot be an id is the id of nothing
  }
}
