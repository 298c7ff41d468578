// @ts-check
import { openBuiltEngine } from '../../../../bench/storm/built-engine.mjs';

// `shoal serve`, but that it kills itself with SIGKILL the first time it comes to the named point: no handler runs, no
// buffer is written out, nothing is closed.
const [point = ''] = process.argv.slice(2);

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
const engine = await openBuiltEngine({
  decorate: {
    ledger: (ledger) => withCalls(ledger, LEDGER_POINTS[point]?.(ledger) ?? {}),
    acceptance: (acceptance) => withCalls(acceptance, ACCEPTANCE_POINTS[point]?.(acceptance) ?? {}),
  },
});
await engine.start();
