/**
 * Our own SMTP client: it exists for the commit point and for the phase of a failure, which stock clients hide. From the
 * top: `pool.ts` gives each parcel a connection, `connection.ts` carries parcels one after the other, `opening.ts` brings a
 * session up to its first MAIL, `transaction.ts` is one parcel from MAIL to its report, `line.ts` is the socket beneath.
 * Not here: any judgement of a reply, and any second try; both are `send/`'s.
 */
import { isIP } from 'node:net';
import { ShoalError } from '../../../model/errors.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Transport } from '../../../ports/transport.ts';
import type { AddressFilter } from '../../_shared/address-filter.ts';
import { SmtpPool } from './pool.ts';
import { trustOf } from './trust.ts';
import { parseSmtpUrl, type SmtpSettings } from './url.ts';
import { type SmtpWaits, WAITS } from './waits.ts';

export interface SmtpTransportOptions {
  /** `smtp[s]://user:password@host:port?options`; `url.ts` tells what may stand in it. */
  readonly url: string;
  readonly clock: Clock;
  /** Asked once a connection under `auth=xoauth2`; without it the password of the URL is the token. */
  readonly accessToken?: () => Promise<string>;
  readonly waits?: Partial<SmtpWaits>;
  /** Where the URL says nothing; absent: as many as there are sends. */
  readonly connectionsMax?: number;
  /** Where it may connect to, when the URL is not the operator's own configuration (security S11). */
  readonly filter?: AddressFilter;
}

/**
 * Opens no connection yet: the first parcel does.
 *
 * @throws ShoalError `bad_config` for a URL that is wrong or a CA file that can't be read; never with the password in it.
 */
export function openSmtpTransport(options: SmtpTransportOptions): Transport {
  const written = parseSmtpUrl(options.url, { hasTokenSource: options.accessToken !== undefined });
  const connectionsMax = written.connectionsMax ?? options.connectionsMax;
  const settings: SmtpSettings = { ...written, ...(connectionsMax !== undefined && { connectionsMax }) };
  refuseInside(settings, options.filter);
  const pool = new SmtpPool({
    settings,
    trust: trustOf(settings),
    clock: options.clock,
    waits: { ...WAITS, ...options.waits },
    ...(options.filter !== undefined && { lookup: options.filter.lookupFor(settings.port) }),
    ...(options.accessToken === undefined ? {} : { accessToken: options.accessToken }),
  });
  return {
    capabilities: {
      description: `${settings.tls === 'implicit' ? 'smtps' : 'smtp'} to ${settings.peer}`,
      captures: false,
      ...(settings.connectionsMax === undefined ? {} : { connectionsMax: settings.connectionsMax }),
    },
    send: (parcel, commit, signal) => pool.send(parcel, commit, signal),
    close: () => pool.close(),
  };
}

/** A name is looked at when it is resolved; an address never is, so it is looked at here. @throws ShoalError `bad_config` */
export function refuseInside({ host, port }: Pick<SmtpSettings, 'host' | 'port'>, filter: AddressFilter | undefined): void {
  const why = isIP(host) === 0 ? undefined : filter?.fault(host, port);
  if (why !== undefined) throw new ShoalError('bad_config', `the SMTP transport may not connect there: ${why}`);
}
