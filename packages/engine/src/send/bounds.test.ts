import { expect, it } from 'vitest';
import { limitsOfCaps } from '../model/caps.ts';
import { ShoalError } from '../model/errors.ts';
import { tokenId } from '../model/ids.ts';
import type { Inbox } from '../model/inbox.ts';
import { budgetScope, inboxScope, senderScope, tenantScope } from '../model/scope.ts';
import type { SubmitRequest } from '../ports/submit.ts';
import { createManualClock } from '../testing/manual-clock.ts';
import { createMemoryLedger } from '../testing/memory-ledger.ts';
import { SAMPLE_INBOX } from '../../test/samples.ts';
import { createSeededRandom } from '../testing/seeded-random.ts';
import { createSubmit } from './submit.ts';

const HOUR_MS = 3_600_000;
const TOKEN = { id: tokenId(`tok_${'0'.repeat(16)}`), isStopped: false };
const REQUEST: SubmitRequest = {
  tenant: SAMPLE_INBOX.tenant,
  inbox: SAMPLE_INBOX,
  by: TOKEN,
  to: ['ada@example.com'],
  subject: 'Hi',
  text: 'Hello',
};

/** `written`: who has written to the inbox. */
function openBench(written: readonly string[] = []) {
  const clock = createManualClock();
  const ledger = createMemoryLedger({ clock });
  const stored: string[] = [];
  const submit = createSubmit({
    ledger,
    acceptance: {
      async accept({ message, job }) {
        const [enqueued] = await ledger.enqueue([job]);
        if (enqueued === undefined) throw new Error('no answer');
        if (enqueued.kind === 'created') stored.push(message.id);
        return enqueued;
      },
    },
    store: { hasReceivedFrom: async (_, address) => written.includes(address) },
    clock,
    random: createSeededRandom(1),
    idSecret: new Uint8Array(32).fill(7),
  });
  let count = 0;
  const send = (change: Partial<SubmitRequest> = {}) => submit.submit({ ...REQUEST, subject: `Mail ${++count}`, ...change });
  const refusal = async (change: Partial<SubmitRequest>): Promise<ShoalError> => {
    const error: unknown = await send(change).then(
      () => new Error('it was taken'),
      (cause: unknown) => cause,
    );
    if (error instanceof ShoalError) return error;
    throw error;
  };
  return { clock, ledger, stored, send, refusal };
}

it('P7: refuses what is above a cap of the token with the cap, what is used, and when it frees, and stores nothing', async () => {
  const { ledger, clock, stored, send, refusal } = openBench();
  const caps = { perHour: { messages: 2 }, perDay: { recipients: 50 } };
  await ledger.limit([{ scope: budgetScope(TOKEN.id), limits: limitsOfCaps(caps) }]);
  const by = { ...TOKEN, caps };
  const first = await send({ by });
  expect(first.budgets).toMatchObject([
    { rule: { unit: 'messages', max: 2 }, used: 1, left: 1 },
    { rule: { unit: 'recipients', max: 50 }, used: 1, left: 49 },
  ]);
  await clock.advance(60_000);
  await send({ by });
  const error = await refusal({ by });
  expect(error).toMatchObject({ code: 'budget_used_up', facts: { status: 429, retryable: true } });
  expect(error.message).toBe(`token ${TOKEN.id} may hand in 2 mails in any hour, and 2 of them are used; this mail needs 1`);
  expect(error.details).toMatchObject({ used: '2', left: '0', needed: '1', freeAt: expect.stringMatching(/^\d{4}-.*Z$/) });
  expect(error.retryAfterMs).toBe(HOUR_MS - 60_000);
  expect(stored).toHaveLength(2);
  await clock.advance(error.retryAfterMs ?? 0);
  await send({ by });
});

it('P7: counts the caps of token and inbox all or none', async () => {
  const { ledger, send, refusal } = openBench();
  const [ofToken, ofInbox] = [{ perHour: { messages: 2 } }, { perHour: { recipients: 3 } }];
  await ledger.limit([
    { scope: budgetScope(TOKEN.id), limits: limitsOfCaps(ofToken) },
    { scope: budgetScope(SAMPLE_INBOX.id), limits: limitsOfCaps(ofInbox) },
  ]);
  const both = { by: { ...TOKEN, caps: ofToken }, inbox: { ...SAMPLE_INBOX, caps: ofInbox } };
  await send({ ...both, to: ['a@example.com', 'b@example.com'] });
  const refused = await refusal({ ...both, to: ['a@example.com', 'b@example.com'] });
  expect(refused.message).toContain(`inbox ${SAMPLE_INBOX.id} may hand in 3 recipients in any hour`);
  const { budgets } = await send(both); // the refused one took nothing from the token
  expect(budgets).toMatchObject([{ used: 2 }, { used: 3 }]);
});

it('P7: counts a repeat under its key once', async () => {
  const { ledger, send } = openBench();
  const caps = { perHour: 1 };
  await ledger.limit([{ scope: budgetScope(TOKEN.id), limits: limitsOfCaps(caps) }]);
  const again = { by: { ...TOKEN, caps }, key: 'k1', subject: 'Once' };
  await send(again);
  expect(await send(again)).toMatchObject({ deduplicated: true });
});

