import type { Connection } from './connection.ts';
import { type List, listOn } from './list.ts';
import { needed, onlyKnown } from './option.ts';
import type { Bounds, Caps, RecipientPolicy } from './switch.ts';
import { isoTime } from './time.ts';

/** What a token may do: look, send, and change what is there. */
export type Scope = 'read' | 'send' | 'manage';

/** A token by its id; the token itself is shown once, when it is made. */
export interface TokenRecord {
  /** `tok_...` */
  readonly id: string;
  /** `acct_...`: whose mail it sees. */
  readonly account: string;
  readonly role: 'operator' | 'agent';
  readonly scopes: readonly Scope[];
  /** Ids of the only inboxes it may use; null: all of its account. */
  readonly inboxes: readonly string[] | null;
  readonly isStopped: boolean;
  readonly caps: Caps | null;
  readonly policy: RecipientPolicy | null;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly expiresAt: string | null;
  /** To about a minute. */
  readonly lastUsedAt: string | null;
}

export interface NewToken extends Bounds {
  /** An account of its own, instead of yours. */
  readonly ownAccount?: boolean;
  /** Default: all three. */
  readonly scopes?: readonly Scope[];
  /** The only inboxes it may use, by id. */
  readonly inboxes?: readonly string[];
  /** A number is epoch ms. */
  readonly expiresAt?: Date | number;
}

const FIELDS = ['ownAccount', 'scopes', 'inboxes', 'expiresAt', 'caps', 'policy'];

/** Who may use an account. */
export interface Tokens {
  /**
   * Makes a token for an agent, bound from its first use on. For operators.
   *
   * @throws ShoalError `forbidden`, `refused_value`
   * @example
   * const { token } = await mail.createToken({ scopes: ['read', 'send'], caps: { perDay: 500 } });
   */
  createToken(options?: NewToken): Promise<TokenRecord & { readonly token: string }>;

  /**
   * The tokens of this account; with an operator's those of all accounts. Newest first.
   *
   * @example
   * for await (const { id, scopes } of mail.tokens()) console.log(id, scopes);
   */
  tokens(): List<TokenRecord>;

  /**
   * Ends a token, within a second in every process. A token may end itself.
   *
   * @throws ShoalError `not_found`, `forbidden`
   * @example
   * await mail.revokeToken(id);
   */
  revokeToken(id: string): Promise<void>;
}

export function tokensOn(connection: Connection): Tokens {
  return {
    async createToken(options = {}) {
      onlyKnown('createToken()', options, FIELDS);
      const body = { ...options, expiresAt: isoTime('expiresAt', options.expiresAt) };
      return connection.json<TokenRecord & { readonly token: string }>({ method: 'POST', path: '/v1/tokens', body });
    },
    tokens: () => listOn(connection, '/v1/tokens'),
    async revokeToken(id) {
      await connection.json({ method: 'DELETE', path: `/v1/tokens/${encodeURIComponent(needed('id', id))}` });
    },
  };
}
