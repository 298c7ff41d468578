import type { Allowance } from './allowance.ts';

/** How a server's queue stands. Times are ISO 8601 by the server's clock; `null` where there is nothing to say. */
export interface QueueRecord {
  readonly at: string;
  /** How many mails are in each state. */
  readonly depth: Readonly<Record<'scheduled' | 'ready' | 'leased' | 'sending' | 'in_doubt' | 'sent' | 'dead' | 'canceled', number>>;
  /** Mail that could go now; what waits for a limit or a pause is not in it. */
  readonly runnable: { readonly senders: number; readonly oldestSeconds: number };
  readonly sentPerMinute: number;
  readonly senders: readonly QueuedSender[];
  readonly workers: readonly QueueWorker[];
  /** More senders follow: the name to give as `after`. */
  readonly next: string | null;
}

export interface QueuedSender {
  readonly name: string;
  readonly ready: number;
  readonly scheduled: number;
  readonly underWay: number;
  readonly sentPerMinute: number;
  /** Why its ready mail waits, and until when; `until` is null when that depends on a person or on what is under way. */
  readonly waiting: { readonly kind: string; readonly because: string; readonly until: string | null } | null;
  /** When the last of its ready mail will have gone under its limits, as things stand. */
  readonly doneAt: string | null;
  readonly limits: readonly Allowance[];
}

export interface QueueWorker {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly concurrency: number;
  readonly sending: number;
  readonly endedPerSecond: number;
  readonly startedAt: string;
  readonly seenSecondsAgo: number;
}
