import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { inboxId, messageId, senderId, tenantId, tokenId } from '../../../model/ids.ts';
import type { Inbox } from '../../../model/inbox.ts';
import type { Message } from '../../../model/message.ts';
import type { TokenRecord } from '../../../model/tenant.ts';
import { openSqliteFile, type SqliteFile } from '../../_shared/sqlite-file.ts';
import { migrate } from '../../_shared/sqlite-migrations.ts';
import { openSqliteStore, type SqliteStore } from './index.ts';
import { MIGRATIONS } from './migrations.ts';

const ours = tenantId(`acct_${'a'.repeat(26)}`);
const theirs = tenantId(`acct_${'b'.repeat(26)}`);
const CREATED_AT = 1_767_225_600_000;
const TOKEN: TokenRecord = {
  id: tokenId(`tok_${'0'.repeat(16)}`),
  hash: 'aa',
  tenant: ours,
  role: 'operator',
  scopes: ['read', 'send', 'manage'],
  createdAt: CREATED_AT,
  isStopped: false,
};
const ending = (text: string): string => text.padStart(26, '0');

const anInbox = (name: string, more: Partial<Inbox> = {}): Inbox => ({
  id: inboxId(`ibx_${ending(name.replace(/[^a-z0-9]/g, '').replace(/[iloju]/g, 'x'))}`),
  tenant: ours,
  localPart: name,
  domain: 'shoal.localhost',
  sender: senderId('default'),
  isActive: true,
  createdAt: CREATED_AT,
  ...more,
});

const aMessage = (name: string, more: Partial<Message> = {}): Message => ({
  id: messageId(`eml_${ending(name)}`),
  tenant: ours,
  inbox: anInbox('ann').id,
  messageIdHeader: `<${name}@shoal.localhost>`,
  from: 'ann@shoal.localhost',
  to: ['bob@example.net'],
  cc: [],
  bcc: [],
  subject: 'Hello',
  text: 'Hello, Bob',
  onDoubt: 'hold',
  sizeBytes: 300,
  createdAt: CREATED_AT,
  ...more,
});

const opened: { dir: string; file: SqliteFile }[] = [];
async function openStore(): Promise<{ store: SqliteStore; file: SqliteFile; add(...messages: Message[]): Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), 'shoal-store-'));
  const file = await openSqliteFile(join(dir, 'shoal.db'));
  opened.push({ dir, file });
  const store = await openSqliteStore(file);
  const add = (...messages: Message[]): Promise<void> =>
    file.write(() => {
      for (const message of messages) store.addMessageNow(message);
    });
  return { store, file, add };
}
afterEach(async () => {
  for (const { dir, file } of opened.splice(0)) {
    await file.close();
    rmSync(dir, { recursive: true });
  }
});

describe('tenants and tokens', () => {
  it('finds a token by its hash, and nothing by another', async () => {
    const { store } = await openStore();
    await store.addTenant({ id: ours, createdAt: CREATED_AT }, TOKEN);
    expect(await store.findToken('aa')).toEqual(TOKEN);
    expect(await store.findToken('ab')).toBeUndefined();
    expect(await store.hasTenant(ours)).toBe(true);
    expect(await store.hasTenant(theirs)).toBe(false);
  });

  it('T1: shows the token of another tenant only where no tenant asks', async () => {
    const { store } = await openStore();
    await store.addTenant({ id: ours, createdAt: CREATED_AT }, TOKEN);
    expect(await store.getToken(TOKEN.id, theirs)).toBeUndefined();
    expect((await store.listTokens({ max: 10, tenant: theirs })).tokens).toEqual([]);
    expect(await store.getToken(TOKEN.id)).toEqual(TOKEN);
    expect((await store.listTokens({ max: 10 })).tokens).toEqual([TOKEN]);
  });

  it('changes of a token only what is given', async () => {
    const { store } = await openStore();
    await store.addTenant({ id: ours, createdAt: CREATED_AT }, TOKEN);
    await store.changeToken(TOKEN.id, { caps: { perHour: 5 } });
    await store.changeToken(TOKEN.id, { policy: { recipients: 'listed', allow: ['example.com'] } });
    await store.changeToken(TOKEN.id, { isStopped: true });
    const changed = { ...TOKEN, caps: { perHour: 5 }, policy: { recipients: 'listed', allow: ['example.com'] }, isStopped: true };
    expect(await store.findToken('aa')).toEqual(changed);
  });

  it('takes the tokens and inboxes of version 2 over: each token gets an id of its own', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'shoal-store-'));
    const file = await openSqliteFile(join(dir, 'shoal.db'));
    opened.push({ dir, file });
    await migrate(file, 'store', MIGRATIONS.slice(0, 2));
    await file.write(() => {
      file.exec(
        `INSERT INTO tokens (hash, tenant, role, created_at) VALUES ('aa', '${ours}', 'operator', 1), ('bb', '${theirs}', 'agent', 2)`,
      );
      file.exec(`INSERT INTO inboxes (id, tenant, local_part, domain, mailbox, sender, is_active, created_at)
        VALUES ('${anInbox('ann').id}', '${ours}', 'ann', 'shoal.localhost', 'ann', 'default', 1, ${CREATED_AT})`);
    });
    const store = await openSqliteStore(file);
    const { tokens } = await store.listTokens({ max: 10 });
    expect(tokens).toMatchObject([
      { hash: 'bb', role: 'agent', tenant: theirs, isStopped: false },
      { hash: 'aa', role: 'operator', tenant: ours, isStopped: false },
    ]);
    expect(new Set(tokens.map(({ id }) => tokenId(id))).size).toBe(2);
    expect(await store.getInbox(ours, anInbox('ann').id)).toEqual(anInbox('ann'));
  });
});

