// @ts-check
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { shareOf } from './random.mjs';
import { pause } from './wait.mjs';

/**
 * A server that takes mail and writes down every final dot before it answers it. The journal is the truth that loss and
 * second copies are judged by: it is appended synchronously, so that what was answered is always in it.
 *
 * @typedef {object} SinkPlan
 * @property {number} [seed] for the shares below; which mails they hit depends on recipient and visit, not on timing
 * @property {number} [dataDelayMs] before the sink asks for the body
 * @property {number} [replyDelayMs] before the reply to the dot
 * @property {number} [deferShare] part of the dots answered 451, and not taken
 * @property {number} [cutBeforeDotShare] part of the mails whose connection is cut inside DATA
 * @property {number} [cutAfterDotShare] part of the mails taken without a reply: the line is cut after the dot
 * @property {boolean} [greylists] the first visit of a recipient is answered 450
 * @property {Readonly<Record<string, string>>} [refuses] replies to RCPT by local part; a 4xx for the first visit only
 * @property {string} [sickWhile] while this file exists every connection is told 421 and closed
 *
 * @typedef {object} Dot
 * @property {number} at epoch ms, when the dot was read
 * @property {string} messageId
 * @property {string} to the last recipient; most mails in these tests have one
 * @property {number} recipients
 * @property {string} sha256 of the bytes as they came over the wire
 * @property {number} sizeBytes
 * @property {number} connection on which it came
 * @property {'250' | '451' | 'cut'} reply what the sender was, or would have been, told; all but 451 are copies
 *
 * @typedef {object} LostLine a connection that ended without a QUIT: its other end died, or the sink cut it
 * @property {number} lostConnection
 * @property {number} at epoch ms
 *
 * @typedef {object} TurnedAway a connection that was told 421
 * @property {number} turnedAway its number
 * @property {number} at epoch ms
 *
 * @typedef {object} SinkHooks
 * @property {(to: string) => void | Promise<void>} [onData] asked for the body, before 354 is said
 * @property {(dot: Dot) => void | Promise<void>} [onDot] the dot is in the journal, the reply not yet written
 * @property {(to: string) => void} [onLost] the line ended between DATA and the dot
 *
 * @typedef {object} Sink
 * @property {number} port
 * @property {() => Promise<void>} close
 */

const DOT = Buffer.from('\r\n.\r\n');

/**
 * @param {string} journalPath
 * @param {SinkPlan & SinkHooks} [plan]
 * @returns {Promise<Sink>}
 */
