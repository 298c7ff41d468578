import {
  crowded,
  failed,
  type Gate,
  gateOpensAt,
  gotThrough,
  leasedThrough,
  OPEN_GATE,
  reopened,
  retryOpensAt,
  throttled,
} from '../model/gate.ts';
import type { JobId, SenderId, WorkerId } from '../model/ids.ts';
import { costMax, countedRecipients, countsAddresses, type LimitRule, type Limits, type LimitUnit, NO_LIMITS } from '../model/limit.ts';
import { domainOf, identityScope, inboxScope, type Scope, senderScope, tenantScope } from '../model/scope.ts';
import type { Allowance, Effect, Hold, HoldRef, WaitReason } from '../ports/ledger-scopes.ts';
import { needsRetryToken, type JobRecord } from './job-life.ts';

/**
 * What the scopes of the memory ledger may do: limits with their seats, holds, gates and connection slots. The executable
 * specification of those, each question answered by a look at every seat; `memory-ledger.ts` asks before it leases, and tells
 * what became of each lease.
 */
export interface MemoryLimits {
  /** May this job be leased by this worker now? It has to be ready, and the head of its lane. */
  admit(record: JobRecord, worker: WorkerId | undefined, now: number): Admission;
  take(record: JobRecord, worker: WorkerId, now: number): void;
  committed(record: JobRecord, now: number): void;
  /** The lease is over; without a commit its seats go back. */
  letGo(record: JobRecord, isCommitted: boolean, now: number): void;
  /** The end of this one may let another one go. */
  mayFree(record: JobRecord): boolean;
  /** Its recipients are known from now on. */
  mailed(record: JobRecord): void;
  apply(effects: readonly Effect[], record: JobRecord, now: number): void;

  limit(scope: Scope, limits: Limits | undefined, now: number): void;
  limitsOf(scope: Scope): Limits | undefined;
  hold(hold: Hold, now: number): void;
  lift(ref: HoldRef): boolean;
  holdsOn(scopes: readonly Scope[], now: number): readonly HoldEntry[];
  gateOf(sender: SenderId): Gate;
  allowances(scope: Scope, now: number): readonly Allowance[];
  /** When a mail with `ahead` others before it fits under the rules of a scope. */
  fitsAt(scope: Scope, envelope: { readonly to: readonly string[] }, ahead: number, now: number): Fit;
  /** Counts a new mail under budgets, all or none; answers the first that has no room. */
  charge(scopes: readonly Scope[], envelope: { readonly to: readonly string[] }, id: JobId, now: number): Overdrawn | undefined;
  /** Every scope that has limits or holds. */
  readonly known: ReadonlySet<Scope>;
}

export type Admission =
  | { readonly kind: 'go' }
  /** Infinity: until another job ends, or a hold is lifted. */
  | { readonly kind: 'wait'; readonly until: number; readonly because: WaitReason }
  | { readonly kind: 'never'; readonly scope: Scope; readonly rule: LimitRule; readonly cost: number };
export type HoldEntry = Hold & { readonly since: number; readonly until?: number };
export interface Fit {
  readonly at: number;
  readonly rule?: LimitRule;
}
export interface Overdrawn {
  readonly allowance: Allowance;
  readonly cost: number;
  readonly freeAt?: number;
}

/** One mail's place under one unit of a scope; for units that count addresses, one for each address. */
interface Seat {
  readonly scope: Scope;
  readonly unit: LimitUnit;
  readonly job: JobId;
  readonly address: string;
  readonly cost: number;
  /** Commit time, or of the lease until then. */
  at: number;
  /** Its lease is not over: it counts, however old it is. */
  isHeld: boolean;
}
interface Slot {
  readonly sender: SenderId;
  readonly worker: WorkerId;
  job: JobId | undefined;
  until: number;
}

const NEVER = Number.POSITIVE_INFINITY;
const PAUSES = ['pause', 'stop'];

export function scopesOf(record: { readonly born: JobRecord['born']; readonly envelope: { readonly from: string } }): readonly Scope[] {
  const { kind, sender, lane, tenant } = record.born;
  if (kind !== 'send') return [];
  return [senderScope(sender), inboxScope(lane), tenantScope(tenant), identityScope(domainOf(record.envelope.from))];
}

