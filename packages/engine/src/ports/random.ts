/** Chance comes in here, so that a seed can replay it. */
export interface Random {
  /** Uniform in [0, 1). For jitter; never for secrets. */
  uniform(): number;
  /** Unpredictable bytes, for ids, nonces and tokens. */
  bytes(count: number): Uint8Array;
}
