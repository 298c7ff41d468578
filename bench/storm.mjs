#!/usr/bin/env node
// @ts-check
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { apiStorm } from './storm/api-storm.mjs';
import { NO_REDIS } from './storm/control/redis.mjs';
import { controlStorm } from './storm/control/storm.mjs';
import { printed } from './storm/judge.mjs';
import { killStorm } from './storm/kill-storm.mjs';
import { sigtermStorm } from './storm/sigterm-storm.mjs';

const USAGE = `node bench/storm.mjs [options]      the kill storms, in full: 20,000 mails, 200 kills, under hold and under resend
  --tenth            a tenth of everything: each storm, the API storm, the SIGTERM storm and the control
  --all              everything in full
  --api              the API storm alone: SIGKILL right after a 202
  --sigterm          the SIGTERM storm alone: rolling restarts
  --control          the founding article's sender alone, which has to lose mail (needs a Redis)
  --policy P         hold or resend; both without it
  --mails N --rate N --kills N    of a kill storm: 20000, 50 a second, 200
  --seed N           of all chance; printed with every sheet
  --keep             the run's folder stays even when the sheet adds up
Exits with 1 when a sheet does not add up, and says where the run's folder is.`;

const { values: flags } = parseArgs({
  options: {
    tenth: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
    api: { type: 'boolean', default: false },
    sigterm: { type: 'boolean', default: false },
    control: { type: 'boolean', default: false },
    policy: { type: 'string' },
    mails: { type: 'string' },
    rate: { type: 'string', default: '50' },
    kills: { type: 'string' },
    seed: { type: 'string' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.once(signal, () => process.exit(130));

const size = flags.tenth ? 0.1 : 1;
const seed = wholeNumber('seed', flags.seed ?? String(Date.now() % 1_000_000));
const rate = wholeNumber('rate', flags.rate);
const mails = wholeNumber('mails', flags.mails ?? String(20_000 * size));
const kills = wholeNumber('kills', flags.kills ?? String(200 * size));
const isSingle = flags.api || flags.sigterm || flags.control;
const wants = (/** @type {boolean} */ flag) => flag || (!isSingle && (flags.tenth || flags.all));
let allAdd = true;

if (flags.help) {
  process.stdout.write(`${USAGE}\n`);
} else {
  say(machine());
  if (!isSingle)
    for (const policy of policies())
      await run(`kill storm under ${policy}`, () => killStorm({ mails, ratePerSecond: rate, kills, seed, policy, keep: flags.keep }));
  if (wants(flags.api)) await run('API storm', () => apiStorm({ submissions: 10_000 * size, kills: 50 * size, seed }));
  if (wants(flags.sigterm)) await run('SIGTERM storm', () => sigtermStorm({ stops: 50 * size, ratePerSecond: rate, seed }));
  if (wants(flags.control)) for (const hurt of /** @type {const} */ (['kills', 'deferrals'])) await runControl(hurt);
}
process.exit(allAdd ? 0 : 1);

/** @param {string} title @param {() => Promise<import('./storm/kill-storm.mjs').StormResult>} storm */
async function run(title, storm) {
  const { sheet, dir, seconds } = await storm();
  say(printed(`${title}, seed ${seed}, ${seconds.toFixed(0)} s`, sheet));
  if (sheet.adds) return;
  allAdd = false;
  say(`the journal, the database and every process's output are in ${dir}`);
  say(`the same schedule again: node bench/storm.mjs ${asAsked()} --seed ${seed}\n`);
}

/** This run's arguments without the seed. */
function asAsked() {
  return process.argv
    .slice(2)
    .join(' ')
    .replace(/ ?--seed[ =]\d+/, '');
}

/** The control has to lose mail: a storm that cannot see loss proves nothing. @param {'kills' | 'deferrals'} hurt */
async function runControl(hurt) {
  // However small the storm: each kill loses only what was in hand, and a control that loses nothing by luck says nothing.
  const size = { mails: Math.max(2_000, mails / 4), kills: Math.max(10, Math.ceil(kills / 8)) };
  const result = await controlStorm({ hurt, ...size, ratePerSecond: rate * 2, seed });
  if (result === undefined) {
    say(NO_REDIS);
    if (process.env['REQUIRE_SERVICES'] === '1') allAdd = false;
    return;
  }
  const lost = Number(result.sheet.rows.find((row) => row.account === 'lost')?.value);
  say(printed(`control storm (BullMQ and SET NX), ${hurt}, seed ${seed}`, { ...result.sheet, findings: [] }));
  say(`control storm: ${lost > 0 ? 'PASS' : 'FAILED'} (${hurt}: it lost ${lost} mails without a trace, and has to lose some)\n`);
  if (lost === 0) allAdd = false;
}

/** @returns {readonly ('hold' | 'resend')[]} */
function policies() {
  const { policy } = flags;
  if (policy === undefined) return ['hold', 'resend'];
  if (policy === 'hold' || policy === 'resend') return [policy];
  throw new RangeError(`--policy must be hold or resend, got ${JSON.stringify(policy)}`);
}

/** @param {string} name @param {string} text */
function wholeNumber(name, text) {
  const value = Number(text);
  if (text === '' || !Number.isInteger(value) || value < 0)
    throw new RangeError(`--${name} must be a whole number, got ${JSON.stringify(text)}`);
  return value;
}

function machine() {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${new Date().toISOString().slice(0, 10)}; ${cpus().length} x ${cpu?.model.trim() ?? arch()}, ${memory} GiB, ${platform()} ${release()}, Node ${process.version}\n`;
}

/** @param {string} text */
function say(text) {
  process.stdout.write(`${text}\n`);
}
