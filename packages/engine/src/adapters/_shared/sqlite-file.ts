/** One SQLite file and the one connection this process has to it; shared by the ledger and the store on that file. */
export type SqlValue = null | number | bigint | string | Uint8Array;
export type Row = Readonly<Record<string, SqlValue>>;

export interface Statement {
  all(...values: readonly SqlValue[]): Row[];
  get(...values: readonly SqlValue[]): Row | undefined;
  run(...values: readonly SqlValue[]): { readonly changes: number };
}

export interface SqliteFile {
  readonly path: string;
  /** `SQLite 3.53.0, WAL, synchronous=FULL`. */
  readonly description: string;
  /** Prepared once and kept by its text. */
  prepare(sql: string): Statement;
  /**
   * Runs `act` inside the next write transaction; all acts asked for in one tick of the event loop share one. Resolves
   * once it is on disk. `act` is synchronous and may run again when another act of its group threw, so it changes
   * nothing but the database.
   */
  write<T>(act: () => T): Promise<T>;
  /** The ledger's clock: machine-wide, never going back, the same for every process on the file; epoch ms. */
  now(): number;
  /** Resolves when another process or this one wrote to the file, after `maxMs`, or when `signal` fires. */
  changed(maxMs: number, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
