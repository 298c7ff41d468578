import type { Connection } from './connection.ts';
import type { EmailSummary, Status } from './email.ts';
import { type List, listOn, queryOf, written } from './list.ts';
import { onlyKnown } from './option.ts';

/** What is named narrows the list. */
export interface EmailFilter {
  /** Several mean any of them. */
  readonly status?: Status | readonly Status[];
  /** An inbox, by id or address. */
  readonly inbox?: string;
  /** The address it left from. */
  readonly from?: string;
  /** One of its recipients. */
  readonly to?: string;
  /** A part of its subject. */
  readonly subject?: string;
  /** Handed in at or after this time; a number is epoch ms. */
  readonly since?: Date | number;
  /** Handed in before this time; a number is epoch ms. */
  readonly until?: Date | number;
}

export function emailsOn(connection: Connection, filter: EmailFilter): List<EmailSummary> {
  return listOn(connection, '/v1/emails', () => {
    onlyKnown('emails()', filter, ['status', 'inbox', 'from', 'to', 'subject', 'since', 'until']);
    return queryOf(written(filter));
  });
}