it('says that a mail larger than a whole cap can never go, and does not tell its caller to wait', async () => {
  const { ledger, refusal } = openBench();
  const caps = { perDay: { newRecipients: 1 } };
  await ledger.limit([{ scope: budgetScope(TOKEN.id), limits: limitsOfCaps(caps) }]);
  const error = await refusal({ by: { ...TOKEN, caps }, to: ['a@example.com', 'b@example.com'] });
  expect(error).toMatchObject({ code: 'over_limit', facts: { status: 422, retryable: false } });
  expect(error.details).toEqual({ limit: `token ${TOKEN.id}: 1 new recipients in any 24 hours`, needed: '2' });
});

it('names the rule of the sender that a mail could never meet', async () => {
  const { ledger, stored, refusal } = openBench();
  const rule = { unit: 'recipients', max: 2, windowMs: 86_400_000, marginMs: 0 } as const;
  await ledger.limit([{ scope: senderScope(SAMPLE_INBOX.sender), limits: { rules: [rule] } }]);
  const to = ['a@example.com', 'b@example.com', 'c@example.com'];
  expect(await refusal({ to })).toMatchObject({
    code: 'over_limit',
    message: 'this mail counts 3, and sender default may have 2 recipients in any 24 hours: it could never go',
  });
  expect(stored).toEqual([]);
});

it('P6: refuses each recipient that is not on the allow list, in to, cc and bcc, before anything is stored', async () => {
  const { send, refusal, stored } = openBench();
  const inbox: Inbox = { ...SAMPLE_INBOX, policy: { recipients: 'listed', allow: ['ada@example.com', 'example.org', '*.example.net'] } };
  const error = await refusal({
    inbox,
    to: ['Ada@Example.com', 'eve@example.com'],
    cc: ['bob@example.org', 'bob@sub.example.org'],
    bcc: ['x@sub.example.net', 'x@example.net'],
  });
  expect(error).toMatchObject({ code: 'recipient_not_allowed', facts: { status: 403 } });
  expect(error.message).toBe('eve@example.com may not be written to (and 2 more in details)');
  expect(Object.keys(error.details)).toEqual(['to.1', 'cc.1', 'bcc.1']);
  expect(stored).toEqual([]);
  await send({ inbox, to: ['Ada@Example.com'], bcc: ['x@a.b.example.net'] });
});

it('P6: lets a reply-only inbox write to those who wrote to it, and to those on its list', async () => {
  const { send, refusal } = openBench(['bob@example.net']);
  const inbox: Inbox = { ...SAMPLE_INBOX, policy: { recipients: 'reply-only', allow: ['example.org'] } };
  await send({ inbox, to: ['bob@example.net', 'boss@example.org'] });
  const error = await refusal({ inbox, to: ['eve@example.net'] });
  expect(error.details).toEqual({ 'to.0': 'eve@example.net has not written to this inbox (policy of the inbox)' });
});

it('P6: needs the leave of both policies, the inbox and the token', async () => {
  const { refusal } = openBench();
  const by = { ...TOKEN, policy: { recipients: 'listed', allow: ['example.com'] } } as const;
  const inbox: Inbox = { ...SAMPLE_INBOX, policy: { recipients: 'listed', allow: ['example.com', 'example.org'] } };
  const error = await refusal({ by, inbox, to: ['ada@example.com', 'ada@example.org'] });
  expect(error.details).toEqual({ 'to.1': 'ada@example.org is not on the allow list (policy of the token)' });
});

it('answers a repeat under its key although the policy was narrowed since', async () => {
  const { send } = openBench();
  const first = await send({ key: 'k1', subject: 'Once' });
  const narrowed: Inbox = { ...SAMPLE_INBOX, policy: { recipients: 'listed', allow: [] } };
  expect(await send({ inbox: narrowed, key: 'k1', subject: 'Once' })).toMatchObject({ messageId: first.messageId, deduplicated: true });
});

it('P7: refuses mail while its token, tenant or inbox is stopped, and says why', async () => {
  const { ledger, stored, send, refusal } = openBench();
  expect(await refusal({ by: { ...TOKEN, isStopped: true } })).toMatchObject({ code: 'sending_stopped' });
  for (const scope of [tenantScope(SAMPLE_INBOX.tenant), inboxScope(SAMPLE_INBOX.id)]) {
    await ledger.hold([{ scope, why: 'stop', note: 'Stopped by ann.' }]);
    const error = await refusal({});
    expect(error).toMatchObject({ code: 'sending_stopped', facts: { status: 403 } });
    expect(error.message).toContain('Stopped by ann.');
    await ledger.lift([{ scope, why: 'stop' }]);
  }
  expect(stored).toEqual([]);
  await send();
});

it('accepts mail of a paused inbox, and says that it waits for a person', async () => {
  const { ledger, send } = openBench();
  await ledger.hold([{ scope: inboxScope(SAMPLE_INBOX.id), why: 'pause', note: 'Paused by ann.' }]);
  const { forecast } = await send({ priority: 'high' });
  expect(forecast).toEqual({
    because: { kind: 'hold', scope: inboxScope(SAMPLE_INBOX.id), why: 'pause', note: 'Paused by ann.' },
    ahead: 0,
  });
});

it('refuses a priority that it does not know', async () => {
  const error = await openBench().refusal({ priority: 'urgent' as 'high' });
  expect(error).toMatchObject({ code: 'refused_value', details: { priority: 'must be one of high, normal, low' } });
});
