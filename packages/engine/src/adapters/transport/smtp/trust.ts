import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { ShoalError } from '../../../model/errors.ts';
import type { SmtpSettings } from './url.ts';

/** Whom a connection trusts, for `tls.connect`. The certificate must name the host, whatever the TLS was begun for. */
export type Trust = Pick<ConnectionOptions, 'host' | 'servername' | 'ca' | 'rejectUnauthorized' | 'minVersion'>;

/** @throws ShoalError `bad_config` when the CA file can't be read */
export function trustOf(settings: SmtpSettings): Trust {
  const ca = settings.caPath === undefined ? undefined : pemAt(settings.caPath);
  // SNI carries no addresses (RFC 6066 section 3); an address is checked against the certificate all the same, by `host`.
  const servername = settings.servername ?? (isIP(settings.host) === 0 ? settings.host : undefined);
  return {
    host: settings.host,
    rejectUnauthorized: settings.verifiesCertificate,
    minVersion: 'TLSv1.2',
    ...(servername === undefined ? {} : { servername }),
    ...(ca === undefined ? {} : { ca }),
  };
}

function pemAt(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ShoalError('bad_config', `the SMTP transport's CA file ${path} can't be read`, { cause });
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw new ShoalError('bad_config', `the SMTP transport's CA file ${path} holds no PEM certificate`);
  return text;
}
