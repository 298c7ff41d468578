// @ts-check
import { createHash } from 'node:crypto';
import { openSqliteFile } from '../../packages/engine/dist/adapters/_shared/sqlite-file.js';
import { openSqliteLedger } from '../../packages/engine/dist/adapters/ledger/sqlite/index.js';
import { openSqliteStore } from '../../packages/engine/dist/adapters/store/sqlite/index.js';
import { base32, jobIdIn } from '../../packages/engine/dist/model/ids.js';

/** The same mail for everybody: ASCII text, one recipient, of about `sizeBytes` as it goes over the wire. */

const WORDS = 'thank you for your order it has left our house today and will be with you before friday please write to us when anything is missing'.split(' '); // biome-ignore format: one text
const HEADER_BYTES = 480;

/** @param {number} sizeBytes */
export function textOf(sizeBytes) {
  const lines = [];
  let [line, length] = ['', 0];
  for (let n = 0; length < sizeBytes - HEADER_BYTES; n += 1) {
    const word = WORDS[(n * 7 + (n >> 3)) % WORDS.length] ?? '';
    if (line.length + word.length > 71) {
      lines.push(line);
      length += line.length + 2;
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return `${lines.join('\r\n')}\r\n`;
}

/** @param {number} n @param {string} text */
function mimeOf(n, text) {
  const head = [
    'Date: Tue, 24 Nov 2026 10:00:00 +0000',
    'From: "Agent One" <agent@shoal.localhost>',
    'To: recipient@example.com',
    'Subject: Follow-up on your request',
    `Message-ID: <${String(n).padStart(32, 'a')}@shoal.localhost>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 7bit',
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${text}`);
}

/** @param {number} n @param {Uint8Array} payload */
export function newJob(n, payload) {
  const hash = createHash('sha256').update(`job ${n}`).digest();
  return /** @type {any} */ ({
    id: jobIdIn(0, hash),
    kind: 'send',
    tenant: 'acct_aaaaaaaaaaaaaaaaaaaaaaaaaa',
    sender: 'default',
    lane: `ibx_${String(n % 20).padStart(26, '0')}`,
    messageId: `eml_${base32(hash, 26)}`,
    envelope: { from: 'agent@shoal.localhost', to: ['recipient@example.com'], smtpUtf8: false, eightBit: false },
    payload,
    onDoubt: 'hold',
    priority: 'normal',
    key: { text: `auto_${n}`, generation: 0 },
    fingerprint: hash.toString('hex'),
    guardMs: 0,
  });
}

/** @param {string} path */
export async function openLedger(path) {
  const file = await openSqliteFile(path);
  const store = await openSqliteStore(file);
  const ledger = await openSqliteLedger(file, { keepsPayloads: true, onDropped: store.keepEndNow });
  return { ledger, close: () => ledger.close().then(() => file.close()) };
}

/** @param {string} path @param {{ count: number, sizeBytes: number }} load */
export async function fillSqlite(path, { count, sizeBytes }) {
  const { ledger, close } = await openLedger(path);
  const text = textOf(sizeBytes);
  for (let at = 0; at < count; at += 500) {
    const jobs = Array.from({ length: Math.min(500, count - at) }, (_, n) => newJob(at + n, mimeOf(at + n, text)));
    await ledger.enqueue(jobs);
  }
  await close();
}

/** @param {import('bullmq').Queue} queue @param {{ count: number, sizeBytes: number }} load */
export async function fillBullmq(queue, { count, sizeBytes }) {
  const text = textOf(sizeBytes).replaceAll('\r\n', '\n');
  const mail = { from: '"Agent One" <agent@shoal.localhost>', to: 'recipient@example.com', subject: 'Follow-up on your request', text };
  for (let at = 0; at < count; at += 500)
    await queue.addBulk(Array.from({ length: Math.min(500, count - at) }, (_, n) => ({ name: 'send', data: { id: `m${at + n}`, mail } })));
}
