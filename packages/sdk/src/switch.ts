import type { Connection } from './connection.ts';
import { badOption, notEmpty, onlyKnown } from './option.ts';

/** How many of each in a window; a plain number means messages. */
export type Cap = number | { readonly messages?: number; readonly recipients?: number; readonly newRecipients?: number };

/** What may be handed in; `{}` is no cap at all. A window is any hour and any 24 hours, never one of the calendar. */
export interface Caps {
  readonly perHour?: Cap;
  readonly perDay?: Cap;
}

/** Whom may be written to: anybody, who is on the list, or who has written before and who is on the list. */
export type RecipientPolicy =
  | { readonly recipients: 'anybody' }
  | {
      readonly recipients: 'listed' | 'reply-only';
      /** `ann@example.com`, `example.com`, and `*.example.com` for the domains below it. */
      readonly allow?: readonly string[];
    };

export interface Bounds {
  readonly caps?: Caps;
  readonly policy?: RecipientPolicy;
}

/** What holds mail back. */
export interface HoldRecord {
  /** `stop` and `pause` are by somebody; `account`, `blocked` and `throttled` by what a mail server said. */
  readonly why: string;
  readonly note: string;
  /** ISO 8601; `until` is null when that is for somebody to say. */
  readonly since: string;
  readonly until: string | null;
}

/** What holds an account or an inbox back after a switch was thrown; empty for a token. */
export interface SwitchRecord {
  readonly id: string;
  readonly holds: readonly HoldRecord[];
}

/**
 * The bounds of agents. Whoever owns the mail may stop and pause it; all else needs the token of an operator, which may name
 * what belongs to any account.
 */
export interface Switches {
  /**
   * Refuses new mail, and holds what is queued where it is: of an inbox (id or address), an account, or, without a name, of
   * your own account. Of a token only new mail is refused.
   *
   * @throws ShoalError `not_found`, `forbidden`
   * @example
   * await mail.stop('outreach-worker@shoal.localhost', { note: 'It writes nonsense.' });
   */
  stop(what?: string, options?: { readonly note?: string }): Promise<SwitchRecord>;

  /**
   * Lets what was stopped go on. For operators.
   *
   * @throws ShoalError `not_found`, `forbidden`
   * @example
   * await mail.start('outreach-worker@shoal.localhost');
   */
  start(what?: string): Promise<SwitchRecord>;

  /**
   * Holds the mail of an inbox (id or address): new mail is accepted and waits.
   *
   * @throws ShoalError `not_found`
   * @example
   * await mail.pause(inbox.id, { note: 'Until Monday.' });
   */
  pause(inbox: string, options?: { readonly note?: string }): Promise<SwitchRecord>;

  /**
   * Lets the mail of a paused inbox go. For operators.
   *
   * @throws ShoalError `not_found`, `forbidden`
   * @example
   * await mail.resume(inbox.id);
   */
  resume(inbox: string): Promise<SwitchRecord>;

  /**
   * Sets the caps or the policy of a token, or of an inbox (id or address): each replaces the whole of what was there. For operators.
   *
   * @throws ShoalError `not_found`, `forbidden`, `refused_value`
   * @example
   * await mail.setBounds(inbox.id, { caps: { perHour: { messages: 50, newRecipients: 10 } } });
   */
  setBounds(tokenOrInbox: string, bounds: Bounds): Promise<void>;
}

export function switchesOn(connection: Connection): Switches {
  const turn = async (act: string, what: string | undefined, note?: string): Promise<SwitchRecord> => {
    const { path, account } = placeOf(notEmpty('what', what));
    // Doing it twice is doing it once.
    const call = { method: 'POST', path: `${path}/${act}`, body: { account, note }, isRepeatable: true } as const;
    const { id, holds = [] } = await connection.json<{ readonly id: string; readonly holds?: readonly HoldRecord[] }>(call);
    return { id, holds };
  };
  return {
    async stop(what, options = {}) {
      onlyKnown('stop()', options, ['note']);
      return turn('stop', what, options.note);
    },
    start: (what) => turn('start', what),
    async pause(inbox, options = {}) {
      onlyKnown('pause()', options, ['note']);
      return turn('pause', inboxOnly('pause', inbox), options.note);
    },
    resume: async (inbox) => turn('resume', inboxOnly('resume', inbox)),
    async setBounds(tokenOrInbox, bounds) {
      onlyKnown('setBounds()', bounds, ['caps', 'policy']);
      const { path, account } = placeOf(notEmpty('tokenOrInbox', tokenOrInbox));
      if (account !== undefined || path === '/v1/account')
        throw badOption('setBounds() takes a token or an inbox', 'Name it by its id, or an inbox by its address.');
      await connection.json({ method: 'PATCH', path, body: bounds });
    },
  };
}

function placeOf(what: string | undefined): { readonly path: string; readonly account?: string } {
  if (what === undefined) return { path: '/v1/account' };
  if (what.startsWith('acct_')) return { path: '/v1/account', account: what };
  return { path: `/v1/${what.startsWith('tok_') ? 'tokens' : 'inboxes'}/${encodeURIComponent(what)}` };
}

/** Only an inbox can be paused; a name that is left out would otherwise mean the whole account. */
function inboxOnly(act: string, what: string): string {
  const name = notEmpty('inbox', what);
  if (name !== undefined && !/^(?:acct|tok)_/.test(name)) return name;
  throw badOption(`${act}() takes an inbox`, 'Name it by its id or its address; accounts and tokens are stopped and started.');
}
