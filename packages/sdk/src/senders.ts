import type { Allowance } from './allowance.ts';
import type { Connection } from './connection.ts';
import { onlyKnown } from './option.ts';

/** How many in a window; a plain number means messages. */
export type SenderWindow =
  | number
  | {
      readonly messages?: number;
      readonly recipients?: number;
      readonly externalRecipients?: number;
      readonly uniqueRecipients?: number;
      readonly uniqueExternalRecipients?: number;
      readonly newRecipients?: number;
    };

/** What a sender may do; each window is any window of that length, never a calendar day. */
export interface SenderLimits {
  readonly perSecond?: SenderWindow;
  readonly perMinute?: SenderWindow;
  readonly perHour?: SenderWindow;
  readonly perDay?: SenderWindow;
  /** Of the whole fleet, at once. */
  readonly connections?: number;
  readonly pace?: { readonly perMinute: number; readonly burst: number };
  readonly ownDomains?: readonly string[];
  readonly marginMs?: number;
}

export interface SenderSettings {
  /** `smtps://user:password@host:465`; the password is sealed by the server and never shown again. */
  readonly transport?: string;
  /** Names of presets, `auto` (by the host, the default) or `none`. */
  readonly preset?: string | readonly string[];
  readonly limits?: SenderLimits;
  /** Share of the preset's limits left to mail that the server does not see. */
  readonly headroom?: number;
}

/** A sender and how it stands. Times are ISO 8601. */
export interface SenderRecord {
  readonly name: string;
  /** `config`: changed in the configuration of the server only. */
  readonly origin: 'config' | 'api';
  /** Without its password. */
  readonly transport: string;
  readonly preset: string | readonly string[];
  readonly presets: readonly string[];
  readonly headroom: number | null;
  readonly limits: SenderLimits;
  readonly allowances: readonly Allowance[];
  readonly holds: readonly { readonly why: string; readonly note: string; readonly since: string; readonly until: string | null }[];
  /** Null while its peer is well. */
  readonly gate: {
    readonly why: string | null;
    readonly note: string | null;
    readonly closedUntil: string | null;
    readonly openMax: number | null;
    readonly perMinute: number | null;
  } | null;
  readonly backlog: { readonly ready: number; readonly scheduled: number; readonly underWay: number };
  readonly forecast: {
    /** When the next of its mail may go. */
    readonly nextAt: string | null;
    readonly waiting: { readonly kind: string; readonly because: string } | null;
    /** When the last of its mail will have gone. */
    readonly doneAt: string | null;
    /** When a limit will be used up at the rate of the last minute. */
    readonly fullAt: string | null;
  };
  readonly createdAt: string | null;
}

/** Senders of the server, for its operator: the token of the first start. Each call may throw `forbidden`. */
export interface Senders {
  /**
   * All of them, by name.
   *
   * @example
   * for (const sender of await mail.senders.list()) console.log(sender.name, sender.backlog.ready);
   */
  list(): Promise<readonly SenderRecord[]>;
  /**
   * One of them.
   *
   * @throws ShoalError `not_found`
   * @example
   * const { forecast } = await mail.senders.get('default');
   */
  get(name: string): Promise<SenderRecord>;
  /**
   * Makes one.
   *
   * @throws ShoalError `sender_exists`, `sender_in_config`, `refused_value`
   * @example
   * await mail.senders.add('bulk', { transport: 'smtps://user:password@smtp.example.com', limits: { perDay: 500 } });
   */
  add(name: string, settings: SenderSettings & { readonly transport: string }): Promise<SenderRecord>;
  /**
   * Changes what is named and leaves the rest; `limits` is replaced as a whole.
   *
   * @throws ShoalError `not_found`, `sender_in_config`, `refused_value`
   * @example
   * await mail.senders.change('bulk', { limits: { perDay: 1_000 } });
   */
  change(name: string, settings: SenderSettings): Promise<SenderRecord>;
  /**
   * Removes one that no mail waits for.
   *
   * @throws ShoalError `not_found`, `sender_in_config`, `sender_in_use`
   * @example
   * await mail.senders.remove('bulk', { moveTo: 'default' });
   */
  remove(name: string, options?: { readonly moveTo?: string }): Promise<{ readonly movedInboxes: number }>;
  /**
   * Holds its mail back; it is accepted and waits.
   *
   * @throws ShoalError `not_found`
   * @example
   * await mail.senders.pause('bulk', { note: 'until Monday' });
   */
  pause(name: string, options?: { readonly note?: string }): Promise<SenderRecord>;
  /**
   * Ends whatever holds it back.
   *
   * @throws ShoalError `not_found`
   * @example
   * await mail.senders.resume('bulk');
   */
  resume(name: string): Promise<SenderRecord>;
}

const SETTINGS = ['transport', 'preset', 'limits', 'headroom'];

export function sendersOn(call: Connection): Senders {
  const path = (name: string, verb = ''): string => `/v1/senders/${encodeURIComponent(name)}${verb}`;
  return {
    list: async () => (await call.json<{ readonly data: readonly SenderRecord[] }>({ method: 'GET', path: '/v1/senders' })).data,
    get: (name) => call.json({ method: 'GET', path: path(name) }),
    async add(name, settings) {
      onlyKnown('senders.add()', settings, SETTINGS);
      return call.json({ method: 'POST', path: '/v1/senders', body: { ...settings, name } });
    },
    async change(name, settings) {
      onlyKnown('senders.change()', settings, SETTINGS);
      return call.json({ method: 'PATCH', path: path(name), body: settings, isRepeatable: true });
    },
    async remove(name, options = {}) {
      onlyKnown('senders.remove()', options, ['moveTo']);
      const query = options.moveTo === undefined ? '' : `?moveTo=${encodeURIComponent(options.moveTo)}`;
      return call.json({ method: 'DELETE', path: `${path(name)}${query}` });
    },
    async pause(name, options = {}) {
      onlyKnown('senders.pause()', options, ['note']);
      return call.json({ method: 'POST', path: path(name, '/pause'), body: options, isRepeatable: true });
    },
    resume: (name) => call.json({ method: 'POST', path: path(name, '/resume'), body: {}, isRepeatable: true }),
  };
}
