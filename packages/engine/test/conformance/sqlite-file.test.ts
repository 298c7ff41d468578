import { mkdtempSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chooseSqliteDriver, type SqliteDriver } from '../../src/adapters/_shared/sqlite-driver.ts';
import { openSqliteFile, type SqliteFile, type SqliteFileOptions } from '../../src/adapters/_shared/sqlite-file.ts';
import type { SqlValue } from '../../src/adapters/_shared/sqlite-statement.ts';
import { migrate } from '../../src/adapters/_shared/sqlite-migrations.ts';
import { openSqliteLedger } from '../../src/adapters/ledger/sqlite/index.ts';

describe('a SQLite file', () => {
  let folder: string;
  let path: string;
  const files: SqliteFile[] = [];
  const fixed = chooseSqliteDriver();
  /** The same library, said to be of a version with the WAL-reset bug. */
  const affected: SqliteDriver = { ...fixed, version: '3.51.2', isFixed: false, why: 'node:sqlite carries SQLite 3.51.2' };

  const open = async (options?: SqliteFileOptions): Promise<SqliteFile> => {
    const file = await openSqliteFile(path, options);
    files.push(file);
    return file;
  };
  const openWithNumbers = async (options?: SqliteFileOptions): Promise<SqliteFile> => {
    const file = await open(options);
    await file.write(() => file.exec('CREATE TABLE IF NOT EXISTS numbers (n INTEGER PRIMARY KEY) STRICT'));
    return file;
  };
  const add = (file: SqliteFile, n: number): Promise<number> =>
    file.write(() => file.prepare('INSERT INTO numbers (n) VALUES (?)').run(n).changes);
  const numbers = (file: SqliteFile): unknown[] =>
    file
      .prepare('SELECT n FROM numbers ORDER BY n')
      .all()
      .map(({ n }) => n);
  const never = new AbortController().signal;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'shoal-file-'));
    path = join(folder, 'deep', 'shoal.db');
  });
  afterEach(async () => {
    for (const file of files.splice(0)) await file.close();
    await rm(folder, { recursive: true });
  });

  it('makes its folder, and is readable by its owner alone', async () => {
    await openWithNumbers();
    for (const name of [path, `${path}-wal`, `${path}-shm`]) expect(statSync(name).mode & 0o777, name).toBe(0o600);
    expect(statSync(join(folder, 'deep')).mode & 0o777).toBe(0o700);
  });

  it('is durable at every commit: WAL, synchronous=FULL, read back', async () => {
    const file = await open();
    expect(file.prepare('PRAGMA synchronous').get()).toMatchObject({ synchronous: 2 });
    expect(file.prepare('PRAGMA journal_mode').get()).toMatchObject({ journal_mode: 'wal' });
    expect(file.description).toContain('WAL, synchronous=FULL');
  });

  it('refuses to start when the library does not take synchronous=FULL', async () => {
    const deaf: SqliteDriver = {
      ...fixed,
      open(where) {
        const connection = fixed.open(where);
        const exec = (sql: string): void => connection.exec(sql.replace('synchronous = FULL', 'synchronous = NORMAL'));
        return { exec, prepare: (sql) => connection.prepare(sql), close: () => connection.close() };
      },
    };
    await expect(open({ driver: deaf })).rejects.toMatchObject({
      code: 'sqlite_unsafe',
      message: expect.stringContaining('synchronous is 1'),
    });
  });

  // ---- The library and the WAL-reset bug

  it('is held alone with an affected SQLite, without a shared-memory file, and says so', async () => {
    const file = await openWithNumbers({ driver: affected });
    await add(file, 1);
    expect(file.isAlone).toBe(true);
    expect(file.warnings.join()).toContain('held by this process alone');
    expect(() => statSync(`${path}-shm`)).toThrow();
  });

  it('refuses a second holder of a file that an affected SQLite holds alone', async () => {
    await openWithNumbers({ driver: affected });
    await expect(open({ driver: affected })).rejects.toMatchObject({ code: 'sqlite_unsafe', message: expect.stringContaining('3.51.2') });
  });

  it('refuses to be shared with an affected SQLite, and names version, range and cures', async () => {
    const refusal = open({ driver: affected, sharing: 'required' });
    await expect(refusal).rejects.toMatchObject({
      code: 'sqlite_unsafe',
      message: expect.stringMatching(/3\.51\.2.*3\.51\.3 or newer.*newer Node/),
    });
  });

  it('remembers which SQLite wrote it, and is checked once when an affected one did while shared', async () => {
    const file = await open();
    expect(file.prepare('SELECT version, source_id FROM file_libraries').all()).toMatchObject([
      { version: fixed.version, source_id: fixed.sourceId },
    ]);
    await file.write(() =>
      file.prepare("INSERT INTO file_libraries (version, source_id, first_used_at, shared) VALUES ('3.50.4', 'old', 1, 1)").run(),
    );
    expect((await open()).warnings.join()).toContain('3.50.4');
    expect((await open()).warnings).toEqual([]);
  });

  // ---- Group commit

  it('commits all acts of one tick together', async () => {
    const file = await openWithNumbers();
    const before = file.revision();
    await Promise.all([1, 2, 3, 4, 5].map((n) => add(file, n)));
    expect(file.revision()).toBe(before + 1);
    expect(numbers(file)).toEqual([1, 2, 3, 4, 5]);
  });

  it('fails a bad act alone, not the others of its tick', async () => {
    const file = await openWithNumbers();
    const bad = file.write(() => {
      file.prepare('INSERT INTO numbers (n) VALUES (?)').run(99);
      throw new Error('changed its mind');
    });
    const ended = await Promise.allSettled([add(file, 1), bad, add(file, 1), add(file, 2)]);
    expect(ended.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(numbers(file)).toEqual([1, 2]);
    await expect(add(file, 3)).resolves.toBe(1);
  });

  it('ends the writes that were asked for before it closes, and takes none after', async () => {
    const file = await openWithNumbers();
    const last = add(file, 1);
    await file.close();
    await expect(last).resolves.toBe(1);
    await expect(add(file, 2)).rejects.toMatchObject({ code: 'shutting_down' });
  });

  it('waits for another writer without blocking, and gives up after its bound with `ledger_unreachable`', async () => {
    const file = await openWithNumbers({ busyMsMax: 300 });
    const other = fixed.open(path);
    other.exec('BEGIN IMMEDIATE');
    let ticks = 0;
    const ticking = setInterval(() => {
      ticks += 1;
    }, 5);
    await expect(add(file, 1)).rejects.toMatchObject({ code: 'ledger_unreachable' });
    clearInterval(ticking);
    expect(ticks).toBeGreaterThan(2);
    const later = add(file, 2);
    other.exec('COMMIT');
    other.close();
    await expect(later).resolves.toBe(1);
  });

  // ---- Waking

  it('wakes at once for a write of its own, and not for an act that changed nothing', async () => {
    const file = await openWithNumbers();
    let isAwake = false;
    const woken = file.changed(60_000, never).then(() => {
      isAwake = true;
    });
    await file.write(() => numbers(file));
    await Promise.resolve();
    expect(isAwake).toBe(false);
    await add(file, 1);
    await woken;
  });

  it('wakes for a write of another connection', async () => {
    const [file, other] = [await openWithNumbers(), await open()];
    const woken = file.changed(60_000, never); // longer than the test may take
    await add(other, 1);
    await woken;
    expect(numbers(file)).toEqual([1]);
  });

  it('does not miss a change between a look and the wait', async () => {
    const [file, other] = [await openWithNumbers(), await open()];
    const seen = file.revision();
    await add(file, 1);
    await file.changed(60_000, never, seen);
    const seenToo = file.revision();
    await add(other, 2);
    await file.changed(60_000, never, seenToo);
  });

  it('ends a wait at its time, at its signal, and when it closes', async () => {
    const file = await openWithNumbers();
    await file.changed(1, never);
    const given = new AbortController();
    const waits = [file.changed(60_000, given.signal), file.changed(60_000, never)];
    given.abort();
    await waits[0];
    await file.close();
    await waits[1];
  });

  // ---- Values

  it.each<[unknown, unknown]>([
    [true, 1],
    [false, 0],
    [new Date(5), 5],
    ['text', 'text'],
    [null, null],
    [2 ** 40, 2 ** 40],
    [new Uint8Array([1, 2]), new Uint8Array([1, 2])],
  ])('binds %o as %o', async (given, stored) => {
    const file = await open();
    expect(file.prepare('SELECT ? AS value').get(given as SqlValue)?.['value']).toEqual(stored);
  });

  it.each([undefined, Number.NaN, {}, [], new Date(Number.NaN)])('refuses to bind %o', async (given) => {
    const file = await open();
    expect(() => file.prepare('SELECT ? AS value').get(given as unknown as SqlValue)).toThrow(TypeError);
  });

  // ---- Schemas

  it('takes each step of a schema once, and the rest after an upgrade', async () => {
    const file = await open();
    const steps = [
      { version: 1, sql: 'CREATE TABLE one (n INTEGER)' },
      { version: 2, sql: 'CREATE TABLE two (n INTEGER)' },
    ];
    await migrate(file, 'test', steps.slice(0, 1));
    await migrate(file, 'test', steps);
    await migrate(file, 'test', steps);
    expect(file.prepare("SELECT version FROM schema_versions WHERE owner = 'test'").get()).toMatchObject({ version: 2 });
  });

  it('leaves nothing of a schema step that fails', async () => {
    const file = await open();
    const broken = [{ version: 1, sql: 'CREATE TABLE one (n INTEGER); CREATE TABLE one (n INTEGER)' }];
    await expect(migrate(file, 'test', broken)).rejects.toThrow('already exists');
    expect(file.prepare("SELECT name FROM sqlite_schema WHERE name = 'one'").all()).toEqual([]);
  });

  it('refuses a file that a newer Shoal wrote', async () => {
    const file = await open();
    await openSqliteLedger(file, { keepsPayloads: true });
    await file.write(() => file.prepare("UPDATE schema_versions SET version = 99 WHERE owner = 'ledger'").run());
    await expect(openSqliteLedger(file, { keepsPayloads: true })).rejects.toMatchObject({
      code: 'bad_config',
      message: expect.stringContaining('newer Shoal'),
    });
  });

  it('refuses a ledger that was made with another number of partitions', async () => {
    const file = await open();
    await openSqliteLedger(file, { keepsPayloads: true });
    await file.write(() => file.prepare("UPDATE ledger_facts SET value = '16' WHERE name = 'partitions'").run());
    await expect(openSqliteLedger(file, { keepsPayloads: true })).rejects.toMatchObject({
      code: 'bad_config',
      message: expect.stringContaining('16 partitions'),
    });
  });

  it('keeps no long WAL after one large write', async () => {
    const file = await openWithNumbers();
    const walBytes = (): number => statSync(`${path}-wal`).size;
    await file.write(() => file.exec('CREATE TABLE large (bytes BLOB NOT NULL) STRICT'));
    await file.write(() => file.prepare('INSERT INTO large (bytes) VALUES (?)').run(new Uint8Array(40 * 1_048_576)));
    expect(walBytes()).toBeGreaterThan(40 * 1_048_576);
    await add(file, 1);
    expect(walBytes()).toBeLessThanOrEqual(32 * 1_048_576);
  });

  it('refuses with `disk_full` what has no room, stores nothing of it, tells who listens, and goes on with room', async () => {
    const file = await openWithNumbers();
    const heard: string[] = [];
    file.onTrouble(({ kind }) => heard.push(kind));
    await file.write(() => file.exec('CREATE TABLE large (bytes BLOB NOT NULL) STRICT'));
    const pages = Number(file.prepare('PRAGMA page_count').get()?.['page_count']);
    file.prepare(`PRAGMA max_page_count = ${pages + 10}`).get(); // what SQLite then says is what it says of a full disk
    const tooMuch = file.write(() => {
      file.prepare('INSERT INTO numbers (n) VALUES (7)').run();
      file.prepare('INSERT INTO large (bytes) VALUES (?)').run(new Uint8Array(1_048_576));
    });
    await expect(tooMuch).rejects.toMatchObject({ code: 'disk_full' });
    expect(heard).toEqual(['full']);
    expect(numbers(file)).toEqual([]);
    expect(await add(file, 1)).toBe(1);
  });

  it('says what is wrong with a path that cannot be', async () => {
    await expect(openSqliteFile(join(folder))).rejects.toMatchObject({ code: 'ledger_unreachable' });
  });
});
