// @ts-check
/**
 * What one mail with a big file costs a server in memory: the most it has while it takes a first such mail, and while it takes
 * and sends a second. Each round is a server of its own; how much of the first is still there at the second is up to the
 * garbage collector.
 *
 *   npm run build && node bench/big-mail.mjs [rounds=5] [fileBytes=25000000]
 *
 * It reads the peak from /proc and so wants Linux.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { endGroup } from './storm/child.mjs';
import { apiAt, freePort, makeWorld, startShoal } from './storm/shoal.mjs';
import { openSink } from './storm/sink.mjs';
import { pause, until } from './storm/wait.mjs';

const WAIT_MS_MAX = 60_000;
const SETTLE_MS = 3_000;
const WEEK_MS = 7 * 24 * 3_600_000;

const wish = { rounds: 5, fileBytes: 25_000_000 };
for (const word of process.argv.slice(2)) {
  const [name = '', value = ''] = word.split('=');
  if ((name === 'rounds' || name === 'fileBytes') && Number(value) > 0) wish[name] = Number(value);
  else throw new RangeError(`${word}: known are rounds=N and fileBytes=N`);
}
const attachments = [{ filename: 'big.bin', content: Buffer.alloc(wish.fileBytes, 'a file of many bytes; ').toString('base64') }];

/** @param {number} pid @param {'VmRSS' | 'VmHWM'} what */
const mibOf = (pid, what) =>
  Math.round(Number(new RegExp(`^${what}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024);

/** Memory at rest, and the most there was until `act` is over. @param {number} pid @param {() => Promise<unknown>} act */
async function watched(pid, act) {
  await pause(SETTLE_MS);
  const restMib = mibOf(pid, 'VmRSS');
  writeFileSync(`/proc/${pid}/clear_refs`, '5'); // forgets the peak so far (proc(5))
  await act();
  return { restMib, peakMib: mibOf(pid, 'VmHWM') };
}

async function round() {
  const world = makeWorld('big-mail');
  const sink = await openSink(world.journalPath);
  const httpPort = await freePort();
  const child = startShoal('serve', { world, smtpPort: sink.port, httpPort, leaseMs: 60_000 });
  try {
    const api = apiAt(httpPort);
    await api.whenReady();
    await api.open();
    const mail = { from: api.from, subject: 'A file', text: 'Here it is.' };
    /** @param {object} more */
    const submit = async (more) => {
      const answer = await api.ask('POST', '/v1/emails/send', { ...mail, ...more });
      if (answer?.status !== 202) throw new Error(`it was not taken: ${JSON.stringify(answer)}`);
    };
    const arrived = (/** @type {string} */ to) =>
      until(`${to} arrived`, WAIT_MS_MAX, () => world.journal().dots.find((dot) => dot.to === to), { everyMs: 5 });
    await submit({ to: ['small@sink.test'] });
    await arrived('small@sink.test');
    const taken = await watched(child.pid, () => submit({ to: ['later@sink.test'], attachments, sendAt: new Date(Date.now() + WEEK_MS).toISOString() })); // biome-ignore format: one line
    const sent = await watched(child.pid, async () => {
      await submit({ to: ['now@sink.test'], attachments });
      await arrived('now@sink.test');
    });
    await pause(SETTLE_MS);
    return { taken, sent, afterMib: mibOf(child.pid, 'VmRSS') };
  } finally {
    await endGroup(child);
    await sink.close();
    world.remove();
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1)); // and so ends the server too (storm/child.mjs)
for (let number = 1; number <= wish.rounds; number += 1) {
  const { taken, sent, afterMib } = await round();
  console.log(
    `round ${number}: ${taken.restMib} MiB at rest, ${taken.peakMib} while the first is taken; ` +
      `${sent.restMib} at rest, ${sent.peakMib} while the second is taken and sent; ${afterMib} at rest`,
  );
}
