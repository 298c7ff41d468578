/** A name for one call, kept over all its tries. */
export function autoKey(): string {
  return `auto_${globalThis.crypto.randomUUID()}`;
}
