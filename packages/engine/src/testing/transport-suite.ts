import { afterEach, describe, expect, it } from 'vitest';
import { jobId, messageId } from '../model/ids.ts';
import { CONNECT_MS_MAX, DOT_REPLY_MS_MAX, REPLY_BYTES_MAX, REPLY_MS_MAX, REPLY_TEXT_BYTES_MAX } from '../model/limits.ts';
import type { Report } from '../model/reply.ts';
import type { Clock } from '../ports/clock.ts';
import type { Parcel, Transport } from '../ports/transport.ts';
import { createManualClock } from './manual-clock.ts';
import {
  cut,
  hold,
  openScriptedSmtpServer,
  type ScriptedSmtpServer,
  type SmtpScript,
  say,
  sayByByte,
  sayThenCut,
  silence,
} from './scripted-smtp-server.ts';

/** What the transport under test is opened with. */
export interface TransportWorld {
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  readonly tls: 'off' | 'opportunistic' | 'required' | 'implicit';
  /** It trusts the certificate of `TransportTraits.tls` alone. */
  readonly credentials?: { readonly user: string; readonly password: string; readonly mechanism?: 'plain' | 'login' | 'xoauth2' };
  readonly connectionsMax?: number;
}

export interface TransportTraits {
  /** `smtp`: it speaks to the scripted peer. `none`: it has no peer, and only the promises of the port itself are asked for. */
  readonly peer: 'smtp' | 'none';
  /** PEM: a pair for the peer's address that the transport trusts, and one it has no reason to trust. */
  readonly tls?: { readonly trusted: PemPair; readonly stranger: PemPair };
}
export interface PemPair {
  readonly key: string;
  readonly cert: string;
}

interface Attempt {
  readonly report: Promise<Report>;
  /** Resolves when the commit is asked for. */
  readonly asked: Promise<void>;
  commits: number;
  grant(): void;
  abort(): void;
}
type CommitAnswer = 'grant' | 'refuse' | 'reject' | 'throw' | 'later';

const PASSWORD = 'correct horse';
/** Dots where stuffing matters: first byte, alone in a line, doubled, after an empty line, at the very end. */
/** More than a transport may hold back until it has the grant. */
const LARGE = Buffer.from('0123456789012345678901234567890123456789012345678901234567\r\n'.repeat(5_000), 'latin1');
const PAYLOAD = crlf('.first', 'Subject: x', '', '.', '..', 'a.b', '.\t', '', '...last');

/**
 * The promises of `ports/transport.ts`, asked of one transport against a peer on a real socket that is scripted byte by
 * byte. Time is a manual clock's. After each test the books must balance: one report a parcel, the commit asked at most
 * once and before the peer saw the dot, the bytes at the peer equal to the payload, and no socket, timer or listener left.
 */
export function transportSuite(name: string, open: (world: TransportWorld) => Promise<Transport>, traits: TransportTraits): void {
  describe(`transport: ${name}`, () => {
    let bench: Bench | undefined;
    afterEach(async () => {
      const used = bench;
      bench = undefined;
      await used?.end();
    });
    const start = async (script: SmtpScript = {}, options: BenchOptions = {}): Promise<Bench> => {
      bench = await openBench(open, traits, script, options);
      return bench;
    };

    describe('the port', () => {
      it('says what it is without secrets', async () => {
        const { transport } = await start();
        expect(transport.capabilities.description).not.toBe('');
        expect(transport.capabilities.captures).toBe(traits.peer === 'none');
      });

      it('reports a mail as accepted, with a reply for each recipient, after asking for the commit once', async () => {
        const { send, peer } = await start();
        const attempt = send(parcel({ to: ['a@b.example', 'c@d.example'] }));
        const report = await attempt.report;
        expect(report).toMatchObject({ kind: 'accepted', reply: { code: 250 }, refused: [], facts: { isReused: false, tls: 'none' } });
        expect(addresses(report)).toEqual(['a@b.example', 'c@d.example']);
        expect(attempt.commits).toBe(1);
        if (traits.peer === 'smtp') expect(peer.mails).toMatchObject([{ from: 'agent@shoal.example', to: ['a@b.example', 'c@d.example'] }]);
      });

      it.each(['refuse', 'reject', 'throw'] as const)('withholds the last byte when the commit is answered so: %s', async (answer) => {
        const { send, peer } = await start();
        const attempt = send(parcel(), answer);
        expect((await attempt.report).kind).toBe('withheld');
        expect(attempt.commits).toBe(1);
        expect(peer.mails).toEqual([]);
      });

      it('waits with the last byte for a slow commit', async () => {
        const { send, peer } = await start();
        const attempt = send(parcel(), 'later');
        await attempt.asked;
        expect(peer.mails).toEqual([]);
        attempt.grant();
        expect((await attempt.report).kind).toBe('accepted');
      });

      it('ends as aborted, commit never asked, when the signal has fired before', async () => {
        const { send } = await start();
        const attempt = send(parcel(), 'grant', AbortSignal.abort());
        expect((await attempt.report).kind).toBe('aborted');
        expect(attempt.commits).toBe(0);
      });

      it('ends as aborted when the signal fires while the commit is asked for', async () => {
        const { send, peer } = await start();
        const attempt = send(parcel(), 'later');
        await attempt.asked;
        attempt.abort();
        expect(await attempt.report).toMatchObject({ kind: 'aborted', phase: 'body' });
        attempt.grant();
        await turns();
        expect(peer.mails).toEqual([]);
      });

      it('ignores the signal after the grant', async () => {
        const { send, peer } = await start({ dot: hold('250 2.0.0 queued') });
        const attempt = send(parcel());
        if (traits.peer === 'smtp') await peer.untilLogged('1 dot');
        else await attempt.asked.then(turns);
        attempt.abort();
        peer.release();
        expect((await attempt.report).kind).toBe('accepted');
      });

      it('carries many at once, each with its own bytes', async () => {
        const { send, peer } = await start();
        const parcels = Array.from({ length: 40 }, (_, index) =>
          parcel({ index, payload: crlf(`Subject: ${index}`, '', '.', `${index}`) }),
        );
        const reports = await Promise.all(parcels.map((each) => send(each).report));
        expect(reports.map(({ kind }) => kind)).toEqual(Array(40).fill('accepted'));
        if (traits.peer !== 'smtp') return;
        const got = peer.mails.map(({ bytes }) => bytes.toString('latin1')).sort();
        expect(got).toEqual(parcels.map(({ payload }) => Buffer.from(payload).toString('latin1')).sort());
      });

      it('reports what is sent after the close as failed', async () => {
        if (traits.peer === 'none') return;
        const { send, transport } = await start();
        await transport.close();
        expect((await send(parcel()).report).kind).toBe('failed');
      });
    });

    if (traits.peer === 'smtp') smtpPromises(start, traits);
  });
}

