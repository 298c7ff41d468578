import { describe, expect, it } from 'vitest';
import { jobIdIn, laneId, messageId, senderId, tenantId, workerId } from '../../src/model/ids.ts';
import { BATCH_MAX, PAGE_MAX } from '../../src/model/limits.ts';
import { senderScope } from '../../src/model/scope.ts';
import { PLAIN_SETTINGS } from '../../src/model/sender.ts';
import type { Ledger, NewJob } from '../../src/ports/ledger.ts';
import type { Vault } from '../../src/ports/vault.ts';
import { purposeOf } from '../../src/send/roster.ts';
import { createMemoryLedger, type ManualClock } from '../../src/testing/index.ts';
import { type Account, type HttpBench, openHttpBench } from './http-bench.ts';

const CANARY = 'c4n4ry';
const PUBLIC = `smtps://user:${CANARY}@smtp.example.com:465`;

interface SenderBench extends HttpBench {
  readonly operator: Account;
  readonly limits: Ledger;
}

/** Limits are asked of the ledger in memory, which is their specification. */
async function openBench(allowCidrs: readonly string[] = []): Promise<SenderBench> {
  let limits: Ledger | undefined;
  const ledger = (clock: ManualClock): Ledger => {
    limits ??= createMemoryLedger({ clock });
    return limits;
  };
  const bench = await openHttpBench({ ledger, allowCidrs });
  if (limits === undefined) throw new Error('the bench asked for no ledger');
  return { ...bench, limits, operator: await bench.signUp() };
}

let jobs = 0;
const aJob = (sender: string): NewJob => {
  jobs += 1;
  return {
    id: jobIdIn(
      0,
      Uint8Array.from({ length: 16 }, (_, index) => (index === 0 ? jobs : 7)),
    ),
    kind: 'send',
    tenant: tenantId(`acct_${'a'.repeat(26)}`),
    sender: senderId(sender),
    lane: laneId('lane'),
    messageId: messageId(`eml_${'a'.repeat(26)}`),
    envelope: { from: 'ann@shoal.localhost', to: ['bob@example.net'], smtpUtf8: false, eightBit: false },
    payload: Uint8Array.of(13, 10),
    onDoubt: 'hold',
    priority: 'normal',
    fingerprint: String(jobs),
    guardMs: 0,
  };
};

async function inDoubt(ledger: Ledger, sender: string): Promise<void> {
  await ledger.enqueue([aJob(sender)]);
  const worker = workerId(`wrk_${'0'.repeat(12)}`);
  const { leases } = await ledger.lease({ worker, kinds: ['send'], max: 1, leaseMs: 60_000, apart: false });
  const refs = leases.map(({ jobId, token }) => ({ jobId, token }));
  await ledger.commit(refs.map((ref) => ({ ...ref, nonce: ref.jobId })));
  await ledger.settle(refs.map((ref) => ({ ...ref, outcome: { kind: 'doubt', cause: 'cut' }, note: 'cut after the dot', phase: 'dot' })));
}

