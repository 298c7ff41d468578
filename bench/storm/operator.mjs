// @ts-check
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endGroup, startChild } from './child.mjs';
import { inParallel } from './records.mjs';
import { apiAt, environmentOf, freePort } from './shoal.mjs';

/**
 * Whoever sets a fleet up: an API process that carries no mail, and the ledger itself, opened beside it, for windows that no
 * person would write into a configuration.
 *
 * @typedef {import('../../packages/engine/src/model/limit.ts').LimitRule} LimitRule
 *
 * @typedef {object} Operator
 * @property {import('./shoal.mjs').Api} api
 * @property {(rules: readonly LimitRule[]) => Promise<void>} limit the inbox that all mail leaves from
 * @property {() => Promise<number>} waiting ready mails of the sender
 * @property {(mails: number, recipientsOf: (index: number) => number) => Promise<void>} submit
 * @property {() => Promise<void>} close
 */

const API_PROCESS = fileURLToPath(new URL('./api-process.mjs', import.meta.url));
const BUILT = new URL('../../packages/engine/dist/', import.meta.url);

/** @param {import('./shoal.mjs').Settings} settings @returns {Promise<Operator>} */
export async function openOperator(settings) {
  const httpPort = await freePort();
  const child = startChild({
    name: 'api',
    script: API_PROCESS,
    env: environmentOf({ ...settings, httpPort }),
    logPath: join(settings.world.dir, 'api.log'),
  });
  const api = apiAt(httpPort);
  await api.whenReady();
  await api.open();
  const inbox = await api.read(`/v1/inboxes/${encodeURIComponent(api.from)}`);
  const { ledger, close } = await openLedger(settings.world);
  const sender = /** @type {import('../../packages/engine/src/model/scope.ts').Scope} */ ('sender:default');
  const scope = /** @type {import('../../packages/engine/src/model/scope.ts').Scope} */ (`inbox:${inbox.id}`);

  return {
    api,
    limit: (rules) => ledger.limit([{ scope, limits: { rules } }]),
    async waiting() {
      const [standing] = await ledger.standing([sender]);
      return standing?.sender?.ready ?? 0;
    },
    async submit(mails, recipientsOf) {
      const indexes = Array.from({ length: mails }, (_, index) => index);
      await inParallel(indexes, async (index) => {
        const to = Array.from({ length: recipientsOf(index) }, (__, n) => `m${index}-${n}@sink.test`);
        const mail = { from: api.from, to, subject: `mail ${index}`, text: `The ${index}th of many.` };
        const answer = await api.ask('POST', '/v1/emails/send', mail, { 'idempotency-key': `mail-${index}` });
        if (answer?.status !== 202) throw new Error(`mail ${index} was not accepted: ${JSON.stringify(answer)}`);
      });
    },
    async close() {
      await close();
      await endGroup(child);
    },
  };
}

/** @param {import('./shoal.mjs').World} world */
async function openLedger(world) {
  /** @type {typeof import('../../packages/engine/src/adapters/_shared/sqlite-file.ts')} */
  const { openSqliteFile } = await import(new URL('adapters/_shared/sqlite-file.js', BUILT).href);
  /** @type {typeof import('../../packages/engine/src/adapters/ledger/sqlite/index.ts')} */
  const { openSqliteLedger } = await import(new URL('adapters/ledger/sqlite/index.js', BUILT).href);
  const file = await openSqliteFile(world.ledger.slice('sqlite:'.length), { sharing: 'required' });
  const ledger = await openSqliteLedger(file, { keepsPayloads: true });
  return {
    ledger,
    async close() {
      await ledger.close();
      await file.close();
    },
  };
}
