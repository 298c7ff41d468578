import {
  type Compilable,
  type DeleteResult,
  DummyDriver,
  type InsertResult,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type UpdateResult,
} from 'kysely';
import type { SqliteFile } from '../../_shared/sqlite-file.ts';
import type { SqlValue, Statement } from '../../_shared/sqlite-statement.ts';
import type { Tables } from './tables.ts';

/** Runs compiled queries at once, inside `file.read` or `file.write`; kysely's own execution awaits between its steps and is not used. */
export interface Queries {
  readonly db: Kysely<Tables>;
  all<Row>(query: Compilable<Row>): Row[];
  first<Row>(query: Compilable<Row>): Row | undefined;
  /** Rows changed. */
  run(query: Compilable<InsertResult> | Compilable<UpdateResult> | Compilable<DeleteResult>): number;
}

export function queriesOn(file: Pick<SqliteFile, 'prepare'>): Queries {
  const db = new Kysely<Tables>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (database) => new SqliteIntrospector(database),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
  const prepared = (query: Compilable<unknown>): { readonly statement: Statement; readonly values: readonly SqlValue[] } => {
    const { sql, parameters } = query.compile();
    return { statement: file.prepare(sql), values: parameters as readonly SqlValue[] }; // the file refuses anything else
  };
  return {
    db,
    // What a row looks like, `tables.ts` says; the tables are STRICT, so the file holds nothing else.
    all<Row>(query: Compilable<Row>) {
      const { statement, values } = prepared(query);
      return statement.all(...values) as unknown as Row[];
    },
    first<Row>(query: Compilable<Row>) {
      const { statement, values } = prepared(query);
      return statement.get(...values) as unknown as Row | undefined;
    },
    run(query) {
      const { statement, values } = prepared(query);
      return statement.run(...values).changes;
    },
  };
}
