import type { RetryOptions } from '../model/retry.ts';
import type { SenderSettings } from '../model/sender.ts';

/**
 * What can be configured: names, units, defaults. `load.ts` alone reads flags, the environment and the file; `check.ts`
 * turns them into this type or says which option is wrong and what to do. Not here: opening anything.
 */
export interface Config {
  /** `sqlite:PATH`. */
  readonly ledger: string;
  /** `sqlite:PATH`; the ledger's own file by default. */
  readonly store: string;
  /** `smtp://`, `smtps://` or `capture:`. Its password is never printed. */
  readonly transport: string;
  /** Domain of new inboxes. */
  readonly domain: string;
  readonly dataDir: string;
  readonly http: HostPort | 'off';
  /** Sends under way at once in one process. */
  readonly concurrency: number;
  readonly log: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Multiplies every retry delay; for tests. */
  readonly retryScale: number;
  /** When a failed mail is tried again, where that was changed. */
  readonly retry: RetryOptions;
  readonly leaseMs: number;
  readonly drainMs: number;
  /** With less free on the disk of the database, nothing new is accepted or sent; MiB. */
  readonly diskFloorMb: number;
  /** Names this server is reached by, besides loopback and the host it listens on. */
  readonly publicHosts: readonly string[];
  readonly signup: 'loopback' | 'open' | 'off';
  /** By name. The transport of `default` is `transport`, wherever it was written. */
  readonly senders: Readonly<Record<string, SenderConfig>>;
  /** Internal networks that senders made over the API may connect to. */
  readonly transportAllowCidrs: readonly string[];
  /** Seals secrets in the store; absent: `secret.key` of the data folder. Never printed. */
  readonly secretKey?: string;
}

export interface SenderConfig extends SenderSettings {
  /** Absent for `default` only. */
  readonly transport?: string;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}
