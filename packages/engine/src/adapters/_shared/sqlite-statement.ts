import type { SqliteConnection, SqliteStatement } from './sqlite-driver.ts';

export type SqlValue = null | number | bigint | string | Uint8Array;
export type Row = Readonly<Record<string, SqlValue>>;

/** `R` is what the caller knows of its own SELECT; nothing checks it. */
export interface Statement<R extends object = Row> {
  all(...values: readonly SqlValue[]): R[];
  get(...values: readonly SqlValue[]): R | undefined;
  run(...values: readonly SqlValue[]): { readonly changes: number };
}

/** Prepares each text once and keeps it. */
export function preparer(connection: SqliteConnection): <R extends object = Row>(sql: string) => Statement<R> {
  const kept = new Map<string, Statement>();
  return <R extends object>(sql: string): Statement<R> => {
    const statement = kept.get(sql) ?? bound(connection.prepare(sql));
    kept.set(sql, statement);
    return statement as unknown as Statement<R>;
  };
}

function bound(raw: SqliteStatement): Statement {
  return {
    all: (...values) => raw.all(...bindable(values)) as Row[],
    get: (...values) => raw.get(...bindable(values)) as Row | undefined,
    run: (...values) => ({ changes: Number(raw.run(...bindable(values)).changes) }),
  };
}

/**
 * The one place where values meet SQLite. The libraries differ: one takes a boolean, the other throws; and both take an
 * object in first place for named parameters, so that a Date there silently becomes NULL.
 */
function bindable(values: readonly unknown[]): readonly unknown[] {
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index];
    if (value === null || typeof value === 'string' || value instanceof Uint8Array || typeof value === 'bigint') continue;
    if (typeof value === 'number' && !Number.isNaN(value)) continue;
    return values.map(converted);
  }
  return values;
}

function converted(value: unknown, index: number): unknown {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.getTime();
  if (value === undefined || Number.isNaN(value)) throw new TypeError(`SQL parameter ${index + 1} is ${value}`);
  if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array))
    throw new TypeError(`SQL parameter ${index + 1} is an object`);
  return value;
}