describe('/v1/senders', () => {
  it('makes a sender whose password is sealed, and never shows it', async () => {
    const { operator, store, limits, logged } = await openBench();
    const made = await operator.ask('POST', '/v1/senders', {
      body: { name: 'bulk', transport: PUBLIC, preset: 'icloud', limits: { perHour: { recipients: 40 } } },
    });
    expect(made).toMatchObject({
      status: 201,
      body: {
        name: 'bulk',
        origin: 'api',
        transport: 'smtps://user:***@smtp.example.com:465',
        preset: ['icloud'],
        limits: { perHour: { recipients: 40 } },
        allowances: [
          { unit: 'recipients', max: 40, windowSeconds: 3_600, used: 0, left: 40 },
          { unit: 'messages', max: 950, windowSeconds: 86_400 },
          { unit: 'recipients', max: 950, windowSeconds: 86_400 },
        ],
        backlog: { ready: 0, scheduled: 0, underWay: 0 },
        holds: [],
        gate: null,
      },
    });
    const listed = await operator.ask('GET', '/v1/senders');
    expect(listed.body['data']).toMatchObject([{ name: 'bulk' }, { name: 'default', origin: 'config', transport: 'capture:' }]);
    const record = await store.getSender(senderId('bulk'));
    for (const written of [made, listed, logged, Buffer.from(record?.transport ?? []).toString('latin1')])
      expect(JSON.stringify(written)).not.toContain(CANARY);
    const [standing] = await limits.standing([senderScope(senderId('bulk'))]);
    expect(standing?.limits?.rules).toHaveLength(3);
  });

  it('is for operators: an agent is told so on every route', async () => {
    const bench = await openBench();
    const { body } = await bench.ask('POST', '/v1/signup', { remoteAddress: '127.0.0.1' });
    expect(body['role']).toBe('agent');
    const token = String(body['token']);
    for (const [method, path] of [
      ['GET', '/v1/senders'],
      ['POST', '/v1/senders'],
      ['GET', '/v1/senders/default'],
      ['PATCH', '/v1/senders/default'],
      ['DELETE', '/v1/senders/default'],
      ['POST', '/v1/senders/default/pause'],
      ['POST', '/v1/senders/default/resume'],
    ] as const)
      expect([path, (await bench.ask(method, path, { token })).body['error']]).toEqual([path, 'forbidden']);
  });

  it('changes a sender while it runs, and keeps what is not named', async () => {
    const { operator, limits } = await openBench();
    await operator.ask('POST', '/v1/senders', { body: { name: 'bulk', transport: PUBLIC, preset: 'none', limits: { perHour: 5 } } });
    const changed = await operator.ask('PATCH', '/v1/senders/bulk', { body: { limits: { perHour: 9, perDay: 50 } } });
    expect(changed.body).toMatchObject({
      preset: 'none',
      transport: 'smtps://user:***@smtp.example.com:465',
      limits: { perHour: 9, perDay: 50 },
    });
    const [standing] = await limits.standing([senderScope(senderId('bulk'))]);
    expect(standing?.allowances.map(({ rule }) => rule.max)).toEqual([9, 50]);
    const cleared = await operator.ask('PATCH', '/v1/senders/bulk', { body: { limits: {} } });
    expect(cleared.body['allowances']).toEqual([]);
  });

  it.each([
    [{ name: 'default', transport: PUBLIC }, 409, 'sender_in_config'],
    [{ name: 'Bulk', transport: PUBLIC }, 422, 'refused_value'],
    [{ name: 'bulk' }, 400, 'bad_request'],
    [{ name: 'bulk', transport: 'mx:' }, 422, 'refused_value'],
    [{ name: 'bulk', transport: `smtp://user:${CANARY}@host:0` }, 422, 'refused_value'],
    [{ name: 'bulk', transport: PUBLIC, preset: 'iclod' }, 422, 'refused_value'],
    [{ name: 'bulk', transport: PUBLIC, headroom: 2 }, 422, 'refused_value'],
    [{ name: 'bulk', transport: PUBLIC, limits: { perDay: 1.5 } }, 422, 'refused_value'],
  ])('refuses %j with %i %s', async (body, status, error) => {
    const { operator } = await openBench();
    const answer = await operator.ask('POST', '/v1/senders', { body });
    expect([answer.status, answer.body['error']]).toEqual([status, error]);
    expect(JSON.stringify(answer.body)).not.toContain(CANARY);
  });

  it('S11: lets no sender lead into an internal network, unless the operator allowed it', async () => {
    const { operator } = await openBench();
    for (const transport of [
      'smtp://127.0.0.1:25',
      'smtp://[::1]:25',
      'smtp://10.0.0.1',
      'smtp://169.254.169.254',
      'smtp://8.8.8.8:6379',
    ]) {
      const { status, body } = await operator.ask('POST', '/v1/senders', { body: { name: 'bulk', transport } });
      expect([transport, status, body['error']]).toEqual([transport, 422, 'refused_value']);
    }
    const open = await openBench(['127.0.0.0/8']);
    expect(await open.operator.ask('POST', '/v1/senders', { body: { name: 'bulk', transport: 'smtp://127.0.0.1:40025' } })).toMatchObject({
      status: 201,
    });
  });

  it('has one sender of a name', async () => {
    const { operator } = await openBench();
    const make = () => operator.ask('POST', '/v1/senders', { body: { name: 'bulk', transport: PUBLIC } });
    const answers = await Promise.all([make(), make(), make()]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    expect((await make()).body['error']).toBe('sender_exists');
  });

  it('says where a sender of the configuration is changed', async () => {
    const { operator } = await openBench();
    for (const method of ['PATCH', 'DELETE']) {
      const { status, body } = await operator.ask(method, '/v1/senders/default', { body: {} });
      expect([status, body['error']]).toEqual([409, 'sender_in_config']);
      expect(body['message']).toContain('under SHOAL_TRANSPORT and `senders.default`');
    }
    expect(await operator.ask('GET', '/v1/senders/nobody')).toMatchObject({ status: 404, body: { error: 'not_found' } });
  });

  it('pauses a sender and resumes it, whatever held it back', async () => {
    const { operator, limits } = await openBench();
    const paused = await operator.ask('POST', '/v1/senders/default/pause', { body: { note: 'the contract ends' } });
    expect(paused.body['holds']).toMatchObject([{ why: 'pause', note: 'the contract ends', until: null }]);
    await limits.enqueue([aJob('default')]);
    const waiting = await operator.ask('GET', '/v1/senders/default');
    expect(waiting.body).toMatchObject({
      backlog: { ready: 1 },
      forecast: { nextAt: null, waiting: { kind: 'pause', because: 'sender default is held: the contract ends' } },
    });
    await limits.hold([{ scope: senderScope(senderId('default')), why: 'account', note: '535' }]);
    const resumed = await operator.ask('POST', '/v1/senders/default/resume');
    expect(resumed.body).toMatchObject({ holds: [], forecast: { waiting: null } });
  });

  it('is removed once no mail waits for it, and its inboxes have another', async () => {
    const { operator, limits, store } = await openBench();
    await operator.ask('POST', '/v1/senders', { body: { name: 'bulk', transport: PUBLIC } });
    const inbox = String((await operator.ask('POST', '/v1/inboxes', { body: { localPart: 'news', sender: 'bulk' } })).body['id']);
    const [job] = await limits.enqueue([aJob('bulk')]);
    const busy = await operator.ask('DELETE', '/v1/senders/bulk');
    expect(busy).toMatchObject({ status: 409, body: { error: 'sender_in_use', details: { mails: '1' } } });
    if (job?.kind !== 'created') throw new Error('the job was not accepted');
    await limits.cancel([job.job.id]);
    const named = await operator.ask('DELETE', '/v1/senders/bulk');
    expect(named).toMatchObject({ status: 409, body: { error: 'sender_in_use', details: { inboxes: 'news@shoal.localhost' } } });
    expect(await operator.ask('DELETE', '/v1/senders/bulk?moveTo=nobody')).toMatchObject({
      status: 422,
      body: { error: 'no_such_sender' },
    });
    expect(await operator.ask('DELETE', '/v1/senders/bulk?moveTo=default')).toMatchObject({ body: { deleted: true, movedInboxes: 1 } });
    expect((await operator.ask('GET', `/v1/inboxes/${inbox}`)).body['sender']).toBe('default');
    expect(await store.listSenders()).toEqual([]);
    const [standing] = await limits.standing([senderScope(senderId('bulk'))]);
    expect(standing?.allowances).toEqual([]);
  });
});

describe('a sender with mail in doubt', () => {
  it('is not removed: that mail may be sent once more', async () => {
    const { operator, limits, clock } = await openBench();
    await operator.ask('POST', '/v1/senders', { body: { name: 'bulk', transport: PUBLIC } });
    for (let n = 0; n < PAGE_MAX + 1; n += 1) await inDoubt(limits, n === 0 ? 'bulk' : 'default');
    const refused = await operator.ask('DELETE', '/v1/senders/bulk');
    expect(refused).toMatchObject({ status: 409, body: { error: 'sender_in_use', details: { mailsInDoubt: '1' } } });
    expect(refused.body['message']).toContain('in doubt');
    const { jobs } = await limits.list({
      states: ['in_doubt'],
      max: PAGE_MAX,
      cursor: (await limits.list({ states: ['in_doubt'], max: PAGE_MAX })).cursor ?? '',
    });
    await limits.resolve(jobs.map(({ id }) => ({ jobId: id, verdict: 'sent', note: 'it did arrive' })));
    await clock.advance(1);
    expect(await operator.ask('DELETE', '/v1/senders/bulk')).toMatchObject({ status: 200 });
  });
});

describe('a sender that cannot be read or told', () => {
  it('gets its transport anew, or is removed, after the key of its secret was lost', async () => {
    const { operator, store, limits } = await openBench();
    const make = (name: string) =>
      operator.ask('POST', '/v1/senders', { body: { name, transport: PUBLIC, preset: 'none', limits: { perHour: 5 } } });
    await make('bulk');
    await make('news');
    const record = async (name: string) => {
      const found = await store.getSender(senderId(name));
      if (found === undefined) throw new Error('it was not stored');
      return found;
    };
    for (const name of ['bulk', 'news']) await store.changeSender({ ...(await record(name)), transport: Uint8Array.of(9) });
    expect((await operator.ask('GET', '/v1/senders')).body['data']).toMatchObject([{ name: 'default' }]);

    const mended = await operator.ask('PATCH', '/v1/senders/bulk', { body: { transport: 'smtps://smtp.example.com' } });
    expect(mended).toMatchObject({ status: 200, body: { transport: 'smtps://smtp.example.com', limits: { perHour: 5 } } });
    expect(await operator.ask('DELETE', '/v1/senders/news')).toMatchObject({ status: 200, body: { deleted: true } });
    const [standing] = await limits.standing([senderScope(senderId('news'))]);
    expect(standing?.allowances).toEqual([]);
  });

  it('is made all the same when the ledger does not answer after it was stored', async () => {
    let isDown = false;
    let known: Ledger | undefined;
    const failing = (clock: ManualClock): Ledger => {
      known ??= createMemoryLedger({ clock });
      const ledger = known;
      return { ...ledger, standing: (scopes) => (isDown ? Promise.reject(new Error('no answer')) : ledger.standing(scopes)) };
    };
    const bench = await openHttpBench({ ledger: failing });
    const operator = await bench.signUp();
    isDown = true;
    const made = await operator.ask('POST', '/v1/senders', { body: { name: 'bulk', transport: PUBLIC, limits: { perHour: 5 } } });
    expect(made).toMatchObject({
      status: 201,
      body: { name: 'bulk', allowances: [{ unit: 'messages', max: 5, used: 0, left: 5 }], holds: [], backlog: { ready: 0 } },
    });
    isDown = false;
    expect(await operator.ask('GET', '/v1/senders/bulk')).toMatchObject({ status: 200, body: { allowances: [{ max: 5 }] } });
  });

  it('is listed among more than one call to the ledger takes', async () => {
    let vault: Vault | undefined;
    const decorate = (deps: { readonly vault: Vault }) => {
      vault = deps.vault;
      return {};
    };
    const bench = await openHttpBench({ ledger: (clock) => createMemoryLedger({ clock }), decorate });
    const operator = await bench.signUp();
    await Promise.all(
      Array.from({ length: BATCH_MAX }, async (_, n) => {
        const id = senderId(`s${n}`);
        const transport = await vault?.seal(PUBLIC, purposeOf(id));
        if (transport === undefined) throw new Error('the bench asked for no vault');
        await bench.store.addSender({ id, transport, settings: PLAIN_SETTINGS, createdAt: 1, updatedAt: 1 });
      }),
    );
    expect(await operator.ask('POST', '/v1/senders', { body: { name: 'bulk', transport: PUBLIC } })).toMatchObject({ status: 201 });
    expect((await operator.ask('GET', '/v1/senders')).body['data']).toHaveLength(BATCH_MAX + 2);
  });
});

describe('the sender of an inbox', () => {
  it('is `default`, one that is named, or one it is given later', async () => {
    const { operator } = await openBench();
    await operator.ask('POST', '/v1/senders', { body: { name: 'bulk', transport: PUBLIC } });
    const { body } = await operator.ask('POST', '/v1/inboxes', { body: { localPart: 'ann' } });
    expect(body['sender']).toBe('default');
    const moved = await operator.ask('PATCH', `/v1/inboxes/${String(body['id'])}`, { body: { sender: 'bulk' } });
    expect(moved).toMatchObject({ status: 200, body: { sender: 'bulk' } });
    expect((await operator.ask('GET', `/v1/inboxes/${String(body['id'])}`)).body['sender']).toBe('bulk');
  });

  it('is named by an operator: an agent would step around a limit or a pause by it', async () => {
    const bench = await openBench();
    await bench.operator.ask('POST', '/v1/senders', { body: { name: 'bulk', transport: PUBLIC } });
    const token = String((await bench.ask('POST', '/v1/signup', { remoteAddress: '127.0.0.1' })).body['token']);
    const open = (sender: string) => bench.ask('POST', '/v1/inboxes', { token, body: { sender } });
    for (const sender of ['bulk', 'nobody']) {
      const { status, body } = await open(sender);
      expect([status, body['error']]).toEqual([403, 'forbidden']);
      expect(body['message']).toContain('leave `sender` out');
    }
    expect(await open('default')).toMatchObject({ status: 201, body: { sender: 'default' } });
  });

  it('has to exist', async () => {
    const { operator } = await openBench();
    const refused = { status: 422, body: { error: 'no_such_sender', details: { sender: 'is no sender of this server' } } };
    expect(await operator.ask('POST', '/v1/inboxes', { body: { localPart: 'ann', sender: 'bulk' } })).toMatchObject(refused);
    const { body } = await operator.ask('POST', '/v1/inboxes', { body: { localPart: 'ann' } });
    expect(await operator.ask('PATCH', `/v1/inboxes/${String(body['id'])}`, { body: { sender: 'Not A Name' } })).toMatchObject(refused);
  });
});
