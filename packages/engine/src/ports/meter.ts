import type { LedgerStats } from './ledger.ts';

/** Counts what happens in this process. No label has an unbounded number of values: no address, no id, no tenant. */
export interface Meter {
  /** `route` is its pattern, such as `/v1/emails/:id`; `none` when no route was met. */
  request(answered: { readonly method: string; readonly route: string; readonly status: number; readonly durationMs: number }): void;
  /** Everything as Prometheus reads it, the ledger as it stands now included. */
  exposition(
    ledger: LedgerStats & { readonly workers: number; readonly sending: number },
  ): Promise<{ readonly contentType: string; readonly text: string }>;
}
