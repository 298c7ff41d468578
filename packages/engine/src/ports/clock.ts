/**
 * The sockets of the program: one interface a file, each a page of promises. A conformance suite (`testing/`) asserts
 * exactly these promises of every plug. Not here: a product's name, a raw client, a key or a query.
 */
export interface Clock {
  /** Milliseconds that never go back. Only differences mean something; never compared with a ledger's clock. */
  now(): number;
  /** Epoch milliseconds of this machine's calendar, for headers and people; may jump. */
  wallNow(): number;
  /** Resolves after `ms`, or at once when `signal` fires; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `act` once after `ms`, unless the returned function was called before. */
  after(ms: number, act: () => void): () => void;
}