/** `openCount`: jobs of a sender that are leased or being sent. */
export function createMemoryLimits(openCount: (sender: SenderId) => number): MemoryLimits {
  const limits = new Map<Scope, Limits>();
  const holds = new Map<string, HoldEntry>();
  const gates = new Map<SenderId, Gate>();
  const tats = new Map<Scope, number>();
  const addresses = new Map<Scope, Set<string>>();
  let seats: Seat[] = [];
  let slots: Slot[] = [];

  const gateOf = (sender: SenderId): Gate => gates.get(sender) ?? OPEN_GATE;
  const limitsOf = (scope: Scope): Limits => limits.get(scope) ?? NO_LIMITS;
  const isKnown = (scope: Scope, address: string): boolean => addresses.get(scope)?.has(address) ?? false;
  const limited = (record: JobRecord): Scope[] =>
    record.born.kind === 'send' ? [senderScope(record.born.sender), inboxScope(record.born.lane)] : [];

  // ---- Seats

  const endOf = (seat: Seat, rule: LimitRule): number => (seat.isHeld ? NEVER : seat.at + rule.windowMs + rule.marginMs);

  function live(scope: Scope, rule: LimitRule, at: number): Seat[] {
    return seats.filter((seat) => seat.scope === scope && seat.unit === rule.unit && endOf(seat, rule) > at);
  }

  function used(scope: Scope, rule: LimitRule, at: number): number {
    const mine = live(scope, rule, at);
    if (countsAddresses(rule.unit)) return new Set(mine.map(({ address }) => address)).size;
    return mine.reduce((sum, { cost }) => sum + cost, 0);
  }

  function cost(scope: Scope, rule: LimitRule, envelope: { readonly to: readonly string[] }, at: number): number {
    const { ownDomains } = limitsOf(scope);
    if (!countsAddresses(rule.unit)) return costMax(rule.unit, envelope, ownDomains);
    const counted = new Set(live(scope, rule, at).map(({ address }) => address));
    return countedRecipients(rule.unit, envelope, ownDomains).filter(
      (address) => !counted.has(address) && !(rule.unit === 'newRecipients' && isKnown(scope, address)),
    ).length;
  }

  /** What it costs when nothing else is counted. */
  function costAlone(scope: Scope, rule: LimitRule, envelope: { readonly to: readonly string[] }): number {
    if (rule.unit !== 'newRecipients') return costMax(rule.unit, envelope, limitsOf(scope).ownDomains);
    return countedRecipients(rule.unit, envelope).filter((address) => !isKnown(scope, address)).length;
  }

  /** The first time from `now` on at which it fits, if nothing else is taken; Infinity while held seats are in the way. */
  function fits(scope: Scope, rule: LimitRule, envelope: { readonly to: readonly string[] }, now: number): number {
    const moments = live(scope, rule, now).map((seat) => endOf(seat, rule));
    for (const at of [now, ...moments.sort((a, b) => a - b)]) {
      if (at === NEVER) break;
      if (used(scope, rule, at) + cost(scope, rule, envelope, at) <= rule.max) return at;
    }
    return NEVER;
  }

  function sit(scope: Scope, envelope: { readonly to: readonly string[] }, job: JobId, now: number, isHeld: boolean): void {
    const { rules, ownDomains } = limitsOf(scope);
    for (const unit of new Set(rules.map((rule) => rule.unit))) {
      const common = { scope, unit, job, at: now, isHeld };
      if (!countsAddresses(unit)) {
        seats.push({ ...common, address: '', cost: costMax(unit, envelope, ownDomains) });
        continue;
      }
      const counted = countedRecipients(unit, envelope, ownDomains);
      const wanted = unit === 'newRecipients' ? counted.filter((address) => !isKnown(scope, address)) : counted;
      for (const address of wanted) seats.push({ ...common, address, cost: 1 });
    }
  }

  /** What no rule of the scope looks back to any more. */
  function forget(scope: Scope, now: number): void {
    const { rules } = limitsOf(scope);
    seats = seats.filter((seat) => seat.scope !== scope || rules.some((rule) => rule.unit === seat.unit && endOf(seat, rule) > now));
  }

  // ---- Connections

  function slotFor(sender: SenderId, worker: WorkerId | undefined, now: number): { readonly freeAt: number } {
    const cap = limitsOf(senderScope(sender)).connections;
    if (cap === undefined) return { freeAt: 0 };
    const mine = slots.filter((slot) => slot.sender === sender && (slot.job !== undefined || slot.until > now));
    if (mine.length < cap.max || mine.some((slot) => slot.job === undefined && slot.worker === worker)) return { freeAt: 0 };
    return { freeAt: Math.min(NEVER, ...mine.filter((slot) => slot.job === undefined).map((slot) => slot.until)) };
  }

  function takeSlot(record: JobRecord, worker: WorkerId, now: number): void {
    const { sender, id } = record.born;
    if (limitsOf(senderScope(sender)).connections === undefined) return;
    slots = slots.filter((slot) => slot.job !== undefined || slot.until > now);
    const idle = slots.find((slot) => slot.sender === sender && slot.worker === worker && slot.job === undefined);
    if (idle === undefined) slots.push({ sender, worker, job: id, until: NEVER });
    else idle.job = id;
  }

  function letSlotGo(record: JobRecord, now: number): void {
    const idleMs = limitsOf(senderScope(record.born.sender)).connections?.idleMs ?? 0;
    for (const slot of slots)
      if (slot.job === record.born.id) {
        slot.job = undefined;
        slot.until = now + idleMs;
      }
  }

  // ---- Holds

  const inForce = (entry: HoldEntry, now: number): boolean => entry.until === undefined || entry.until > now;
  function holdsOn(scopes: readonly Scope[], now: number): HoldEntry[] {
    return [...holds.values()].filter((entry) => scopes.includes(entry.scope) && inForce(entry, now));
  }

  /** What several attempts found is told by each of them; none shortens what another one knows. */
  function holdLonger(hold: Hold, now: number): void {
    const known = holds.get(holdName(hold));
    const entry = entryOf(hold, now);
    const isKnownLonger = known !== undefined && (known.until ?? NEVER) >= (entry.until ?? NEVER) && inForce(known, now);
    if (!isKnownLonger) holds.set(holdName(hold), entry);
  }

  // ---- The question

  /** Everything that holds it back, so that a caller can name what does so the longest. */
  function waits(record: JobRecord, worker: WorkerId | undefined, now: number): { until: number; because: WaitReason }[] {
    const { sender } = record.born;
    const found: { until: number; because: WaitReason }[] = [];
    const wait = (until: number, because: WaitReason): unknown => until > now && found.push({ until, because });
    for (const { scope, why, note, until } of holdsOn(scopesOf(record), now)) wait(until ?? NEVER, { kind: 'hold', scope, why, note });
    const gate = gateOf(sender);
    const because: WaitReason = { kind: 'gate', scope: senderScope(sender), why: gate.why ?? 'throttled', note: gate.note ?? '' };
    wait(gateOpensAt(gate, openCount(sender), now), because);
    if (needsRetryToken(record))
      wait(retryOpensAt(gate, now), { ...because, why: 'failing', note: 'Too many of its mails are tried again.' });
    wait(slotFor(sender, worker, now).freeAt, { kind: 'connections', scope: senderScope(sender) });
    for (const scope of limited(record)) {
      const { rules, pace } = limitsOf(scope);
      if (pace !== undefined) wait((tats.get(scope) ?? 0) - (pace.burst - 1) * pace.everyMs, { kind: 'pace', scope });
      for (const rule of rules) wait(fits(scope, rule, record.envelope, now), { kind: 'limit', scope, rule });
    }
    return found;
  }

  function tooLarge(record: JobRecord): Extract<Admission, { kind: 'never' }> | undefined {
    for (const scope of limited(record))
      for (const rule of limitsOf(scope).rules) {
        const most = costAlone(scope, rule, record.envelope);
        if (most > rule.max) return { kind: 'never', scope, rule, cost: most };
      }
    return undefined;
  }

  return {
    admit(record, worker, now) {
      if (record.born.kind !== 'send') return { kind: 'go' };
      const never = tooLarge(record);
      if (never !== undefined) return never;
      const [longest] = waits(record, worker, now).sort((a, b) => b.until - a.until);
      return longest === undefined ? { kind: 'go' } : { kind: 'wait', ...longest };
    },
    take(record, worker, now) {
      const { sender, id } = record.born;
      for (const scope of limited(record)) {
        sit(scope, record.envelope, id, now, true);
        const { pace } = limitsOf(scope);
        if (pace !== undefined) tats.set(scope, Math.max(tats.get(scope) ?? 0, now) + pace.everyMs);
      }
      if (record.born.kind !== 'send') return;
      takeSlot(record, worker, now);
      gates.set(sender, leasedThrough(gateOf(sender), { count: 1, retryCount: needsRetryToken(record) ? 1 : 0 }, now));
    },
    committed({ born }, now) {
      for (const seat of seats) if (seat.job === born.id && seat.isHeld) seat.at = now;
    },
    letGo(record, isCommitted, now) {
      const { id } = record.born;
      if (isCommitted) for (const seat of seats) seat.isHeld &&= seat.job !== id;
      else {
        seats = seats.filter((seat) => seat.job !== id || !seat.isHeld);
        for (const scope of limited(record)) {
          const { pace } = limitsOf(scope);
          const tat = tats.get(scope);
          if (pace !== undefined && tat !== undefined) tats.set(scope, tat - pace.everyMs);
        }
      }
      letSlotGo(record, now);
    },
    mayFree: (record) => gateOf(record.born.sender).openMax !== undefined || limited(record).some((scope) => limits.has(scope)),
    mailed(record) {
      for (const scope of limited(record)) {
        if (!limitsOf(scope).rules.some(({ unit }) => unit === 'newRecipients')) continue;
        const known = addresses.get(scope) ?? new Set();
        for (const address of countedRecipients('newRecipients', record.envelope)) known.add(address);
        addresses.set(scope, known);
      }
    },
    apply(effects, record, now) {
      const { sender } = record.born;
      const startedAt = record.lease?.startedAt ?? now;
      for (const effect of effects) {
        const gate = gateOf(sender);
        switch (effect.kind) {
          case 'through':
            gates.set(sender, gotThrough(gate, { startedAt, isTaken: effect.isTaken }, now));
            break;
          case 'failed':
            gates.set(sender, failed(gate, { ...effect, askedMs: 0, startedAt }, now));
            break;
          case 'throttled':
            gates.set(sender, throttled(gate, { ...effect, startedAt }, now));
            break;
          case 'crowded':
            gates.set(sender, crowded(gate, openCount(sender)));
            break;
          case 'hold':
            holdLonger(effect.hold, now);
            break;
          default:
            effect satisfies never;
        }
      }
    },

    limit(scope, wanted, now) {
      forget(scope, now);
      const isNone = wanted === undefined || Object.keys({ ...wanted, rules: [] }).length + wanted.rules.length === 1;
      if (isNone) limits.delete(scope);
      else limits.set(scope, wanted);
      forget(scope, now);
    },
    limitsOf: (scope) => limits.get(scope),
    hold(hold, now) {
      holds.set(holdName(hold), entryOf(hold, now));
    },
    lift(ref) {
      if (ref.scope.startsWith('sender:')) {
        const sender = ref.scope.slice('sender:'.length) as SenderId;
        gates.set(sender, reopened(gateOf(sender)));
      }
      return holds.delete(holdName(ref));
    },
    holdsOn,
    gateOf,
    allowances: (scope, now) => limitsOf(scope).rules.map((rule) => allowanceOf(scope, rule, now)),
    fitsAt(scope, envelope, ahead, now) {
      let latest: Fit = { at: now };
      for (const rule of limitsOf(scope).rules) {
        const at = afterOthers(scope, rule, envelope, ahead, now);
        if (at > latest.at) latest = { at, rule };
      }
      return latest;
    },
    charge(scopes, envelope, id, now) {
      for (const scope of scopes)
        for (const rule of limitsOf(scope).rules) {
          const price = cost(scope, rule, envelope, now);
          if (used(scope, rule, now) + price <= rule.max) continue;
          const freeAt = fits(scope, rule, envelope, now);
          const canEver = costAlone(scope, rule, envelope) <= rule.max;
          return { allowance: allowanceOf(scope, rule, now), cost: price, ...(canEver && { freeAt }) };
        }
      for (const scope of scopes) {
        sit(scope, envelope, id, now, false);
        const isCounted = limitsOf(scope).rules.some(({ unit }) => unit === 'newRecipients');
        if (isCounted) addresses.set(scope, new Set([...(addresses.get(scope) ?? []), ...countedRecipients('newRecipients', envelope)]));
      }
      return undefined;
    },
    get known() {
      return new Set([...limits.keys(), ...[...holds.values()].map(({ scope }) => scope)]);
    },
  };

  function allowanceOf(scope: Scope, rule: LimitRule, now: number): Allowance {
    const count = used(scope, rule, now);
    const ends = live(scope, rule, now).map((seat) => endOf(seat, rule));
    const nextFreeAt = Math.min(NEVER, ...ends);
    return { scope, rule, used: count, left: Math.max(0, rule.max - count), ...(nextFreeAt < NEVER && { nextFreeAt }) };
  }

  /** Others take their units first: those that free themselves, window after window. Each of them counts as one mail like this. */
  function afterOthers(scope: Scope, rule: LimitRule, envelope: { readonly to: readonly string[] }, ahead: number, now: number): number {
    const each = Math.max(1, cost(scope, rule, envelope, now));
    const windowMs = rule.windowMs + rule.marginMs;
    const perWindow = Math.max(1, Math.floor(rule.max / each));
    const place = ahead % perWindow;
    const wholeMs = Math.floor(ahead / perWindow) * windowMs;
    const taken = live(scope, rule, now).map((seat) => ({ end: seat.isHeld ? now + windowMs : endOf(seat, rule), cost: seat.cost }));
    let free = rule.max - used(scope, rule, now);
    const wanted = (place + 1) * each;
    if (free >= wanted) return now + wholeMs;
    for (const { end, cost: freed } of taken.sort((a, b) => a.end - b.end)) {
      free += freed;
      if (free >= wanted) return end + wholeMs;
    }
    return now + wholeMs + windowMs;
  }
}

export function isPausing({ why }: Pick<HoldEntry, 'why'>): boolean {
  return PAUSES.includes(why);
}

const holdName = ({ scope, why }: HoldRef): string => `${scope} ${why}`;

function entryOf(hold: Hold, now: number): HoldEntry {
  return { ...hold, since: now, ...(hold.forMs !== undefined && { until: now + hold.forMs }) };
}
