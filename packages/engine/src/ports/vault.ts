/** Keeps secrets unreadable where they lie: sealed with a key that is kept elsewhere. */
export interface Vault {
  /** `purpose` goes into the seal: what was sealed for one cannot be put in the place of another. */
  seal(text: string, purpose: string): Promise<Uint8Array>;
  /** @throws ShoalError `bad_config` when it was sealed with another key or for another purpose, or was changed */
  open(sealed: Uint8Array, purpose: string): Promise<string>;
}
