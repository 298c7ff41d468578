import type { Migration } from '../../_shared/sqlite-migrations.ts';

/** Never changed once released: a new version is a new entry, and `tables.ts` follows it. */
export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE tenants (
        id TEXT PRIMARY KEY,
        created_at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE tokens (
        hash TEXT PRIMARY KEY,
        tenant TEXT NOT NULL,
        created_at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE inboxes (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        tenant TEXT NOT NULL,
        local_part TEXT NOT NULL,
        domain TEXT NOT NULL,
        mailbox TEXT NOT NULL,
        display_name TEXT,
        sender TEXT NOT NULL,
        is_active INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        UNIQUE (domain, mailbox)
      ) STRICT;
      CREATE INDEX inboxes_of_tenant ON inboxes (tenant, seq);

      CREATE TABLE messages (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        tenant TEXT NOT NULL,
        inbox TEXT NOT NULL,
        message_id_header TEXT NOT NULL,
        sender_address TEXT NOT NULL,
        to_addresses TEXT NOT NULL,
        cc_addresses TEXT NOT NULL,
        bcc_addresses TEXT NOT NULL,
        reply_to TEXT,
        subject TEXT NOT NULL,
        on_doubt TEXT NOT NULL,
        size_bytes INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        ended TEXT,
        text TEXT,
        html TEXT
      ) STRICT;
      CREATE INDEX messages_of_tenant ON messages (tenant, seq);
      CREATE INDEX messages_of_inbox ON messages (inbox, seq);

      CREATE TABLE secrets (
        name TEXT PRIMARY KEY,
        value BLOB NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    // The token made first is that of the first start, and so the operator's.
    version: 2,
    sql: `
      ALTER TABLE tokens ADD COLUMN role TEXT NOT NULL DEFAULT 'agent';
      UPDATE tokens SET role = 'operator' WHERE hash = (SELECT hash FROM tokens ORDER BY created_at, hash LIMIT 1);

      CREATE TABLE sender_settings (
        name TEXT PRIMARY KEY,
        transport BLOB NOT NULL,
        settings TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE sender_changes (seq INTEGER PRIMARY KEY AUTOINCREMENT) STRICT;
      CREATE INDEX inboxes_of_sender ON inboxes (sender);
    `,
  },
  {
    version: 3,
    sql: `
      CREATE TABLE tokens_3 (
        id TEXT NOT NULL UNIQUE,
        hash TEXT PRIMARY KEY,
        tenant TEXT NOT NULL,
        role TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        is_stopped INTEGER NOT NULL,
        caps TEXT,
        policy TEXT
      ) STRICT, WITHOUT ROWID;
      INSERT INTO tokens_3 (id, hash, tenant, role, created_at, is_stopped)
        SELECT 'tok_' || lower(hex(randomblob(8))), hash, tenant, role, created_at, 0 FROM tokens;
      DROP TABLE tokens;
      ALTER TABLE tokens_3 RENAME TO tokens;
      CREATE INDEX tokens_of_tenant ON tokens (tenant, created_at);

      ALTER TABLE inboxes ADD COLUMN caps TEXT;
      ALTER TABLE inboxes ADD COLUMN policy TEXT;
    `,
  },
  {
    version: 4,
    sql: `
      ALTER TABLE messages ADD COLUMN headers TEXT;
      ALTER TABLE messages ADD COLUMN attachments TEXT;
    `,
  },
  {
    version: 5,
    sql: `
      ALTER TABLE tokens ADD COLUMN scopes TEXT NOT NULL DEFAULT '["read","send","manage"]';
      ALTER TABLE tokens ADD COLUMN inboxes TEXT;
      ALTER TABLE tokens ADD COLUMN expires_at INTEGER;
      ALTER TABLE tokens ADD COLUMN last_used_at INTEGER;
      CREATE INDEX tokens_by_time ON tokens (created_at, id);
    `,
  },
  {
    version: 6,
    sql: `
      CREATE TABLE operations (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        tenant TEXT NOT NULL,
        key TEXT,
        fingerprint TEXT,
        body TEXT NOT NULL,
        is_running INTEGER NOT NULL,
        owner TEXT,
        leased_until INTEGER NOT NULL DEFAULT 0,
        UNIQUE (tenant, key)
      ) STRICT;
      CREATE INDEX operations_running ON operations (seq) WHERE is_running = 1;
    `,
  },
];
