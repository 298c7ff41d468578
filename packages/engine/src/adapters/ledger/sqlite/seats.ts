import { hash } from 'node:crypto';
import type { Envelope } from '../../../model/envelope.ts';
import { costMax, countedRecipients, countsAddresses, type LimitRule, type Limits, ruleName } from '../../../model/limit.ts';
import type { Scope } from '../../../model/scope.ts';
import type { Look } from './act.ts';
import {
  ADD_SEAT,
  ADDRESSES_BY_TIME,
  DROP_SEATS,
  GIVE_BACK_SEATS,
  HAS_SEAT,
  IS_ADDRESS_KNOWN,
  KNOW_ADDRESS,
  LEAVE_SEATS,
  PAST_ADDRESSES,
  PAST_COST,
  RULES,
  SALT,
  SAVE_TAT,
  SAVE_USED,
  SCOPE_LIMITS,
  SEATS_BY_TIME,
} from './sql/seats.ts';

/**
 * The windows of the scopes one act is about: each rule knows how much of it is used, each mail under it has seats. What
 * left a window is counted out when its scope is first asked for, so that a question never walks a window.
 */
export interface LimitedScope {
  readonly scope: Scope;
  readonly limits: Limits;
  readonly rules: readonly Window[];
  /** Of its pace: when the next mail would be due. */
  tat: number;
  tatSaved: number;
}
export interface Window {
  readonly id: number;
  readonly scope: Scope;
  readonly rule: LimitRule;
  readonly ownDomains: readonly string[];
  used: number;
  /** What the file says of it. */
  usedSaved: number;
  /** Seats of this time and before have left it. */
  readonly endedAt: number;
  /** Last seats of its addresses, the oldest first; looked up once an act. */
  addresses?: readonly { readonly hash: Uint8Array; readonly at: number }[];
}
type Recipients = Pick<Envelope, 'to'>;

export interface SeatBook {
  /** Undefined: nothing limits it. */
  limited(scope: Scope): LimitedScope | undefined;
  /** What a mail costs when nothing else is counted. */
  costAlone(window: Window, envelope: Recipients): number;
  /** What it costs now. */
  cost(window: Window, envelope: Recipients): number;
  /** When it fits if nothing else comes: now, a time, or Infinity while seats that are not free yet are in the way. */
  fitsAt(window: Window, envelope: Recipients): number;
  sit(limited: LimitedScope, envelope: Recipients, job: number, held: boolean): void;
  /** The seats of a lease that is over: without a commit they are free again. `of`: the scopes that may have given them. */
  leave(job: number, isCommitted: boolean, of: readonly Scope[]): void;
  know(limited: LimitedScope, envelope: Recipients): void;
  save(): void;
  /** Forgets what it read: what left a window since is counted out by the next question. */
  renew(): void;
}

interface RuleRow {
  readonly id: number;
  readonly unit: LimitRule['unit'];
  readonly window_ms: number;
  readonly used: number;
}

const NEVER = Number.POSITIVE_INFINITY;

