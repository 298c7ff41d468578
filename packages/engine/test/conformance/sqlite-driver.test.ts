import { describe, expect, it } from 'vitest';
import { chooseSqliteDriver, isFixedSqlite, type SqliteLibrary } from '../../src/adapters/_shared/sqlite-driver.ts';

const real = chooseSqliteDriver();
const library = (name: SqliteLibrary['name'], version: string) => (): SqliteLibrary => ({ name, version, sourceId: 'x', open: real.open });
const absent = (): undefined => undefined;

describe('the choice of the SQLite library', () => {
  it.each(['3.51.3', '3.51.9', '3.53.0', '3.60.1', '3.44.6', '3.50.7', '3.52.1'])('takes %s for safe to share', (version) => {
    expect(isFixedSqlite(version)).toBe(true);
  });

  it.each(['3.51.2', '3.7.0', '3.44.5', '3.45.9', '3.49.2', '3.50.6', '3.52.0', '4.0.0', 'unknown', ''])(
    'does not take %s for safe to share',
    (version) => {
      expect(isFixedSqlite(version)).toBe(false);
    },
  );

  it('takes node:sqlite when its SQLite is fixed', () => {
    const driver = chooseSqliteDriver([library('node:sqlite', '3.51.3'), library('@photostructure/sqlite', '3.53.0')]);
    expect(driver).toMatchObject({ name: 'node:sqlite', version: '3.51.3', isFixed: true });
  });

  it('takes the fallback when node:sqlite is linked to an affected SQLite, and says so', () => {
    const driver = chooseSqliteDriver([library('node:sqlite', '3.51.2'), library('@photostructure/sqlite', '3.53.0')]);
    expect(driver).toMatchObject({ name: '@photostructure/sqlite', isFixed: true });
    expect(driver.why).toContain('node:sqlite carries SQLite 3.51.2');
  });

  it('takes the fallback when this Node has no node:sqlite', () => {
    expect(chooseSqliteDriver([absent, library('@photostructure/sqlite', '3.53.0')])).toMatchObject({ isFixed: true });
  });

  it('answers with an affected library, marked as such, when there is no other', () => {
    const driver = chooseSqliteDriver([library('node:sqlite', '3.51.2'), absent]);
    expect(driver).toMatchObject({ name: 'node:sqlite', isFixed: false });
  });

  it('refuses to start without any library, and names the cures', () => {
    expect(() => chooseSqliteDriver([absent, absent])).toThrow(
      expect.objectContaining({ code: 'sqlite_unsafe', message: expect.stringContaining('newer Node') }),
    );
  });

  it('finds a fixed library on this machine', () => {
    expect(real).toMatchObject({ isFixed: true, version: expect.stringMatching(/^3\./) });
  });
});
