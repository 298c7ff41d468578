import PostalMime from 'postal-mime';
import { expect, it } from 'vitest';
import { ShoalError } from '../model/errors.ts';
import { jobId, tenantId, workerId } from '../model/ids.ts';
import type { Message } from '../model/message.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { SubmitRequest } from '../ports/submit.ts';
import { createManualClock } from '../testing/manual-clock.ts';
import { createMemoryLedger } from '../testing/memory-ledger.ts';
import { SAMPLE_INBOX } from '../../test/samples.ts';
import { createSeededRandom } from '../testing/seeded-random.ts';
import { createSubmit } from './submit.ts';

const DAY_MS = 24 * 3_600_000;
const REQUEST: SubmitRequest = { tenant: SAMPLE_INBOX.tenant, inbox: SAMPLE_INBOX, to: ['ada@example.com'], subject: 'Hi', text: 'Hello' };

function openBench(change: (ledger: Ledger) => Ledger = (ledger) => ledger) {
  const clock = createManualClock();
  const ledger = change(createMemoryLedger({ clock }));
  const messages: Message[] = [];
  const submit = createSubmit({
    ledger,
    acceptance: {
      async accept({ message, job }) {
        const [enqueued] = await ledger.enqueue([job]);
        if (enqueued === undefined) throw new Error('no answer');
        if (enqueued.kind === 'created') messages.push(message);
        return enqueued;
      },
    },
    store: { hasReceivedFrom: async () => false },
    clock,
    random: createSeededRandom(1),
    idSecret: new Uint8Array(32).fill(7),
  });
  const send = (change: { readonly [Field in keyof SubmitRequest]?: unknown } = {}) =>
    submit.submit({ ...REQUEST, ...change } as SubmitRequest);
  const refusal = async (change: Parameters<typeof send>[0]): Promise<ShoalError> => {
    const error = await send(change).then(
      () => new Error('it was taken'),
      (cause: unknown) => cause,
    );
    if (!(error instanceof ShoalError)) throw error;
    return error;
  };
  return { clock, ledger, messages, send, refusal };
}

it('queues one job with the envelope and the bytes, and says so', async () => {
  const bench = openBench();
  const answer = await bench.send({ cc: ['c@example.com'], bcc: ['b@example.com', 'ada@EXAMPLE.com'], onDoubt: 'resend' });
  expect(answer.deduplicated).toBe(false);
  expect(answer.job).toMatchObject({ state: 'ready', sender: 'default', lane: SAMPLE_INBOX.id, onDoubt: 'resend' });
  expect(answer.job.envelope).toEqual({
    from: 'agent@agents.example',
    to: ['ada@example.com', 'c@example.com', 'b@example.com'],
    smtpUtf8: false,
    eightBit: false,
  });
  const [payload = new Uint8Array()] = await bench.ledger.payloads([answer.messageId]);
  const mail = await PostalMime.parse(payload);
  expect(mail).toMatchObject({ subject: 'Hi', to: [{ address: 'ada@example.com' }], cc: [{ address: 'c@example.com' }] });
  expect(Buffer.from(payload).toString()).not.toContain('b@example.com');
  expect(bench.messages).toMatchObject([
    { id: answer.messageId, messageIdHeader: mail.messageId, sizeBytes: payload.length, bcc: ['b@example.com', 'ada@example.com'] },
  ]);
});

it('S7: asks for SMTPUTF8 when a blind copy alone needs it', async () => {
  const { job } = await openBench().send({ bcc: ['jörg@example.com'] });
  expect(job.envelope).toMatchObject({ smtpUtf8: true, eightBit: false });
});

it('answers a repeat under the same key with the first job, from any process', async () => {
  const bench = openBench();
  const first = await bench.send({ key: 'k1' });
  const again = await bench.send({ key: 'k1' });
  expect(again).toMatchObject({ messageId: first.messageId, job: { id: first.job.id }, deduplicated: true });
  expect(bench.messages).toHaveLength(1);
  const elsewhere = await openBench().send({ key: 'k1' });
  expect(elsewhere.messageId).toBe(first.messageId);
  expect(elsewhere.job.id).toBe(first.job.id);
});

it('makes one job of a request that comes twice at once', async () => {
  const bench = openBench();
  const answers = await Promise.all([bench.send({ key: 'k1' }), bench.send({ key: 'k1' }), bench.send({ key: 'k1' })]);
  expect(new Set(answers.map(({ job }) => job.id)).size).toBe(1);
  expect(answers.filter(({ deduplicated }) => !deduplicated)).toHaveLength(1);
});

it('tells one of two mails that come at once under one key that the key is taken', async () => {
  const bench = openBench();
  const answers = await Promise.allSettled(['one', 'two'].map((text) => bench.send({ key: 'order-7', text })));
  expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(answers.find((answer) => answer.status === 'rejected')?.reason).toMatchObject({ code: 'key_reused' });
});

it('names what differs when a key comes back with other content', async () => {
  const bench = openBench();
  await bench.send({ key: 'k1' });
  const error = await bench.refusal({ key: 'k1', subject: 'Ho', to: ['eve@example.com'] });
  expect(error.code).toBe('key_reused');
  expect(Object.keys(error.details)).toEqual(['to', 'subject']);
});

