/** One limit or cap, and how much of it is used now. */
export interface Allowance {
  /** Such as `messages`, `recipients` or `newRecipients`. */
  readonly unit: string;
  readonly max: number;
  readonly windowSeconds: number;
  readonly used: number;
  readonly left: number;
  /** When `left` grows next; ISO 8601. */
  readonly nextFreeAt: string | null;
}