export async function openSink(journalPath, plan = {}) {
  const journal = openSync(journalPath, 'a');
  const {
    seed = 1,
    dataDelayMs = 0,
    replyDelayMs = 0,
    deferShare = 0,
    cutBeforeDotShare = 0,
    cutAfterDotShare = 0,
    greylists = false,
    refuses = {},
    sickWhile,
  } = plan;
  /** @type {Map<string, number>} */
  const visits = new Map();
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  let connections = 0;
  let isClosed = false;

  /** @param {string} what @param {string} to @param {number} visit @param {number} share */
  const isHit = (what, to, visit, share) => share > 0 && shareOf(seed, `${what} ${to} ${visit}`) < share;

  const server = createServer((socket) => {
    sockets.add(socket);
    connections += 1;
    const connection = connections;
    let hasQuit = false;
    socket.on('close', () => {
      sockets.delete(socket);
      if (!hasQuit && !isClosed) writeSync(journal, `${JSON.stringify({ lostConnection: connection, at: Date.now() })}\n`);
    });
    socket.on('error', () => undefined); // the other end was killed: that is what these tests do
    socket.setNoDelay(true);
    const quit = () => {
      hasQuit = true;
    };
    void converse(socket, connection, quit).catch(() => socket.destroy());
  });

  /** @param {import('node:net').Socket} socket @param {number} connection @param {() => void} quit */
  async function converse(socket, connection, quit) {
    let held = Buffer.alloc(0);
    let to = '';
    let recipients = 0;
    const input = socket[Symbol.asyncIterator]();
    /** Reads on until `mark`; what came before it, or undefined when the line ended. @param {Buffer} mark */
    const readTo = async (mark) => {
      let from = 0;
      for (;;) {
        const at = held.indexOf(mark, from);
        if (at >= 0) {
          const before = held.subarray(0, at);
          held = held.subarray(at + mark.length);
          return before;
        }
        from = Math.max(0, held.length - mark.length + 1);
        const chunk = await input.next();
        if (chunk.done === true) return undefined;
        held = Buffer.concat([held, chunk.value]);
      }
    };
    const say = (/** @type {string} */ line) => void socket.write(`${line}\r\n`);

    if (sickWhile !== undefined && existsSync(sickWhile)) {
      writeSync(journal, `${JSON.stringify({ turnedAway: connection, at: Date.now() })}\n`);
      quit();
      say('421 4.3.2 too busy, come back later');
      return void socket.end();
    }
    say('220 sink.test ESMTP');
    for (;;) {
      const line = (await readTo(Buffer.from('\r\n')))?.toString('latin1');
      if (line === undefined) return void socket.destroy();
      const verb = line.slice(0, 4).toUpperCase();
      if (verb === 'EHLO') say('250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 36700160\r\n250 ENHANCEDSTATUSCODES');
      else if (verb === 'RCPT') {
        const address = (/<([^>]*)>/.exec(line)?.[1] ?? '').toLowerCase();
        const isFirst = !visits.has(address);
        visits.set(address, (visits.get(address) ?? 0) + 1);
        const refusal = greylists ? '450 4.7.1 greylisted, come back later' : refuses[address.slice(0, address.indexOf('@'))];
        if (refusal !== undefined && (isFirst || refusal.startsWith('5'))) say(refusal);
        else {
          to = address;
          recipients += 1;
          say('250 2.1.5 ok');
        }
      } else if (verb === 'DATA' && to === '') say('554 5.5.1 no valid recipients');
      else if (verb === 'DATA') {
        const visit = visits.get(to) ?? 0;
        await plan.onData?.(to);
        if (dataDelayMs > 0) await pause(dataDelayMs);
        say('354 go ahead');
        if (isHit('before', to, visit, cutBeforeDotShare)) return void socket.destroy();
        held = Buffer.concat([Buffer.from('\r\n'), held]); // so that an empty body ends like any other
        const body = await readTo(DOT);
        if (body === undefined) {
          plan.onLost?.(to);
          return void socket.destroy();
        }
        const isDeferred = isHit('defer', to, visit, deferShare);
        const isCut = !isDeferred && isHit('after', to, visit, cutAfterDotShare);
        /** @type {Dot} */
        const dot = {
          at: Date.now(),
          messageId: /^message-id:\s*(<[^>\r\n]*>)/im.exec(body.toString('latin1', 0, 16_384))?.[1] ?? '',
          to,
          recipients,
          sha256: createHash('sha256').update(body).digest('hex'),
          sizeBytes: body.length - 2,
          connection,
          reply: isDeferred ? '451' : isCut ? 'cut' : '250',
        };
        writeSync(journal, `${JSON.stringify(dot)}\n`);
        to = '';
        recipients = 0;
        await plan.onDot?.(dot);
        if (replyDelayMs > 0) await pause(replyDelayMs);
        if (isCut) return void socket.destroy();
        say(isDeferred ? '451 4.3.0 try again later' : '250 2.0.0 taken');
      } else if (verb === 'QUIT') {
        quit();
        say('221 2.0.0 bye');
        return void socket.end();
      } else if (['HELO', 'MAIL', 'RSET', 'NOOP'].includes(verb)) {
        if (verb !== 'NOOP') {
          to = '';
          recipients = 0;
        }
        say('250 2.0.0 ok');
      } else say('502 5.5.1 not known here');
    }
  }

  await /** @type {Promise<void>} */ (
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    })
  );
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the sink has no port');
  return {
    port: address.port,
    async close() {
      isClosed = true;
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      closeSync(journal);
    },
  };
}

/** Every dot so far, and every line that was lost, oldest first. @param {string} journalPath @returns {{ dots: Dot[], lostLines: LostLine[], turnedAway: TurnedAway[] }} */
export function readJournal(journalPath) {
  const text = readFileSync(journalPath, 'utf8');
  const entries = text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  return {
    dots: entries.filter((entry) => 'reply' in entry),
    lostLines: entries.filter((entry) => 'lostConnection' in entry),
    turnedAway: entries.filter((entry) => 'turnedAway' in entry),
  };
}

/** A dot answered 451 left nothing at the server; any other is a copy. @param {Dot} dot */
export const isCopy = (dot) => dot.reply !== '451';