it('keeps the keys of two tenants apart', async () => {
  const bench = openBench();
  const first = await bench.send({ key: 'k1' });
  const other = await bench.send({ key: 'k1', tenant: tenantId(`acct_${'1'.repeat(26)}`) });
  expect(other.deduplicated).toBe(false);
  expect(other.messageId).not.toBe(first.messageId);
});

it('makes new ids for a key that was used before its time was over', async () => {
  const bench = openBench();
  const first = await bench.send({ key: 'k1' });
  await bench.ledger.cancel([first.job.id]);
  await bench.clock.advance(8 * DAY_MS);
  await bench.ledger.sweep({ max: 100, apartDelaysMs: [0], resendMs: 1, retentionMs: 7 * DAY_MS });
  const second = await bench.send({ key: 'k1', subject: 'Something else' });
  expect(second.deduplicated).toBe(false);
  expect(second.messageId).not.toBe(first.messageId);
});

it('answers a repeat with what is left of a mail that was taken for some recipients and refused for others', async () => {
  const bench = openBench();
  const { job } = await bench.send({ key: 'k1', to: ['ada@example.com', 'eve@example.com'] });
  const wish = { worker: workerId(`wrk_${'0'.repeat(12)}`), kinds: ['send'] as const, max: 1, leaseMs: 60_000, apart: false };
  const token = (await bench.ledger.lease(wish)).leases[0]?.token ?? 0;
  await bench.ledger.commit([{ jobId: job.id, token, nonce: 'n' }]);
  const refused = { id: jobId(`job_00${'1'.repeat(24)}`), to: ['eve@example.com'], note: '', recipients: [] };
  const children = [{ ...refused, outcome: { kind: 'dead', reason: 'permanent' } as const }];
  await bench.ledger.settle([{ jobId: job.id, token, outcome: { kind: 'sent' }, note: '', keeps: ['ada@example.com'], children }]);
  await bench.clock.advance(8 * DAY_MS);
  await bench.ledger.sweep({ max: 100, apartDelaysMs: [0], resendMs: 1, retentionMs: 7 * DAY_MS }); // a dead letter stays longer
  const again = await bench.send({ key: 'k1', to: ['ada@example.com', 'eve@example.com'] });
  expect(again).toMatchObject({ messageId: job.messageId, job: { id: refused.id, state: 'dead' }, deduplicated: true });
});

it('looks again when the generation of a key changed meanwhile', async () => {
  let looks = 0;
  const bench = openBench((ledger) => ({
    ...ledger,
    findKeys: async (keys) => {
      looks += 1;
      return looks === 1 ? keys.map(() => ({ kind: 'free', generation: 9 }) as const) : ledger.findKeys(keys);
    },
  }));
  expect((await bench.send({ key: 'k1' })).deduplicated).toBe(false);
  expect(looks).toBe(2);
});

it('takes the same content within ten minutes for the same mail, unless told otherwise', async () => {
  const bench = openBench();
  const first = await bench.send();
  expect(await bench.send()).toMatchObject({ messageId: first.messageId, deduplicated: true });
  expect(await bench.send({ key: 'auto_1' })).toMatchObject({ messageId: first.messageId, deduplicated: true });
  expect(await bench.send({ allowDuplicate: true })).toMatchObject({ deduplicated: false });
  expect(await bench.send({ key: 'mine' })).toMatchObject({ deduplicated: false });
  expect(await bench.send({ to: ['eve@example.com'] })).toMatchObject({ deduplicated: false });
  await bench.clock.advance(11 * 60_000);
  expect(await bench.send()).toMatchObject({ deduplicated: false });
});

it('waits for sendAt and carries expiresAt', async () => {
  const bench = openBench();
  const now = bench.clock.wallNow();
  const { job } = await bench.send({ sendAt: now + DAY_MS, expiresAt: now + 2 * DAY_MS });
  expect(job).toMatchObject({ state: 'scheduled', dueAt: now + DAY_MS, expiresAt: now + 2 * DAY_MS });
});

it('says that nothing was accepted when the ledger does not answer', async () => {
  const broken = async () => Promise.reject(new Error('connection reset'));
  const bench = openBench((ledger) => ({ ...ledger, enqueue: broken }));
  const error = await bench.refusal({});
  expect(error.code).toBe('ledger_unreachable');
  expect(error.facts.retryable).toBe(true);
});

it.each([{}, { text: '' }, { text: ' \n' }, { html: '' }, { text: '', html: ' ' }])('refuses a mail without a body: %j', async (body) => {
  const bench = openBench();
  expect((await bench.refusal({ text: undefined, ...body })).code).toBe('body_missing');
});

