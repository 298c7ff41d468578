import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openSqliteFile, type SqliteFile } from '../../src/adapters/_shared/sqlite-file.ts';
import { openSqliteLedger } from '../../src/adapters/ledger/sqlite/index.ts';
import { openSqliteStore, type SqliteStore } from '../../src/adapters/store/sqlite/index.ts';
import { inboxId, messageId, senderId, tenantId } from '../../src/model/ids.ts';
import type { Ledger } from '../../src/ports/ledger.ts';

const TENANT = tenantId(`acct_${'a'.repeat(26)}`);
const INBOX = inboxId(`ibx_${'1'.repeat(26)}`);
const OTHER = inboxId(`ibx_${'2'.repeat(26)}`);
const MESSAGE = messageId(`eml_${'1'.repeat(26)}`);

interface List {
  readonly list: string;
  readonly ask: (on: { readonly store: SqliteStore; readonly ledger: Ledger }) => Promise<unknown>;
  /** Every way that SQLite takes into a table of the file, statement by statement; `SCAN` and `SORT` stand here only with their reason. */
  readonly by: readonly string[];
}

const BESIDE_JOB = ['m by rowid', 'l by rowid'];
const OF_TENANT = [
  'job_facts by job_facts_by_tenant (tenant=? AND rowid<?)',
  'job_facts by job_facts_by_tenant (tenant=? AND rowid>? AND rowid<?)',
];
const FILTER = {
  senders: [senderId('x')],
  reasons: ['permanent'],
  failures: ['network'],
  recipientDomain: 'a.example',
  endedSince: 1,
  endedBefore: 2,
} as const;

const LISTS: readonly List[] = [
  {
    list: 'the emails of an account',
    ask: ({ store }) => store.listMessages({ tenant: TENANT, max: 20 }),
    by: ['messages by messages_of_tenant (tenant=? AND seq<?)', 'm by messages_of_tenant (tenant=? AND seq>? AND seq<?)'],
  },
  {
    list: 'the emails of one inbox',
    ask: ({ store }) => store.listMessages({ tenant: TENANT, inboxes: [INBOX], max: 20, cursor: 's9' }),
    by: ['messages by messages_of_inbox (inbox=? AND seq<?)', 'm by messages_of_inbox (inbox=? AND seq>? AND seq<?)'],
  },
  {
    list: 'the emails of several inboxes, looked for by everything',
    ask: ({ store }) =>
      store.listMessages({
        tenant: TENANT,
        inboxes: [INBOX, OTHER],
        max: 20,
        to: 'a@b.example',
        from: 'a@b.example',
        subject: 's',
        since: 1,
        until: 2,
      }),
    by: ['messages by messages_of_tenant (tenant=? AND seq<?)', 'm by messages_of_tenant (tenant=? AND seq>? AND seq<?)'],
  },
  { list: 'emails by their ids', ask: ({ store }) => store.getMessages(TENANT, [MESSAGE]), by: ['messages by id (id=?)'] },
  {
    list: 'the active inboxes of an account',
    ask: ({ store }) => store.listInboxes({ tenant: TENANT, onlyActive: true }),
    by: ['inboxes by inboxes_of_tenant (tenant=?)'],
  },
  {
    list: 'a page of some inboxes of an account',
    ask: ({ store }) => store.listInboxes({ tenant: TENANT, onlyActive: false, inboxes: [INBOX], max: 20, cursor: 's9' }),
    by: ['inboxes by inboxes_of_tenant (tenant=? AND seq>?)'],
  },
  {
    list: 'the tokens of an account; those made in one millisecond are sorted by id',
    ask: ({ store }) => store.listTokens({ tenant: TENANT, max: 20, cursor: '9-tok_0000000000000000' }),
    by: ['tokens by tokens_of_tenant (tenant=? AND created_at<?)', 'SORT LAST TERM OF ORDER BY'],
  },
  {
    list: 'all tokens',
    ask: ({ store }) => store.listTokens({ max: 20, cursor: '9-tok_0000000000000000' }),
    by: ['tokens by tokens_by_time ((created_at,id)<(?,?))'],
  },
  {
    list: 'what an account used; both ends of the table are one look each',
    ask: ({ store }) => store.usage(TENANT, { day: 1, month: 0 }),
    by: [
      'inboxes by inboxes_of_tenant (tenant=?)',
      'messages at an end',
      'messages at an end',
      'messages by rowid',
      'messages by messages_of_tenant (tenant=? AND seq>?)',
    ],
  },
  { list: 'all senders, which are few', ask: ({ store }) => store.listSenders(), by: ['SCAN sender_settings'] },
  {
    list: 'the operations that run, which are few',
    ask: ({ store }) => store.takeOperation('x', 1),
    by: ['SCAN operations by operations_running'],
  },
  {
    list: 'the jobs of an account',
    ask: ({ ledger }) => ledger.list({ tenant: TENANT, max: 20 }),
    by: [...OF_TENANT, 'j by rowid', ...BESIDE_JOB],
  },
  {
    list: 'the jobs of an account that are not sent yet',
    ask: ({ ledger }) => ledger.list({ tenant: TENANT, max: 20, states: ['scheduled', 'ready', 'leased'] }),
    by: [...OF_TENANT, 'j by rowid', ...BESIDE_JOB],
  },
  {
    list: 'the jobs of everybody',
    ask: ({ ledger }) => ledger.list({ max: 20 }),
    by: ['jobs by rowid', 'j by rowid', 'f by rowid', ...BESIDE_JOB],
  },
  {
    list: 'the jobs of some emails, which are few, and so may be sorted',
    ask: ({ ledger }) => ledger.list({ tenant: TENANT, max: 20, messageIds: [MESSAGE] }),
    by: [
      'SORT DISTINCT',
      'm by id (id=?)',
      'f by job_facts_by_mail (mail=? AND rowid>? AND rowid<?)',
      'j by rowid',
      'l by rowid',
      'SORT ORDER BY',
    ],
  },
  {
    list: 'dead letters, looked for by everything',
    ask: ({ ledger }) => ledger.list({ tenant: TENANT, max: 20, states: ['dead'], ...FILTER }),
    by: ['jobs by jobs_dead (seq<?)', 'jobs by jobs_dead (seq>? AND seq<?)', 'f by rowid', ...BESIDE_JOB],
  },
  {
    list: 'mail in doubt',
    ask: ({ ledger }) => ledger.list({ tenant: TENANT, max: 20, states: ['in_doubt'] }),
    by: ['jobs by jobs_in_doubt (seq<?)', 'jobs by jobs_in_doubt (seq>? AND seq<?)', 'f by rowid', ...BESIDE_JOB],
  },
];

