import type { InboxId, LaneId, SenderId, TenantId } from './ids.ts';

declare const brand: unique symbol;
/** Whom a limit, a hold or a budget is about: `sender:default`, `inbox:ibx_...`, `tenant:acct_...`, `identity:example.com`. */
export type Scope = string & { readonly [brand]: 'scope' };

/**
 * `sender`: an identity a provider counts against. `inbox`: a lane within it. `tenant`: all inboxes of one owner.
 * `identity`: all mail from one domain, since SPF, DKIM and DMARC judge domains. `budget`: what an agent may submit,
 * counted when it asks and not when it is sent; its name is that of a token or an inbox.
 */
export type ScopeKind = 'sender' | 'inbox' | 'tenant' | 'identity' | 'budget';

export const senderScope = (id: SenderId): Scope => `sender:${id}` as Scope;
export const inboxScope = (id: InboxId | LaneId): Scope => `inbox:${id}` as Scope;
export const tenantScope = (id: TenantId): Scope => `tenant:${id}` as Scope;
export const identityScope = (domain: string): Scope => `identity:${domain.toLowerCase()}` as Scope;
export const budgetScope = (of: string): Scope => `budget:${of}` as Scope;

/** The domain of a return path, for `identityScope`. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase();
}

/** @example readScope(senderScope(id)) // { kind: 'sender', name: 'default' } */
export function readScope(scope: Scope): { readonly kind: ScopeKind; readonly name: string } {
  const at = scope.indexOf(':');
  return { kind: scope.slice(0, at) as ScopeKind, name: scope.slice(at + 1) };
}