const BREAKS = ['\r', '\n', '\r\n', '\0', '\t', '\u001b', '\u007f', '\u0085', '\u009f', '\u2028', '\u2029', '\ud800'];
const HEADER_FIELDS = [
  ['subject', (text: string) => ({ subject: text })],
  ['to.0', (text: string) => ({ to: [`${text}@example.com`] })],
  ['to.0', (text: string) => ({ to: [`ada@${text}.example`] })],
  ['cc.1', (text: string) => ({ cc: ['ok@example.com', `${text}@example.com`] })],
  ['bcc.0', (text: string) => ({ bcc: [`${text}@example.com`] })],
  ['replyTo', (text: string) => ({ replyTo: `${text}@example.com` })],
  ['inReplyTo', (text: string) => ({ inReplyTo: `<${text}@example.com>` })],
  ['inbox.displayName', (text: string) => ({ inbox: { ...SAMPLE_INBOX, displayName: text } })],
] as const;

it.each(HEADER_FIELDS)('S6: refuses line breaks and control characters in %s, names the field and queues nothing', async (field, put) => {
  const bench = openBench();
  for (const character of BREAKS) {
    for (const text of [`a${character}Bcc: eve`, `${character}a`, `a${character}`]) {
      const error = await bench.refusal(put(text));
      expect(error.code).toBe('refused_value');
      expect(Object.keys(error.details)).toEqual([field]);
    }
  }
  expect(bench.messages).toEqual([]);
  expect((await bench.ledger.list({ max: 10 })).jobs).toEqual([]);
});

it.each([
  ['to', { to: [] }, /at least one/],
  ['to', { to: 'ada@example.com' }, /list/],
  ['to', { to: Array.from({ length: 101 }, (_, n) => `r${n}@example.com`) }, /101/],
  [
    'to',
    { to: Array.from({ length: 60 }, (_, n) => `r${n}@example.com`), bcc: Array.from({ length: 60 }, (_, n) => `s${n}@example.com`) },
    /120/,
  ],
  ['to.0', { to: ['Ada <ada@example.com>'] }, /bare address/],
  ['to.0', { to: [{ address: 'ada@example.com' }] }, /text/],
  ['subject', { subject: 'x'.repeat(999) }, /998/],
  ['subject', { subject: undefined }, /text/],
  ['text', { text: 'a\0b' }, /NUL/],
  ['text', { text: 'a\udc00b' }, /surrogate/],
  ['text', { text: 'ü'.repeat(500_001) }, /1000000 bytes/],
  ['cc', { cc: Array.from({ length: 101 }, (_, n) => `r${n}@example.com`) }, /101/],
  ['text', { text: { path: '/etc/hostname' } }, /text/],
  ['html', { html: { href: 'http://127.0.0.1:9/' } }, /text/],
  ['html', { html: '\0' }, /NUL/],
  ['inReplyTo', { inReplyTo: 'abc@example.com' }, /angle brackets/],
  ['inReplyTo', { inReplyTo: '<a@x.example> <b@x.example>' }, /angle brackets/],
  ['sendAt', { sendAt: 1_767_225_600 }, /epoch milliseconds/],
  ['sendAt', { sendAt: Number.NaN }, /epoch milliseconds/],
  ['sendAt', { sendAt: 1_767_225_600_000 + 400 * DAY_MS }, /year/],
  ['expiresAt', { expiresAt: 1_767_225_600_000 }, /already passed/],
  ['expiresAt', { expiresAt: 1_767_225_600_000 + 1_000, sendAt: 1_767_225_600_000 + 2_000 }, /before sendAt/],
  ['expiresAt', { expiresAt: 1_767_225_600_000 + 6 * DAY_MS }, /five days/],
  ['onDoubt', { onDoubt: 'maybe' }, /hold or resend/],
  ['key', { key: '' }, /1 to 256/],
  ['key', { key: 'k'.repeat(257) }, /1 to 256/],
  ['key', { key: 'a\r\nb' }, /printable/],
  ['allowDuplicate', { allowDuplicate: 'yes' }, /true or false/],
  ['inbox', { inbox: { ...SAMPLE_INBOX, isActive: false } }, /deleted/],
])('refuses %s as %j and says why', async (field, change, why) => {
  const bench = openBench();
  const error = await bench.refusal(change);
  expect(error.code).toBe('refused_value');
  expect(error.details[field]).toMatch(why);
  expect(bench.messages).toEqual([]);
});

it('takes text and html that are as large as they may be, and sends all of it', async () => {
  const bench = openBench();
  const { messageId } = await bench.send({ text: 'ü'.repeat(500_000), html: 'ü'.repeat(1_000_000) });
  const [payload] = await bench.ledger.payloads([messageId]);
  expect(payload?.length).toBeGreaterThan(3_000_000);
});

it('refuses html that is one byte larger, and queues nothing', async () => {
  const bench = openBench();
  const error = await bench.refusal({ html: `${'ü'.repeat(1_000_000)}.` });
  expect(error.details['html']).toMatch(/2000000 bytes/);
  expect(bench.messages).toEqual([]);
});

it('names everything that is wrong at once', async () => {
  const error = await openBench().refusal({ to: ['x', 'ada@example.com', 'y'], subject: 'a\nb', text: '\0' });
  expect(Object.keys(error.details)).toEqual(['to.0', 'to.2', 'subject', 'text']);
});
