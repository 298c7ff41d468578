import { getEventListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { jobId, messageId } from '../../../model/ids.ts';
import type { Report } from '../../../model/reply.ts';
import type { Parcel, Transport } from '../../../ports/transport.ts';
import { createManualClock } from '../../../testing/manual-clock.ts';
import {
  cut,
  hold,
  openScriptedSmtpServer,
  type ScriptedSmtpServer,
  type SmtpScript,
  say,
  silence,
} from '../../../testing/scripted-smtp-server.ts';
import { openSmtpTransport } from './index.ts';

/** What this client does beyond the promises of the port: how it uses its connections. */

let opened:
  | { readonly peer: ScriptedSmtpServer; readonly transport: Transport; readonly clock: ReturnType<typeof createManualClock> }
  | undefined;
afterEach(async () => {
  const { peer, transport, clock } = opened ?? {};
  const closed = transport?.close();
  peer?.cutAll();
  await closed;
  expect(clock?.pending ?? 0).toBe(0);
  await peer?.close();
});

async function open(script: SmtpScript = {}, query = ''): Promise<NonNullable<typeof opened>> {
  const peer = await openScriptedSmtpServer(script);
  const clock = createManualClock();
  const transport = openSmtpTransport({ url: `smtp://127.0.0.1:${peer.port}?tls=off${query}`, clock });
  opened = { peer, transport, clock };
  return opened;
}

function parcel(index = 0): Parcel {
  const tail = String(index).padStart(26, '0');
  return {
    jobId: jobId(`job_${tail}`),
    messageId: messageId(`eml_${tail}`),
    envelope: { from: 'a@b.example', to: [`to${index}@d.example`], eightBit: false, smtpUtf8: false },
    payload: Buffer.from(`Subject: ${index}\r\n\r\nhello\r\n`),
  };
}

const granted = (): Promise<boolean> => Promise.resolve(true);
const never = (): Promise<boolean> => new Promise(() => {});
const send = (transport: Transport, index = 0, commit = granted, signal = new AbortController().signal): Promise<Report> =>
  transport.send(parcel(index), commit, signal);
const opens = (peer: ScriptedSmtpServer): number => peer.log.filter((entry) => entry.endsWith(' open')).length;
async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('where the server pipelines', () => {
  it('the envelope is one group, answered one by one', async () => {
    const { peer, transport } = await open({ mail: hold('250 ok') });
    const report = send(transport);
    await peer.untilLogged('1 DATA'); // nothing was answered yet
    peer.release();
    expect((await report).kind).toBe('accepted');
  });

  it('the next envelope leaves with the dot of the mail before it', async () => {
    const { peer, transport } = await open({ dot: [hold('250 2.0.0 first'), say('250 2.0.0 second')] }, '&connections=1');
    const reports = [send(transport, 0), send(transport, 1)];
    await peer.untilLogged('1 RCPT TO:<to1@d.example>'); // the first dot is not answered yet
    expect(peer.mails).toHaveLength(1);
    peer.release();
    expect(await Promise.all(reports)).toMatchObject([
      { kind: 'accepted', reply: { text: '2.0.0 first' } },
      { kind: 'accepted', reply: { text: '2.0.0 second' } },
    ]);
  });

  it('a mail that the server can not carry is not put behind another one, and does not harm it', async () => {
    const { transport } = await open({ ehlo: say('250-peer\r\n250 PIPELINING') }, '&connections=1');
    const needy = { ...parcel(1), envelope: { ...parcel(1).envelope, eightBit: true } };
    const reports = [send(transport, 0), transport.send(needy, granted, new AbortController().signal), send(transport, 2)];
    expect((await Promise.all(reports)).map(({ kind }) => kind)).toEqual(['accepted', 'failed', 'accepted']);
  });

  for (const [what, dot, after] of [
    ['silence', hold('250 too late'), 600_000],
    ['nonsense', say('nonsense'), 0],
    ['a cut', cut, 0],
  ] as const)
    it(`a mail whose envelope left with that dot is not blamed for ${what} in its place`, async () => {
      const { peer, transport, clock } = await open({ dot }, '&connections=1');
      const reports = [send(transport, 0), send(transport, 1)];
      await peer.untilLogged('1 RCPT TO:<to1@d.example>');
      await clock.advance(after);
      expect(await Promise.all(reports)).toMatchObject([
        { kind: 'unknown' },
        { kind: 'failed', phase: 'mail', cause: 'cut', facts: { isReused: true } },
      ]);
    });
});

it('says one command at a time where the server does not pipeline', async () => {
  const { peer, transport } = await open({ ehlo: say('250 peer'), mail: hold('250 ok') }, '&connections=1');
  const reports = [send(transport, 0), send(transport, 1)];
  await peer.untilLogged('1 MAIL').then(turns);
  expect(peer.log.at(-1)).toMatch(/MAIL/);
  peer.release();
  await peer.until('the second MAIL', () => peer.log.filter((entry) => entry.includes('MAIL')).length === 2);
  expect(peer.mails).toHaveLength(1);
  peer.release();
  expect((await Promise.all(reports)).map(({ kind }) => kind)).toEqual(['accepted', 'accepted']);
});

describe('connections', () => {
  it('grow with what is under way', async () => {
    const { peer, transport } = await open({ dot: hold('250 ok') });
    const reports = [0, 1, 2].map((index) => send(transport, index));
    await peer.until('three dots', () => peer.mails.length === 3);
    expect(opens(peer)).toBe(3);
    peer.release();
    await Promise.all(reports);
  });

  it('are never more than the URL allows, and say so', async () => {
    const { peer, transport } = await open({}, '&connections=2');
    expect(transport.capabilities.connectionsMax).toBe(2);
    const reports = await Promise.all(Array.from({ length: 20 }, (_, index) => send(transport, index)));
    expect(reports.every(({ kind }) => kind === 'accepted')).toBe(true);
    expect(opens(peer)).toBe(2);
  });

  it('are replaced after as many messages as the URL says', async () => {
    const { peer, transport } = await open({}, '&messages=2&connections=1');
    const reports = await Promise.all(Array.from({ length: 5 }, (_, index) => send(transport, index)));
    expect(reports.every(({ kind }) => kind === 'accepted')).toBe(true);
    expect(peer.mails.map(({ session }) => session)).toEqual([1, 1, 2, 2, 3]);
    expect(peer.log).toContain('1 QUIT');
  });

  it('quit when they were idle for as long as the URL says', async () => {
    const { peer, transport, clock } = await open({}, '&idle=5000');
    await send(transport);
    await clock.advance(4_999);
    expect(peer.log).not.toContain('1 QUIT');
    await clock.advance(1);
    await peer.untilLogged('1 QUIT');
    await peer.untilLogged('1 closed').then(turns);
    expect(clock.pending).toBe(0);
  });

  it('carry nothing more once they took leave, however long the answer to that takes', async () => {
    const { peer, transport, clock } = await open({ quit: silence }, '&idle=5000');
    await send(transport, 0);
    await clock.advance(5_000);
    await peer.untilLogged('1 QUIT');
    expect(await send(transport, 1)).toMatchObject({ kind: 'accepted', facts: { isReused: false } });
    expect(peer.mails.map(({ session }) => session)).toEqual([1, 2]);
    await clock.advance(5_000);
  });

  it('carry nothing more after five minutes of life', async () => {
    const { peer, transport, clock } = await open({}, '&idle=1000000');
    await send(transport, 0);
    await clock.advance(299_999);
    expect((await send(transport, 1)).facts.isReused).toBe(true);
    await clock.advance(1);
    expect((await send(transport, 2)).facts.isReused).toBe(false);
    await peer.untilLogged('1 QUIT');
  });

  it('are used again by the last one first', async () => {
    const { peer, transport } = await open({ dot: [hold('250 ok'), say('250 ok')] });
    const first = send(transport, 0);
    await peer.untilLogged('1 dot');
    await send(transport, 1);
    peer.release();
    await first; // session 1 came free last
    await send(transport, 2);
    expect(peer.mails.map(({ session }) => session)).toEqual([1, 2, 1]);
  });

  it('that fail to open fail their own mail alone, and leave room for the waiting ones', async () => {
    const { transport } = await open({ greeting: [cut, say('220 hi')] }, '&connections=1');
    const reports = await Promise.all([send(transport, 0), send(transport, 1)]);
    expect(reports).toMatchObject([{ kind: 'failed', phase: 'greeting' }, { kind: 'accepted' }]);
  });
});

describe('closing', () => {
  it('takes leave of idle connections', async () => {
    const { peer, transport } = await open();
    await send(transport);
    await transport.close();
    expect(peer.log).toContain('1 QUIT');
  });

  it('lets what is under way, and what waits, come to its end first', async () => {
    const { peer, transport } = await open({ dot: hold('250 ok') }, '&connections=1');
    const reports = [send(transport, 0), send(transport, 1)];
    await peer.untilLogged('1 dot');
    const closed = transport.close();
    peer.release();
    await peer.until('both dots', () => peer.mails.length === 2).then(turns);
    peer.release();
    expect((await Promise.all(reports)).map(({ kind }) => kind)).toEqual(['accepted', 'accepted']);
    await closed;
    expect(peer.log).toContain('1 QUIT');
  });
});

it('gives up a mail whose commit is not answered within a minute, and says whose silence it was', async () => {
  const { peer, transport, clock } = await open();
  const report = send(transport, 0, never);
  await peer.untilLogged('1 DATA').then(turns);
  await clock.advance(60_000);
  expect(await report).toMatchObject({ kind: 'failed', phase: 'body', cause: 'timeout', detail: 'the commit was not answered in time' });
  expect(peer.mails).toEqual([]);
});

describe('an access token', () => {
  const tls = (name: string): string => fileURLToPath(new URL(`../../../../test/fixtures/tls/${name}`, import.meta.url));
  const pair = { key: readFileSync(tls('peer.key'), 'utf8'), cert: readFileSync(tls('peer.crt'), 'utf8'), isImplicit: true };

  async function sendWith(accessToken: () => Promise<string>): Promise<{ readonly report: Report; readonly peer: ScriptedSmtpServer }> {
    const peer = await openScriptedSmtpServer({ ehlo: say('250-peer\r\n250 AUTH XOAUTH2') }, pair);
    const url = `smtps://agent@127.0.0.1:${peer.port}?auth=xoauth2&ca=${encodeURIComponent(tls('peer.crt'))}`;
    const clock = createManualClock();
    const transport = openSmtpTransport({ url, clock, accessToken });
    opened = { peer, transport, clock };
    return { report: await send(transport), peer };
  }

  it('is fetched for each connection and shown to the server alone', async () => {
    const { report, peer } = await sendWith(() => Promise.resolve('t0ken'));
    expect(report.kind).toBe('accepted');
    const shown =
      peer.log
        .find((entry) => entry.includes('AUTH'))
        ?.split(' ')
        .at(-1) ?? '';
    expect(Buffer.from(shown, 'base64').toString()).toBe('user=agent\x01auth=Bearer t0ken\x01\x01');
  });

  it('that can not be had fails the attempt, and the reason stays out of the report', async () => {
    const { report } = await sendWith(() => Promise.reject(new Error('refresh token r3fresh was used twice')));
    expect(report).toMatchObject({ kind: 'failed', phase: 'auth', cause: 'refused' });
    expect(JSON.stringify(report)).not.toContain('r3fresh');
  });
});

it('listens once to a signal that many sends share, and not at all after them', async () => {
  const { transport, peer } = await open({ data: silence });
  const controller = new AbortController();
  const reports = Array.from({ length: 30 }, (_, index) => send(transport, index, never, controller.signal));
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
  await peer.until('all at DATA', () => peer.log.filter((entry) => entry.endsWith('DATA')).length === 30);
  controller.abort();
  expect((await Promise.all(reports)).every(({ kind }) => kind === 'aborted')).toBe(true);
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
});

it('takes a waiting mail whose signal fires out of the queue', async () => {
  const { transport, peer } = await open({ ehlo: silence }, '&connections=1');
  const first = new AbortController();
  const second = new AbortController();
  const reports = [send(transport, 0, granted, first.signal), send(transport, 1, granted, second.signal)];
  await peer.untilLogged('1 EHLO');
  second.abort();
  expect(await reports[1]).toMatchObject({ kind: 'aborted', phase: 'connect' });
  first.abort();
  await reports[0];
  await peer.untilLogged('1 closed').then(turns);
  expect(opens(peer)).toBe(1);
});

it('gives a body that the server does not take a minute for each piece, and fails safely', async () => {
  const { transport, clock, peer } = await open();
  const large = { ...parcel(), payload: Buffer.from(`${'x'.repeat(70)}\r\n`.repeat(1_000_000)) };
  let commits = 0;
  const commit = (): Promise<boolean> => {
    commits += 1;
    return granted();
  };
  const report = transport.send(large, commit, new AbortController().signal);
  await peer.untilLogged('1 DATA');
  peer.stopReading();
  await turns();
  await clock.advance(60_000);
  expect(await report).toMatchObject({ kind: 'failed', phase: 'body', cause: 'timeout' });
  expect(commits).toBe(0);
});