function smtpPromises(start: (script?: SmtpScript, options?: BenchOptions) => Promise<Bench>, traits: TransportTraits): void {
  describe('replies', () => {
    it('reports a refused greeting, without a word to the server', async () => {
      const { send, peer } = await start({ greeting: sayThenCut('421 4.3.2 not now') });
      expect(await send(parcel()).report).toMatchObject({ kind: 'refused', phase: 'greeting', reply: { code: 421, enhanced: '4.3.2' } });
      expect(peer.log).not.toContainEqual(expect.stringContaining('EHLO'));
    });

    it('falls back to HELO, and then one command at a time, when EHLO is unknown', async () => {
      const { send, peer } = await start({ ehlo: say('502 5.5.1 what?') });
      expect((await send(parcel({ to: ['a@b.example', 'c@d.example'] })).report).kind).toBe('accepted');
      expect(peer.log).toContainEqual(expect.stringContaining('HELO'));
    });

    it('reports a refused EHLO and HELO', async () => {
      const { send } = await start({ ehlo: say('550 5.7.1 no'), helo: say('550 5.7.1 no') });
      expect(await send(parcel()).report).toMatchObject({ kind: 'refused', phase: 'ehlo', reply: { code: 550 } });
    });

    for (const dialogue of ['pipelined', 'one command at a time'] as const) {
      const ehlo = dialogue === 'pipelined' ? say('250-peer\r\n250 PIPELINING') : say('250 peer');

      describe(dialogue, () => {
        it('delivers to the rest when one of three recipients gets 451', async () => {
          const { send, peer } = await start({ ehlo, rcpt: [say('250 ok'), say('451 4.2.1 later'), say('250 ok')] });
          const report = await send(parcel({ to: THREE })).report;
          expect(report).toMatchObject({
            kind: 'accepted',
            refused: [{ address: 'b@x.example', reply: { code: 451, enhanced: '4.2.1' } }],
          });
          expect(addresses(report)).toEqual(['a@x.example', 'c@x.example']);
          expect(peer.mails).toHaveLength(1);
        });

        it('tells apart what each recipient got: 450, 550, 250', async () => {
          const { send } = await start({ ehlo, rcpt: [say('450 4.7.1 greylisted'), say('550 5.1.1 nobody'), say('250 ok')] });
          const report = await send(parcel({ to: THREE })).report;
          expect(addresses(report)).toEqual(['c@x.example']);
          expect(report).toMatchObject({ kind: 'accepted', refused: [{ reply: { code: 450 } }, { reply: { code: 550 } }] });
        });

        it('reports every recipient when all are refused, never asks for the commit, and uses the session again', async () => {
          const rcpt = [say('550 5.1.1 a'), say('452 4.5.3 b'), say('550 5.1.1 c'), say('250 ok')];
          const data = dialogue === 'pipelined' ? [say('503 5.5.1 no recipients'), say('354 go')] : say('354 go');
          const { send, peer } = await start({ ehlo, rcpt, data });
          const first = send(parcel({ to: THREE }));
          expect(await first.report).toMatchObject({
            kind: 'refused',
            phase: 'rcpt',
            refused: [{ address: 'a@x.example' }, { address: 'b@x.example', reply: { code: 452 } }, { address: 'c@x.example' }],
          });
          expect(first.commits).toBe(0);
          await peer.untilLogged('1 RSET');
          await turns();
          expect(await send(parcel({ index: 1 })).report).toMatchObject({ kind: 'accepted', facts: { isReused: true } });
        });

        it.each([
          ['mail', '452 4.3.1 disk full'],
          ['mail', '550 5.7.1 not you'],
          ['data', '451 4.3.0 later'],
          ['data', '554 5.7.1 no'],
          ['dot', '451 4.3.0 later'],
          ['dot', '552 5.2.2 mailbox full'],
          ['dot', '554 5.6.0 content'],
        ] as const)('reports a refusal of %s: %s', async (phase, text) => {
          const { send } = await start({ ehlo, [phase]: say(text), ...(phase === 'mail' ? { rcpt: say('503 no mail'), data: say('503 no') } : {}) }); // biome-ignore format: one script
          const attempt = send(parcel());
          expect(await attempt.report).toMatchObject({
            kind: 'refused',
            phase,
            reply: { code: Number(text.slice(0, 3)), enhanced: text.slice(4, 9), text: text.slice(4) },
          });
          expect(attempt.commits).toBe(phase === 'dot' ? 1 : 0);
        });

        it.each(['mail', 'rcpt', 'data', 'dot'] as const)(
          'takes 421 at %s for a refusal, and leaves the session though the server does not',
          async (phase) => {
            const { send, peer } = await start({ ehlo, [phase]: say('421 4.3.2 shutting down') });
            expect(await send(parcel()).report).toMatchObject({ kind: 'refused', phase, reply: { code: 421 } });
            await peer.untilLogged('1 closed');
          },
        );

        it('gives a 421 between recipients to all that were not refused before', async () => {
          const { send } = await start({ ehlo, rcpt: [say('250 ok'), say('550 5.1.1 nobody'), sayThenCut('421 4.7.0 too many')] });
          expect(await send(parcel({ to: THREE })).report).toMatchObject({
            kind: 'refused',
            phase: 'rcpt',
            refused: [
              { address: 'b@x.example', reply: { code: 550 } },
              { address: 'a@x.example', reply: { code: 421 } },
              { address: 'c@x.example', reply: { code: 421 } },
            ],
          });
        });
      });
    }

    it('sends no lone dot, but leaves, when DATA is taken although no recipient was (RFC 2920 section 3.1)', async () => {
      const { send, peer } = await start({ rcpt: say('550 5.1.1 nobody') });
      const attempt = send(parcel());
      expect(await attempt.report).toMatchObject({ kind: 'refused', phase: 'rcpt' });
      await peer.untilLogged('1 closed');
      expect(attempt.commits).toBe(0);
      expect(peer.mails).toEqual([]);
    });

    it('reads replies that come byte by byte and in several lines', async () => {
      const { send } = await start({
        greeting: sayByByte('220-peer.example\r\n220 ready'),
        ehlo: sayByByte('250-peer.example\r\n250-SIZE 10000\r\n250 PIPELINING'),
        mail: sayByByte('250-2.1.0 sender\r\n250 2.1.0 ok'),
        dot: sayByByte('250-2.0.0 first line\r\n250-2.0.0 second\r\n250 2.0.0 third'),
      });
      expect(await send(parcel()).report).toMatchObject({
        kind: 'accepted',
        reply: { code: 250, enhanced: '2.0.0', text: '2.0.0 first line 2.0.0 second 2.0.0 third' },
      });
    });

    it('stays with what was said when the line is cut right after the 250', async () => {
      const { send } = await start({ dot: sayThenCut('250 2.0.0 queued') });
      expect((await send(parcel()).report).kind).toBe('accepted');
    });

    it('reports a message that is refused while it is being sent, before its dot', async () => {
      const { send, peer } = await start({ body: { afterBytes: 1, step: say('552 5.3.4 too big') } });
      const attempt = send(parcel({ payload: LARGE }), 'later');
      expect(await attempt.report).toMatchObject({ kind: 'refused', phase: 'body', reply: { code: 552 } });
      attempt.grant();
      await peer.untilLogged('1 closed');
      expect(peer.mails).toEqual([]);
    });
  });

  describe('what the peer must be able to do', () => {
    it('fails a mail above its SIZE before MAIL, twice on one connection, and still carries a small one', async () => {
      const { send, peer } = await start({ ehlo: say('250-peer\r\n250-PIPELINING\r\n250 SIZE 200') });
      for (const index of [0, 1]) {
        const attempt = send(parcel({ index, payload: crlf('x'.repeat(200)) }));
        expect(await attempt.report).toMatchObject({ kind: 'failed', phase: 'mail', cause: 'missing' });
        expect(attempt.commits).toBe(0);
      }
      expect((await send(parcel({ index: 2 })).report).kind).toBe('accepted');
      expect(peer.log.filter((entry) => entry.endsWith(' open'))).toHaveLength(1);
      expect(peer.log.filter((entry) => entry.includes('MAIL'))).toEqual([`1 MAIL FROM:<agent@shoal.example> SIZE=${PAYLOAD.length}`]);
    });

    it('says BODY=8BITMIME and SMTPUTF8 for a mail that needs them', async () => {
      const { send, peer } = await start({ ehlo: say('250-peer\r\n250-8BITMIME\r\n250-PIPELINING\r\n250 SMTPUTF8') });
      const report = await send(parcel({ to: ['jörg@b.example'], eightBit: true, smtpUtf8: true })).report;
      expect(report.kind).toBe('accepted');
      expect(peer.log).toContain('1 MAIL FROM:<agent@shoal.example> BODY=8BITMIME SMTPUTF8');
      expect(peer.mails).toMatchObject([{ to: ['jörg@b.example'] }]);
    });

    it.each([{ eightBit: true }, { smtpUtf8: true }])('fails a mail that needs what is not offered: %o', async (needs) => {
      const { send } = await start({ ehlo: say('250-peer\r\n250 PIPELINING') });
      expect(await send(parcel(needs)).report).toMatchObject({ kind: 'failed', cause: 'missing' });
    });
  });

  describe('the bytes', () => {
    it('S4: arrive as they are, dots included, one message and no more', async () => {
      const { send, peer } = await start();
      const payload = crlf('a', '.', 'MAIL FROM:<evil@x.example>', '..', '.', '');
      expect((await send(parcel({ payload })).report).kind).toBe('accepted');
      expect(peer.mails.map(({ bytes }) => bytes.toString('latin1'))).toEqual([Buffer.from(payload).toString('latin1')]);
    });

    it.each([
      ['a bare LF', 'a\nb\r\n'],
      ['a bare CR', 'a\rb\r\n'],
      ['LF.CRLF', 'a\n.\r\nb\r\n'],
      ['CR.CRLF', 'a\r.\r\nb\r\n'],
      ['a NUL', 'a\0b\r\n'],
      ['no CRLF at the end', 'a\r\nb'],
      ['a CR at the end', 'a\r\nb\r'],
      ['nothing in it', ''],
    ])('S4: are not sent at all with %s', async (_what, text) => {
      const { send, peer } = await start();
      const attempt = send(parcel({ payload: Buffer.from(text, 'latin1') }));
      expect(await attempt.report).toMatchObject({ kind: 'failed', cause: 'unsendable' });
      expect(attempt.commits).toBe(0);
      expect(peer.log).toEqual([]);
    });

    it.each(['x@y.example>\r\nRCPT TO:<z@z.example', 'x@y.example> SIZE=1', 'x y@z.example', 'x\0@y.example', 'jörg@x.example', ''])(
      'S7: are not sent at all to an address that would change the command: %j',
      async (address) => {
        const { send, peer } = await start();
        expect(await send(parcel({ to: [address] })).report).toMatchObject({ kind: 'failed', cause: 'unsendable' });
        if (address !== '') expect(await send(parcel({ from: address })).report).toMatchObject({ kind: 'failed', cause: 'unsendable' });
        expect(peer.log).toEqual([]);
      },
    );

    it('of a large mail arrive whole', async () => {
      const { send, peer } = await start();
      const payload = Buffer.from('.234567890123456789012345678901234567890123456789012345678\r\n'.repeat(30_000), 'latin1');
      expect((await send(parcel({ payload })).report).kind).toBe('accepted');
      expect(peer.mails[0]?.bytes.equals(payload)).toBe(true);
    });
  });

  describe('a line that is cut', () => {
    it('before there is one fails the attempt', async () => {
      const { send, peer } = await start();
      await peer.close();
      expect(await send(parcel()).report).toMatchObject({ kind: 'failed', phase: 'connect', cause: 'refused' });
    });

    it.each(['greeting', 'ehlo', 'mail', 'rcpt', 'data'] as const)('at %s fails the attempt, commit never asked', async (phase) => {
      const { send } = await start({ [phase]: cut });
      const attempt = send(parcel());
      expect(await attempt.report).toMatchObject({ kind: 'failed', phase, cause: 'cut' });
      expect(attempt.commits).toBe(0);
    });

    it('inside the body, while the commit is asked for, fails the attempt, and a late grant changes nothing', async () => {
      const { send, peer } = await start({ body: { afterBytes: 10, step: cut } });
      const attempt = send(parcel({ payload: LARGE }), 'later');
      expect(await attempt.report).toMatchObject({ kind: 'failed', phase: 'body', cause: 'cut' });
      attempt.grant();
      await turns();
      expect(peer.mails).toEqual([]);
    });

    it('after the dot leaves it unknown', async () => {
      const { send, peer } = await start({ dot: cut });
      expect(await send(parcel()).report).toMatchObject({ kind: 'unknown', cause: 'cut' });
      expect(peer.mails).toHaveLength(1);
    });
  });

  describe('silence', () => {
    it.each([
      ['greeting', '1 open'],
      ['ehlo', '1 EHLO'],
      ['mail', '1 MAIL'],
      ['rcpt', '1 RCPT'],
      ['data', '1 DATA'],
    ] as const)('at %s fails the attempt after a minute, and no earlier', async (phase, seen) => {
      const { send, peer, clock } = await start({ ehlo: say('250 peer'), [phase]: silence });
      const attempt = send(parcel());
      await peer.untilLogged(seen).then(turns);
      await clock.advance(REPLY_MS_MAX - 1);
      expect(await isOver(attempt)).toBe(false);
      await clock.advance(1);
      expect(await attempt.report).toMatchObject({ kind: 'failed', phase, cause: 'timeout' });
      expect(attempt.commits).toBe(0);
    });

    it('S12: of a server that sends one byte a minute fails the attempt all the same', async () => {
      const { send, peer, clock } = await start({ greeting: silence });
      const attempt = send(parcel());
      await peer.untilLogged('1 open').then(turns);
      for (const byte of ['2', '2']) {
        await clock.advance(REPLY_MS_MAX / 2);
        peer.interject(byte);
        await turns();
      }
      expect(await attempt.report).toMatchObject({ kind: 'failed', phase: 'greeting', cause: 'timeout' });
    });

    it('of a slow banner that comes in time is waited out', async () => {
      const { send, peer, clock } = await start({ greeting: hold('220 at last') });
      const attempt = send(parcel());
      await peer.untilLogged('1 open').then(turns);
      await clock.advance(REPLY_MS_MAX - 1_000);
      peer.release();
      expect((await attempt.report).kind).toBe('accepted');
    });

    it('after the dot leaves it unknown after ten minutes, and no earlier', async () => {
      const { send, peer, clock } = await start({ dot: silence });
      const attempt = send(parcel());
      await peer.untilLogged('1 dot').then(turns);
      await clock.advance(DOT_REPLY_MS_MAX - 1);
      expect(await isOver(attempt)).toBe(false);
      await clock.advance(1);
      expect(await attempt.report).toMatchObject({ kind: 'unknown', cause: 'timeout' });
    });

    it('after QUIT holds up nobody for long', async () => {
      const { send, peer, clock, transport } = await start({ quit: silence });
      await send(parcel()).report;
      const closed = transport.close();
      await peer.untilLogged('1 QUIT').then(turns);
      await clock.advance(REPLY_MS_MAX);
      await closed;
      await peer.untilLogged('1 closed');
    });
  });

  describe('replies that make no sense', () => {
    const nonsense = [
      ['no code', 'hello there'],
      ['a code out of range', '999 what'],
      ['codes that differ from line to line', '250-one\r\n251 two'],
      ['a code that does not fit', '354 go on'],
    ] as const;

    it.each(nonsense)('fail the attempt before the dot: %s', async (_what, text) => {
      const { send } = await start({ mail: say(text) });
      expect(await send(parcel()).report).toMatchObject({ kind: 'failed', phase: 'mail', cause: 'malformed' });
    });

    it.each(nonsense)('leave it unknown after the dot: %s', async (_what, text) => {
      const { send } = await start({ dot: say(text) });
      expect(await send(parcel()).report).toMatchObject({ kind: 'unknown', cause: 'malformed' });
    });

    it('fail the attempt when DATA is answered with 250', async () => {
      const { send } = await start({ data: say('250 ok') });
      expect(await send(parcel()).report).toMatchObject({ kind: 'failed', phase: 'data', cause: 'malformed' });
    });

    it.each([
      ['in one line', 'x'.repeat(REPLY_BYTES_MAX + 1)],
      ['in many lines', `${'250-and so on\r\n'.repeat(REPLY_BYTES_MAX / 13)}250 end`],
    ])('S12: fail the attempt when they never end: %s', async (_how, text) => {
      const { send } = await start({ ehlo: say(text) });
      expect(await send(parcel()).report).toMatchObject({ kind: 'failed', phase: 'ehlo', cause: 'malformed' });
    });

    it('S12: are stored short and without control characters', async () => {
      const { send } = await start({ dot: say(`550 5.7.1 \x1b[31m<b>\0no\x07</b>\x9b ${'y'.repeat(5_000)}`) });
      const report = await send(parcel()).report;
      const text = report.kind === 'refused' ? report.reply.text : '';
      expect(text).toMatch(/^5\.7\.1 \[31m<b>no<\/b>/);
      expect(text).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(REPLY_TEXT_BYTES_MAX);
    });
  });

  describe('a signal', () => {
    it.each([
      ['greeting', '1 open'],
      ['ehlo', '1 EHLO'],
      ['mail', '1 MAIL'],
      ['rcpt', '1 RCPT'],
      ['data', '1 DATA'],
    ] as const)('at %s ends the attempt and its socket', async (phase, seen) => {
      const { send, peer } = await start({ ehlo: say('250 peer'), [phase]: silence });
      const attempt = send(parcel());
      await peer.untilLogged(seen).then(turns);
      attempt.abort();
      expect(await attempt.report).toMatchObject({ kind: 'aborted', phase });
      expect(attempt.commits).toBe(0);
      await peer.untilLogged('1 closed');
    });
  });

  describe('a session', () => {
    it('is used again for the next mail, which says so', async () => {
      const { send, peer } = await start();
      expect(await send(parcel()).report).toMatchObject({ facts: { isReused: false, peer: `127.0.0.1:${peer.port}` } });
      expect(await send(parcel({ index: 1 })).report).toMatchObject({ kind: 'accepted', facts: { isReused: true } });
      expect(peer.log.filter((entry) => entry.endsWith(' open'))).toHaveLength(1);
    });

    it('is not used again once the server closed it or spoke unasked', async () => {
      for (const end of ['cutAll', 'interject'] as const) {
        const { send, peer } = await start();
        await send(parcel()).report;
        if (end === 'cutAll') peer.cutAll();
        else peer.interject('421 4.4.2 idle for too long\r\n');
        await peer.untilLogged('1 closed').then(turns);
        expect(await send(parcel({ index: 1 })).report).toMatchObject({ kind: 'accepted', facts: { isReused: false } });
      }
    });

    it('that went stale unseen fails the mail before its commit and says that it was reused', async () => {
      const { send } = await start({ mail: [say('250 ok'), cut] });
      await send(parcel()).report;
      const attempt = send(parcel({ index: 1 }));
      expect(await attempt.report).toMatchObject({ kind: 'failed', phase: 'mail', cause: 'cut', facts: { isReused: true } });
      expect(attempt.commits).toBe(0);
    });
  });

  describe('two mails on one connection', () => {
    const options = { connectionsMax: 1 };

    it('both arrive, in order', async () => {
      const { send, peer } = await start({}, options);
      const reports = await Promise.all([send(parcel()).report, send(parcel({ index: 1 })).report, send(parcel({ index: 2 })).report]);
      expect(reports.map(({ kind }) => kind)).toEqual(['accepted', 'accepted', 'accepted']);
      expect(peer.mails.map(({ session }) => session)).toEqual([1, 1, 1]);
    });

    it.each(['451 4.3.0 later', '554 5.6.0 no'])('the second is carried when the dot of the first is answered %s', async (text) => {
      const { send, peer } = await start({ dot: [say(text), say('250 ok')] }, options);
      const [first, second] = [send(parcel()), send(parcel({ index: 1 }))];
      expect(await first.report).toMatchObject({ kind: 'refused', phase: 'dot' });
      expect((await second.report).kind).toBe('accepted');
      expect(peer.mails).toHaveLength(2);
    });

    it.each([
      ['answered 421', sayThenCut('421 4.3.2 closing'), { kind: 'refused', phase: 'dot' }],
      ['cut', cut, { kind: 'unknown', cause: 'cut' }],
      ['answered with nonsense', say('999 what'), { kind: 'unknown', cause: 'malformed' }],
    ] as const)('the second fails safely, commit never asked, when the dot of the first is %s', async (_what, dot, expected) => {
      const { send, peer } = await start({ dot }, options);
      const [first, second] = [send(parcel()), send(parcel({ index: 1 }))];
      expect(await first.report).toMatchObject(expected);
      expect(await second.report).toMatchObject({ kind: 'failed', facts: { isReused: true } });
      expect(second.commits).toBe(0);
      expect(peer.mails).toHaveLength(1);
    });

    it('the second fails safely when the dot of the first is met with silence', async () => {
      const { send, peer, clock } = await start({ dot: silence }, options);
      const [first, second] = [send(parcel()), send(parcel({ index: 1 }))];
      await peer.untilLogged('1 dot').then(turns);
      await clock.advance(DOT_REPLY_MS_MAX);
      expect(await first.report).toMatchObject({ kind: 'unknown', cause: 'timeout' });
      expect((await second.report).kind).toBe('failed');
      expect(second.commits).toBe(0);
    });

    it('the first is not harmed when the second is aborted', async () => {
      const { send, peer } = await start(
        { mail: [say('250 ok'), silence, say('250 ok')], dot: [hold('250 2.0.0 queued'), say('250 ok')] },
        options,
      );
      const [first, second, third] = [send(parcel()), send(parcel({ index: 1 })), send(parcel({ index: 2 }))];
      await peer.untilLogged('1 dot').then(turns);
      second.abort();
      expect((await second.report).kind).toBe('aborted');
      peer.release();
      expect((await first.report).kind).toBe('accepted');
      expect((await third.report).kind).toBe('accepted'); // on a new connection: the first one is not kept for the aborted mail
      expect(second.commits).toBe(0);
      expect(peer.mails).toHaveLength(2);
    });

    it('the second keeps its own answer when the first is withheld', async () => {
      const { send, peer } = await start({}, options);
      const [first, second] = [send(parcel(), 'refuse'), send(parcel({ index: 1 }))];
      expect((await first.report).kind).toBe('withheld');
      expect((await second.report).kind).toBe('accepted');
      expect(peer.mails).toHaveLength(1);
    });

    it('the second is refused at its own MAIL, RCPT or DATA without harm to the first', async () => {
      for (const verb of ['mail', 'rcpt', 'data'] as const) {
        const ok: Record<typeof verb, string> = { mail: '250 ok', rcpt: '250 ok', data: '354 go' };
        const { send, peer } = await start({ [verb]: [say(ok[verb]), say('550 5.7.1 no'), say(ok[verb])] }, options);
        const [first, second, third] = [send(parcel()), send(parcel({ index: 1 })), send(parcel({ index: 2 }))];
        expect((await first.report).kind).toBe('accepted');
        expect(await second.report).toMatchObject({ kind: 'refused', phase: verb });
        expect((await third.report).kind).toBe('accepted');
        expect(peer.mails).toHaveLength(2);
      }
    });
  });

  const { tls } = traits;
  if (tls === undefined) return;
  const OFFER = say('250-peer.example\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN XOAUTH2');
  const credentials = { user: 'agent', password: PASSWORD };
  const secret = { tls: 'required', credentials } as const;

  describe('TLS', () => {
    it('S5: is begun with STARTTLS, and EHLO said again inside', async () => {
      const { send, peer } = await start({ ehlo: OFFER }, secret);
      expect(await send(parcel()).report).toMatchObject({ kind: 'accepted', facts: { tls: expect.stringMatching(/^TLSv1\.[23]$/) } });
      expect(peer.log.filter((entry) => entry.includes('EHLO'))).toHaveLength(2);
      expect(peer.clearText).toMatch(/^EHLO \S+\r\nSTARTTLS\r\n$/);
    });

    it('S5: from the first byte', async () => {
      const { send, peer } = await start({}, { tls: 'implicit' });
      expect(await send(parcel()).report).toMatchObject({ kind: 'accepted', facts: { tls: expect.stringMatching(/^TLS/) } });
      expect(peer.clearText).toBe('');
    });

    const noSecretSeen = ({ clearText }: ScriptedSmtpServer): void => {
      expect(clearText).not.toMatch(/AUTH|MAIL/);
      expect(clearText).not.toContain(Buffer.from(PASSWORD).toString('base64').slice(0, 10));
    };

    it.each([
      ['stripped', { ehlo: say('250-peer\r\n250 AUTH PLAIN') }],
      ['refused', { ehlo: OFFER, starttls: say('502 5.5.1 not here') }],
      ['put off', { ehlo: OFFER, starttls: say('454 4.7.0 later') }],
      ['cut', { ehlo: OFFER, starttls: cut }],
      ['injected with plain text', { ehlo: OFFER, starttls: say('220 go\r\n250-peer\r\n250 AUTH PLAIN') }],
      ['unknown, as EHLO is', { ehlo: say('502 what') }],
    ] as const)('S5: no AUTH and no mail is seen when STARTTLS is %s', async (_how, script) => {
      const { send, peer } = await start(script, secret);
      const attempt = send(parcel());
      expect(await attempt.report).toMatchObject({ kind: 'failed', phase: 'starttls' });
      expect(attempt.commits).toBe(0);
      noSecretSeen(peer);
      await peer.untilLogged('1 closed');
    });

    it.each(['required', 'implicit', 'opportunistic'] as const)('S5: a certificate of a stranger ends the attempt: %s', async (mode) => {
      const { send, peer } = await start({ ehlo: OFFER }, { tls: mode, certificate: 'stranger', ...(mode === 'opportunistic' ? {} : { credentials }) }); // biome-ignore format: one world
      expect(await send(parcel()).report).toMatchObject({ kind: 'failed', cause: 'tls' });
      noSecretSeen(peer);
      expect(peer.mails).toEqual([]);
    });

    it('that never answers from the first byte on is given up after the time for a connection', async () => {
      const { send, peer, clock } = await start({ greeting: silence }, { tls: 'implicit', servesTls: false });
      const attempt = send(parcel());
      await peer.untilLogged('1 open').then(turns);
      await clock.advance(CONNECT_MS_MAX);
      expect(await attempt.report).toMatchObject({ kind: 'failed', phase: 'connect', cause: 'timeout' });
    });

    it('is done without where it is neither offered nor required', async () => {
      const { send } = await start({}, { tls: 'opportunistic' });
      expect(await send(parcel()).report).toMatchObject({ kind: 'accepted', facts: { tls: 'none' } });
    });
  });

  describe('login', () => {
    it.each([
      ['plain', ['AUTH PLAIN '], [say('235 ok')]],
      ['login', ['AUTH LOGIN', Buffer.from('agent').toString('base64')], [say('334 VXNlcm5hbWU6'), say('334 UGFzc3dvcmQ6'), say('235 ok')]],
      ['xoauth2', ['AUTH XOAUTH2 '], [say('235 ok')]],
    ] as const)('with %s is inside TLS and precedes the mail', async (mechanism, said, auth) => {
      const { send, peer } = await start({ ehlo: OFFER, auth }, { tls: 'required', credentials: { ...credentials, mechanism } });
      expect((await send(parcel()).report).kind).toBe('accepted');
      for (const line of said) expect(peer.log).toContainEqual(expect.stringContaining(line));
      expect(peer.clearText).not.toContain('AUTH');
    });

    it.each([
      ['plain', 535, [say('535 5.7.8 wrong password')]],
      ['plain', 454, [say('454 4.7.0 too many logins')]],
      ['login', 535, [say('334 VXNlcm5hbWU6'), say('334 UGFzc3dvcmQ6'), say('535 5.7.8 wrong password')]],
      ['xoauth2', 535, [say('334 eyJzdGF0dXMiOiI0MDEifQ=='), say('535 5.7.8 wrong token')]],
    ] as const)('that is refused is reported: %s, %d', async (mechanism, code, auth) => {
      const { send, peer } = await start({ ehlo: OFFER, auth }, { tls: 'required', credentials: { ...credentials, mechanism } });
      const report = await send(parcel()).report;
      expect(report).toMatchObject({ kind: 'refused', phase: 'auth', reply: { code } });
      expect(JSON.stringify(report)).not.toContain(PASSWORD);
      expect(peer.log).not.toContainEqual(expect.stringContaining('MAIL'));
    });

    it('fails when the server offers no mechanism that is known', async () => {
      const { send } = await start({ ehlo: say('250-peer\r\n250-STARTTLS\r\n250 AUTH CRAM-MD5') }, secret);
      expect(await send(parcel()).report).toMatchObject({ kind: 'failed', phase: 'auth', cause: 'missing' });
    });

    it('never shows the password in the description', async () => {
      const { transport } = await start({}, secret);
      expect(JSON.stringify(transport.capabilities)).not.toContain(PASSWORD);
    });
  });
}

interface BenchOptions {
  readonly tls?: TransportWorld['tls'];
  readonly credentials?: TransportWorld['credentials'];
  readonly connectionsMax?: number;
  readonly certificate?: 'trusted' | 'stranger';
  readonly servesTls?: boolean;
}

interface Bench {
  readonly peer: ScriptedSmtpServer;
  readonly clock: ReturnType<typeof createManualClock>;
  readonly transport: Transport;
  send(parcel: Parcel, answer?: CommitAnswer, signal?: AbortSignal): Attempt;
  end(): Promise<void>;
}

async function openBench(
  open: (world: TransportWorld) => Promise<Transport>,
  traits: TransportTraits,
  script: SmtpScript,
  options: BenchOptions,
): Promise<Bench> {
  const tls = options.tls ?? 'off';
  const pair = traits.tls?.[options.certificate ?? 'trusted'];
  const serves = pair !== undefined && tls !== 'off' && options.servesTls !== false;
  const peer = await openScriptedSmtpServer(script, serves ? { ...pair, isImplicit: tls === 'implicit' } : undefined);
  const clock = createManualClock();
  const { credentials, connectionsMax } = options;
  const transport = await open({
    host: peer.host,
    port: peer.port,
    clock,
    tls,
    ...(credentials === undefined ? {} : { credentials }),
    ...(connectionsMax === undefined ? {} : { connectionsMax }),
  });

  const faults: string[] = [];
  let underWay = 0;
  let granted = 0;
  let dots = 0;
  peer.onDot = () => {
    dots += 1;
    if (dots > granted) faults.push(`the peer saw dot ${dots} when ${granted} were granted`);
  };

  const sent: { readonly attempt: Attempt; readonly parcel: Parcel; report?: Report }[] = [];
  return {
    peer,
    clock,
    transport,
    send(parcel, answer = 'grant', signal) {
      const controller = new AbortController();
      let ask: () => void = () => {};
      let answerLater: (isGranted: boolean) => void = () => {};
      const asked = new Promise<void>((resolve) => {
        ask = resolve;
      });
      const commit = (): Promise<boolean> => {
        attempt.commits += 1;
        if (attempt.commits > 1) faults.push('the commit was asked for twice');
        ask();
        if (answer === 'throw') throw new Error('the ledger threw');
        if (answer === 'reject') return Promise.reject(new Error('the ledger is gone'));
        if (answer === 'refuse') return Promise.resolve(false);
        if (answer === 'grant') {
          granted += 1;
          return Promise.resolve(true);
        }
        return new Promise((resolve) => {
          answerLater = resolve;
        });
      };
      underWay += 1;
      const attempt: Attempt = {
        report: Promise.resolve().then(() => transport.send(parcel, commit, signal ?? controller.signal)),
        asked,
        commits: 0,
        grant() {
          granted += 1;
          answerLater(true);
        },
        abort: () => controller.abort(),
      };
      const entry: (typeof sent)[number] = { attempt, parcel };
      sent.push(entry);
      void attempt.report.then((report) => {
        underWay -= 1;
        entry.report = report;
      });
      return attempt;
    },
    async end() {
      await turns();
      expect(underWay, 'parcels without a report').toBe(0);
      // `close` may wait for the answer to a QUIT, for as long as the clock lets it.
      const closed = transport.close();
      await turns();
      await clock.advance(REPLY_MS_MAX);
      await closed;
      if (traits.peer === 'smtp') await peer.until('all sessions closed', () => peer.openSessions === 0);
      expect(clock.pending, 'timers left').toBe(0);
      expect(faults).toEqual([]);
      for (const { attempt, parcel, report } of sent) {
        expect(['accepted', 'unknown'].includes(report?.kind ?? '') && attempt.commits !== 1, 'taken without a commit').toBe(false);
        if (report?.kind === 'accepted' && traits.peer === 'smtp')
          expect(
            peer.mails.some(({ bytes }) => bytes.equals(Buffer.from(parcel.payload))),
            'the accepted bytes are at the peer',
          ).toBe(true);
      }
      await peer.close();
    },
  };
}

const THREE = ['a@x.example', 'b@x.example', 'c@x.example'];

function parcel(
  parts: {
    readonly index?: number;
    readonly from?: string;
    readonly to?: readonly string[];
    readonly payload?: Uint8Array;
    readonly eightBit?: boolean;
    readonly smtpUtf8?: boolean;
  } = {},
): Parcel {
  const { index = 0, from = 'agent@shoal.example', to = ['a@b.example'], payload = PAYLOAD, eightBit = false, smtpUtf8 = false } = parts;
  const tail = String(index).padStart(26, '0');
  return { jobId: jobId(`job_${tail}`), messageId: messageId(`eml_${tail}`), envelope: { from, to, eightBit, smtpUtf8 }, payload };
}

function crlf(...lines: readonly string[]): Uint8Array {
  return Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'latin1');
}

function addresses(report: Report): readonly string[] {
  return report.kind === 'accepted' ? report.accepted.map(({ address }) => address) : [];
}

async function isOver(attempt: Attempt): Promise<boolean> {
  let over = false;
  void attempt.report.then(() => {
    over = true;
  });
  await turns();
  return over;
}

/** A few turns of the event loop, for what is on a loopback socket to arrive. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