/** `isReader`: changes nothing, so that what left a window is only taken off in its answers. */
export function openSeatBook(look: Look, isReader: boolean): SeatBook {
  const scopes = new Map<Scope, LimitedScope | undefined>();
  let salt: string | undefined;

  const hashOf = (address: string): Uint8Array => {
    salt ??= look.sql<{ value: string }>(SALT).get()?.value ?? '';
    return hash('sha256', `${salt}\n${address}`, 'buffer').subarray(0, 8);
  };

  function read(scope: Scope): LimitedScope | undefined {
    const row = look.sql<{ limits: string | null; tat: number }>(SCOPE_LIMITS).get(scope);
    if (row === undefined || row.limits === null) return undefined;
    const limits = JSON.parse(row.limits) as Limits;
    const rows = limits.rules.length === 0 ? [] : look.sql<RuleRow>(RULES).all(scope);
    const rules = limits.rules.flatMap((rule) => {
      const found = rows.find(({ unit, window_ms }) => ruleName({ unit, windowMs: window_ms }) === ruleName(rule));
      return found === undefined ? [] : [windowOf(found, rule, scope, limits.ownDomains ?? [])];
    });
    return { scope, limits, rules, tat: row.tat, tatSaved: row.tat };
  }

  function windowOf({ id, used }: RuleRow, rule: LimitRule, scope: Scope, ownDomains: readonly string[]): Window {
    const endedAt = look.now - rule.windowMs - rule.marginMs;
    const isOfAddresses = countsAddresses(rule.unit);
    const window: Window = { id, scope, rule, ownDomains, used, usedSaved: used, endedAt };
    if (isReader) {
      const past = look.sql<{ cost: number }>(isOfAddresses ? PAST_ADDRESSES : PAST_COST).get(id, endedAt);
      window.used -= past?.cost ?? 0;
    } else {
      const dropped = look.sql<{ hash: Uint8Array | null; cost: number }>(DROP_SEATS).all(id, endedAt);
      giveBack(window, dropped);
    }
    return window;
  }

  function giveBack(window: Window, seats: readonly { readonly hash: Uint8Array | null; readonly cost: number }[]): void {
    const gone = new Map<string, Uint8Array>();
    for (const { hash: address, cost } of seats) {
      if (address === null) window.used -= cost;
      else gone.set(Buffer.from(address).toString('latin1'), address);
    }
    for (const address of gone.values()) if (!hasSeat(window, address)) window.used -= 1;
    delete window.addresses;
  }

  const hasSeat = (window: Window, address: Uint8Array): boolean =>
    look.sql(HAS_SEAT).get(window.id, address, window.endedAt) !== undefined;
  const isKnown = (scope: Scope, address: Uint8Array): boolean => look.sql(IS_ADDRESS_KNOWN).get(scope, address) !== undefined;

  function limited(scope: Scope): LimitedScope | undefined {
    if (!scopes.has(scope)) scopes.set(scope, read(scope));
    return scopes.get(scope);
  }

  /** Those of its addresses that take a seat each. */
  function addressesOf({ rule, scope, ownDomains }: Window, envelope: Recipients): Uint8Array[] {
    const hashes = countedRecipients(rule.unit, envelope, ownDomains).map(hashOf);
    return rule.unit === 'newRecipients' ? hashes.filter((address) => !isKnown(scope, address)) : hashes;
  }

  function costAlone(window: Window, envelope: Recipients): number {
    const { rule, ownDomains } = window;
    return rule.unit === 'newRecipients' ? addressesOf(window, envelope).length : costMax(rule.unit, envelope, ownDomains);
  }

  function cost(window: Window, envelope: Recipients): number {
    const { rule, ownDomains } = window;
    if (!countsAddresses(rule.unit)) return costMax(rule.unit, envelope, ownDomains);
    return addressesOf(window, envelope).filter((address) => !hasSeat(window, address)).length;
  }

  function fitsAt(window: Window, envelope: Recipients): number {
    const { rule, used } = window;
    let wanted = used + cost(window, envelope) - rule.max;
    if (wanted <= 0) return look.now;
    if (countsAddresses(rule.unit)) return addressesFitAt(window, wanted, addressesOf(window, envelope));
    for (const { at, cost: freed } of look.sql<{ at: number; cost: number }>(SEATS_BY_TIME).all(window.id, window.endedAt, wanted)) {
      wanted -= freed;
      if (wanted <= 0) return at + rule.windowMs + rule.marginMs;
    }
    return NEVER;
  }

  /** An address of its own that leaves the window gives nothing: the mail would need it again. */
  function addressesFitAt(window: Window, wanted: number, own: readonly Uint8Array[]): number {
    const { rule, id, endedAt } = window;
    window.addresses ??= look.sql<{ hash: Uint8Array; at: number }>(ADDRESSES_BY_TIME).all(id, endedAt);
    let left = wanted;
    for (const { hash: address, at } of window.addresses) {
      if (own.some((mine) => Buffer.compare(mine, address) === 0)) continue;
      left -= 1;
      if (left === 0) return at + rule.windowMs + rule.marginMs;
    }
    return NEVER;
  }

  return {
    limited,
    costAlone,
    cost,
    fitsAt,
    sit({ rules }, envelope, job, held) {
      for (const window of rules) {
        const { id, rule, ownDomains } = window;
        const add = (address: Uint8Array | null, units: number) => look.sql(ADD_SEAT).run(id, address, job, look.now, held ? 1 : 0, units);
        if (countsAddresses(rule.unit)) {
          for (const address of addressesOf(window, envelope)) {
            if (!hasSeat(window, address)) window.used += 1;
            add(address, 1);
          }
          delete window.addresses;
          continue;
        }
        const units = costMax(rule.unit, envelope, ownDomains);
        window.used += units;
        if (units > 0) add(null, units);
      }
    },
    leave(job, isCommitted, of) {
      const windows = of.flatMap((scope) => limited(scope)?.rules ?? []); // before its seats go: what ended by itself is not given back
      if (isCommitted) {
        look.sql(LEAVE_SEATS).run(job);
        for (const window of windows) delete window.addresses;
        return;
      }
      const given = look.sql<{ rule: number; hash: Uint8Array | null; cost: number }>(GIVE_BACK_SEATS).all(job);
      for (const window of windows) {
        const mine = given.filter(({ rule }) => rule === window.id);
        if (mine.length > 0) giveBack(window, mine);
      }
    },
    know({ scope, limits }, envelope) {
      if (!limits.rules.some(({ unit }) => unit === 'newRecipients')) return;
      for (const address of countedRecipients('newRecipients', envelope)) look.sql(KNOW_ADDRESS).run(scope, hashOf(address));
    },
    save() {
      for (const found of scopes.values()) {
        if (found === undefined) continue;
        for (const window of found.rules) {
          if (window.used !== window.usedSaved) look.sql(SAVE_USED).run(window.used, window.id);
          window.usedSaved = window.used;
        }
        if (found.tat !== found.tatSaved) look.sql(SAVE_TAT).run(found.tat, found.scope);
        found.tatSaved = found.tat;
      }
    },
    renew() {
      scopes.clear();
    },
  };
}
