// @ts-check
import { openBuiltEngine } from '../../../../bench/storm/built-engine.mjs';

// `shoal serve`, but that it kills itself with SIGKILL the first time it comes to the named point: no handler runs, no
// buffer is written out, nothing is closed.
const [point = ''] = process.argv.slice(2);
/** Slices of many dead letters that are put back before the one that is cut. */
const WHOLE_SLICES = 1;
let slices = 0;

/** @typedef {import('../../src/ports/ledger.ts').Ledger} Ledger */
/** @typedef {import('../../src/ports/acceptance.ts').Acceptance} Acceptance */

/** @returns {Promise<never>} */
function die() {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined); // not one line more, however late the signal comes
}

/** The same object with some of its calls replaced. @template {object} T @param {T} whole @param {Partial<T>} calls @returns {T} */
const withCalls = (whole, calls) =>
  new Proxy(whole, {
    get(target, name) {
      const value = Reflect.get(calls, name) ?? Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

/** @type {Readonly<Record<string, (ledger: Ledger) => Partial<Ledger>>>} */
const LEDGER_POINTS = {
  'the lease is durable, its answer unread': (ledger) => ({
    lease: async (request) => {
      const batch = await ledger.lease(request);
      return batch.leases.length > 0 ? die() : batch;
    },
  }),
  'before the commit': () => ({ commit: die }),
  'the commit is durable, its answer unread': (ledger) => ({
    commit: async (refs) => {
      await ledger.commit(refs);
      return die();
    },
  }),
  'the reply is read, nothing settled': () => ({
    settle: die,
  }),
  'the settle is durable, its answer unread': (ledger) => ({
    settle: async (settlements, next) => {
      await ledger.settle(settlements, next);
      return die();
    },
  }),
};

// Of work on many dead letters. There no worker runs beside it, so that what was put back stays where it is.
/** @type {Readonly<Record<string, (ledger: Ledger) => Partial<Ledger>>>} */
const OPERATION_POINTS = {
  'a slice of dead letters is on record, none of it put back': (ledger) => ({
    requeue: async (ids, options) => {
      slices += 1;
      return slices > WHOLE_SLICES ? die() : ledger.requeue(ids, options);
    },
  }),
  'a slice of dead letters is put back, its end not on record': (ledger) => ({
    requeue: async (ids, options) => {
      const answers = await ledger.requeue(ids, options);
      slices += 1;
      return slices > WHOLE_SLICES ? die() : answers;
    },
  }),
};

/** @type {Readonly<Record<string, (acceptance: Acceptance) => Partial<Acceptance>>>} */
const ACCEPTANCE_POINTS = {
  'before the mail is stored': () => ({ accept: die }),
  'the mail is stored, no 202 said': (acceptance) => ({
    accept: async (submission) => {
      await acceptance.accept(submission);
      return die();
    },
  }),
};

// `after the dot` is not among them: there the receiving server pulls the trigger.
const decorateLedger = LEDGER_POINTS[point] ?? OPERATION_POINTS[point];
const engine = await openBuiltEngine({
  roles: { http: true, worker: !(point in OPERATION_POINTS) },
  decorate: {
    ledger: (ledger) => withCalls(ledger, decorateLedger?.(ledger) ?? {}),
    acceptance: (acceptance) => withCalls(acceptance, ACCEPTANCE_POINTS[point]?.(acceptance) ?? {}),
  },
});
await engine.start();