describe('inboxes', () => {
  it('keeps caps and policy, finds an inbox for an operator by id and address, and says that nothing was received', async () => {
    const { store } = await openStore();
    const inbox = anInbox('ann', { tenant: theirs });
    await store.addInbox(inbox);
    await store.changeInbox(inbox.id, { caps: { perDay: { newRecipients: 3 } } });
    await store.changeInbox(inbox.id, { policy: { recipients: 'reply-only', allow: [] } });
    const changed = { ...inbox, caps: { perDay: { newRecipients: 3 } }, policy: { recipients: 'reply-only', allow: [] } };
    expect(await store.findAnyInbox(inbox.id)).toEqual(changed);
    expect(await store.findAnyInbox('a.nn@shoal.localhost')).toEqual(changed);
    expect(await store.findAnyInbox('bob@shoal.localhost')).toBeUndefined();
    expect(await store.hasReceivedFrom(inbox.id, 'bob@example.net')).toBe(false);
  });

  it('gives a mailbox to one of two who want it at the same moment', async () => {
    const { store } = await openStore();
    const wanted = [anInbox('ann'), anInbox('a.nn', { tenant: theirs }), anInbox('an.n')];
    const got = await Promise.all(wanted.map((inbox) => store.addInbox(inbox)));
    expect(got).toEqual([true, false, false]);
  });

  it('takes dots and letter case for cosmetic when it looks an address up', async () => {
    const { store } = await openStore();
    const inbox = anInbox('sarah.shield', { displayName: 'Sarah' });
    await store.addInbox(inbox);
    expect(await store.findInbox(ours, 'SarahShield@SHOAL.localhost')).toEqual(inbox);
    expect(await store.findInbox(ours, 'sarah@shield@shoal.localhost')).toBeUndefined();
    expect(await store.findInbox(ours, 'sarah')).toBeUndefined();
  });

  it('T1: shows nobody the inbox of another tenant', async () => {
    const { store } = await openStore();
    const inbox = anInbox('ann');
    await store.addInbox(inbox);
    expect(await store.getInbox(theirs, inbox.id)).toBeUndefined();
    expect(await store.findInbox(theirs, 'ann@shoal.localhost')).toBeUndefined();
    expect((await store.listInboxes({ tenant: theirs, onlyActive: false })).inboxes).toEqual([]);
    expect(await store.deactivateInbox(theirs, inbox.id)).toBe(false);
    expect((await store.getInbox(ours, inbox.id))?.isActive).toBe(true);
  });

  it('keeps a deleted inbox readable and its address taken', async () => {
    const { store } = await openStore();
    const inbox = anInbox('ann');
    await store.addInbox(inbox);
    expect(await store.deactivateInbox(ours, inbox.id)).toBe(true);
    expect(await store.deactivateInbox(ours, inbox.id)).toBe(true);
    expect(await store.getInbox(ours, inbox.id)).toEqual({ ...inbox, isActive: false });
    expect((await store.listInboxes({ tenant: ours, onlyActive: true })).inboxes).toEqual([]);
    expect(await store.addInbox(anInbox('ann', { id: anInbox('other').id }))).toBe(false);
  });

  it('lists each inbox once over pages, and all of them without a limit', async () => {
    const { store } = await openStore();
    const names = ['ann', 'ben', 'cat', 'dan', 'eve'];
    for (const name of names) await store.addInbox(anInbox(name));
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.listInboxes({ tenant: ours, onlyActive: true, max: 2, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...page.inboxes.map((inbox) => inbox.localPart));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(names);
    expect((await store.listInboxes({ tenant: ours, onlyActive: true })).inboxes).toHaveLength(5);
  });
});

describe('messages', () => {
  it('gives a message back as it was added, with and without its optional fields', async () => {
    const { store, add } = await openStore();
    const full = aMessage('m1', {
      cc: ['c@example.net'],
      bcc: ['d@example.net'],
      replyTo: 'r@example.net',
      html: '<p>Hi</p>',
      onDoubt: 'resend',
    });
    const { text: _, ...bare } = aMessage('m2');
    await add(full, bare);
    expect(await store.getMessage(ours, full.id)).toEqual(full);
    expect(await store.getMessage(ours, bare.id)).toEqual(bare);
  });

  it('leaves no row of an act that threw', async () => {
    const { store, file } = await openStore();
    const message = aMessage('m1');
    const act = file.write(() => {
      store.addMessageNow(message);
      throw new Error('the job was not accepted');
    });
    await expect(act).rejects.toThrow('not accepted');
    expect(await store.getMessage(ours, message.id)).toBeUndefined();
  });

  it('changes nothing when a message is added again', async () => {
    const { store, add } = await openStore();
    await add(aMessage('m1'));
    await add(aMessage('m1', { subject: 'Other' }));
    expect((await store.getMessage(ours, aMessage('m1').id))?.subject).toBe('Hello');
    expect((await store.listMessages({ tenant: ours, max: 10 })).messages).toHaveLength(1);
  });

  it('keeps the headers and the list of attachments of a message', async () => {
    const { store, add } = await openStore();
    const attachments = [
      { filename: 'Größe.pdf', contentType: 'application/pdf', sizeBytes: 3, encoded: { fromByte: 400, bytes: 4 } },
      { filename: 'logo.png', contentType: 'image/png', sizeBytes: 6, contentId: 'logo', encoded: { fromByte: 500, bytes: 8 } },
    ];
    const rich = aMessage('m1', { headers: { 'X-Campaign': 'spring' }, attachments });
    await add(rich, aMessage('m2'));
    expect(await store.getMessages(ours, [rich.id, aMessage('m2').id])).toEqual([rich, aMessage('m2')]);
  });

  it('answers for several ids in the order of the question, with a gap for each it does not know', async () => {
    const { store, add } = await openStore();
    const [one, two, foreign] = [aMessage('m1'), aMessage('m2'), aMessage('m3', { tenant: theirs })];
    await add(one, two, foreign);
    expect(await store.getMessages(ours, [two.id, foreign.id, one.id, aMessage('m4').id])).toEqual([two, undefined, one, undefined]);
    expect(await store.getMessages(ours, [])).toEqual([]);
  });

  it('lists newest first, each once over pages, though new ones come in between', async () => {
    const { store, add } = await openStore();
    await add(aMessage('m1'), aMessage('m2'), aMessage('m3'));
    const first = await store.listMessages({ tenant: ours, max: 2 });
    await add(aMessage('m4'));
    const second = await store.listMessages({ tenant: ours, max: 2, cursor: first.cursor ?? '' });
    expect([...first.messages, ...second.messages].map((message) => message.id)).toEqual([
      aMessage('m3').id,
      aMessage('m2').id,
      aMessage('m1').id,
    ]);
    expect(second.cursor).toBeUndefined();
  });

  it('T1: lists only the messages of the tenant, and of the inbox when one is named', async () => {
    const { store, add } = await openStore();
    const other = anInbox('ben').id;
    await add(aMessage('m1'), aMessage('m2', { inbox: other }), aMessage('m3', { tenant: theirs, inbox: other }));
    expect((await store.listMessages({ tenant: ours, max: 10 })).messages).toHaveLength(2);
    expect((await store.listMessages({ tenant: ours, inboxes: [other], max: 10 })).messages.map((message) => message.id)).toEqual([
      aMessage('m2').id,
    ]);
    expect(await store.getMessage(theirs, aMessage('m1').id)).toBeUndefined();
  });

  it('refuses a cursor that is none of its own', async () => {
    const { store } = await openStore();
    for (const cursor of ['', 'x', 's', 's1; drop table messages', 'szzzzzzzzzzzzzz'])
      await expect(store.listMessages({ tenant: ours, max: 2, cursor })).rejects.toThrow(RangeError);
  });
});

describe('secrets', () => {
  it('makes a secret once, and gives the same to everybody ever after', async () => {
    const { store } = await openStore();
    let made = 0;
    const make = (): Uint8Array => Uint8Array.of(++made, 2, 3);
    const [first, second] = await Promise.all([store.secret('ids', make), store.secret('ids', make)]);
    expect(second).toEqual(first);
    expect(await store.secret('ids', make)).toEqual(first);
    expect(await store.secret('other', make)).not.toEqual(first);
  });

  it('finds it again when the file is opened a second time', async () => {
    const { store, file } = await openStore();
    const kept = await store.secret('ids', () => Uint8Array.of(7));
    const again = await openSqliteStore(file);
    expect(await again.secret('ids', () => Uint8Array.of(8))).toEqual(kept);
  });
});
