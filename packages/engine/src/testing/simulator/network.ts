import type { JobId } from '../../model/ids.ts';
import type { Ledger } from '../../ports/ledger.ts';
import type { Dice } from './dice.ts';
import type { SimulatedProcess, Trip } from './process.ts';

/** What the ledger granted and took, seen at the ledger itself, past every lost answer. */
export interface Witness {
  /** `job/token` of each granted commit. */
  readonly grants: Set<string>;
  /** Granted commits of each job. */
  readonly grantsOf: Map<JobId, number>;
  /** When each of them was granted, by the ledger's clock, oldest first. */
  readonly grantedAt: number[];
  /** `job/token` of each settle with a known end that the ledger took. */
  readonly settled: Set<string>;
}

export function createWitness(): Witness {
  return { grants: new Set(), grantsOf: new Map(), grantedAt: [], settled: new Set() };
}

export const attemptKey = (ref: { readonly jobId: JobId; readonly token: number }): string => `${ref.jobId}/${ref.token}`;

/** How calls travel now; the simulator makes the line worse and heals it. */
export interface Line {
  drawTrip(): Trip;
}

export function createLine(dice: Dice, isHealed: () => boolean): Line {
  return {
    drawTrip: () =>
      isHealed()
        ? { thereMs: 1, backMs: 1, lost: 'never' }
        : {
            thereMs: dice.between(0, 8),
            backMs: dice.pick([
              [30, () => dice.between(0, 8)],
              [1, () => dice.between(500, 9_000)],
            ]),
            lost: dice.pick([
              [40, () => 'never'],
              [1, () => 'there'],
              [1, () => 'back'],
            ]),
          },
  };
}

/** The ledger as one process reaches it: every call may be slow, lost on the way there, or lost on the way back. */
export function ledgerFor(process: SimulatedProcess, ledger: Ledger, line: Line, witness: Witness): Ledger {
  const call = <T>(act: () => Promise<T>): Promise<T> => process.call(act, line.drawTrip());
  return {
    capabilities: ledger.capabilities,
    findKeys: (keys) => call(() => ledger.findKeys(keys)),
    enqueue: (jobs) => call(() => ledger.enqueue(jobs)),
    lease: (request) => call(() => ledger.lease(request)),
    extend: (refs, leaseMs) => call(() => ledger.extend(refs, leaseMs)),
    commit: (refs) =>
      call(async () => {
        const answers = await ledger.commit(refs);
        const { now } = await ledger.stats();
        refs.forEach((ref, at) => {
          if (answers[at]?.kind !== 'granted' || witness.grants.has(attemptKey(ref))) return;
          witness.grants.add(attemptKey(ref));
          witness.grantedAt.push(now);
          witness.grantsOf.set(ref.jobId, (witness.grantsOf.get(ref.jobId) ?? 0) + 1);
        });
        return answers;
      }),
    settle: (settlements, next) =>
      call(async () => {
        const answer = await ledger.settle(settlements, next);
        settlements.forEach((settlement, at) => {
          if (settlement.outcome.kind !== 'doubt' && answer.settled[at]?.kind === 'settled') witness.settled.add(attemptKey(settlement));
        });
        return answer;
      }),
    sweep: (options) => call(() => ledger.sweep(options)),
    cancel: (ids) => call(() => ledger.cancel(ids)),
    resolve: (decisions) => call(() => ledger.resolve(decisions)),
    requeue: (ids, options) => call(() => ledger.requeue(ids, options)),
    purge: (ids, options) => call(() => ledger.purge(ids, options)),
    deadGroups: (query) => call(() => ledger.deadGroups(query)),
    limit: (changes) => call(() => ledger.limit(changes)),
    hold: (holds) => call(() => ledger.hold(holds)),
    lift: (refs) => call(() => ledger.lift(refs)),
    standing: (scopes) => call(() => ledger.standing(scopes)),
    scopes: (query) => call(() => ledger.scopes(query)),
    beat: (worker) => call(() => ledger.beat(worker)),
    workers: () => call(() => ledger.workers()),
    get: (ids) => call(() => ledger.get(ids)),
    list: (query) => call(() => ledger.list(query)),
    attempts: (ids) => call(() => ledger.attempts(ids)),
    payloads: (ids) => call(() => ledger.payloads(ids)),
    stats: () => call(() => ledger.stats()),
    events: (after, max) => call(() => ledger.events(after, max)),
    wake: (maxMs, signal) => process.call(() => ledger.wake(maxMs, signal), { thereMs: 0, backMs: 1, lost: 'never' }),
    close: async () => {},
  };
}