it.each(LISTS)('finds $list', async ({ ask, by }) => {
  const { file, texts } = watched(await openFile());
  const on = { store: await openSqliteStore(file), ledger: await openSqliteLedger(file, { keepsPayloads: true, onDropped: () => {} }) };
  texts.clear();
  await ask(on);
  expect([...texts].flatMap((text) => waysInto(file, text))).toEqual(by);
});

/** As SQLite plans it, without what walks a list that came along or rows that were found before. */
function waysInto(file: SqliteFile, text: string): readonly string[] {
  const plan = file.prepare<{ readonly detail: string }>(`EXPLAIN QUERY PLAN ${text}`).all();
  return plan.flatMap(({ detail }) => {
    const [, kind = '', table = '', index = '', key = ''] =
      /^(SEARCH|SCAN) (\w+)(?: USING (?:COVERING )?(INDEX \w+|INTEGER PRIMARY KEY|PRIMARY KEY))?(?: (\(.*\)))?$/.exec(detail) ?? [];
    const sorted = /^USE TEMP B-TREE FOR (.+)$/.exec(detail)?.[1];
    if (sorted !== undefined) return [`SORT ${sorted}`];
    if (kind === '' || FOUND_BEFORE.has(table)) return [];
    const scan = kind === 'SCAN' ? 'SCAN ' : '';
    if (index === '') return [kind === 'SCAN' ? `SCAN ${table}` : `${table} at an end`];
    if (index.endsWith('PRIMARY KEY')) return [`${scan}${table} by rowid`];
    return [`${scan}${table} by ${index.replace('INDEX ', '').replace(/sqlite_autoindex_\w+/, 'id')}${key && ` ${key}`}`];
  });
}
const FOUND_BEFORE: ReadonlySet<string> = new Set(['wanted', 'CONSTANT']);

/** The same file, with the text of every statement that is asked for. */
function watched(plain: SqliteFile): { readonly file: SqliteFile; readonly texts: Set<string> } {
  const texts = new Set<string>();
  return {
    texts,
    file: {
      ...plain,
      prepare(sql) {
        texts.add(sql);
        return plain.prepare(sql);
      },
    },
  };
}

async function openFile(): Promise<SqliteFile> {
  const dir = mkdtempSync(join(tmpdir(), 'shoal-lists-'));
  const file = await openSqliteFile(join(dir, 'shoal.db'));
  onTestFinished(async () => {
    await file.close();
    rmSync(dir, { recursive: true });
  });
  return file;
}
