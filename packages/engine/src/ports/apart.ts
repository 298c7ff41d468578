/** Runs one job that crashed its workers before, alone, where a crash harms no other job. */
export interface Apart {
  /** Starts a lone worker that leases at most one job set apart; resolves when it ended, however it ended. */
  runOne(signal: AbortSignal): Promise<void>;
}
