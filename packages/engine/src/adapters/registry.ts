/**
 * The plugs: one file or folder a backend, found by the scheme of its URL and loaded when a configuration names it. An
 * adapter sees the ports, the model and `_shared`, never another adapter. Not here: any decision about a mail.
 */
import { ShoalError } from '../model/errors.ts';
import type { Captured } from '../ports/captured.ts';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { Transport } from '../ports/transport.ts';
import type { AddressFilter } from './_shared/address-filter.ts';
import type { SqliteFile } from './_shared/sqlite-file.ts';

export interface TransportParts {
  readonly clock: Clock;
  readonly random: Random;
  /** Where the capture transport keeps its mail. */
  readonly capturedDir: string;
  /** Connections of one transport whose URL says nothing of them. */
  readonly connectionsMax: number;
  /** For URLs that are not of the operator's configuration: where they may lead. */
  readonly filter?: AddressFilter;
}

/** @throws ShoalError `bad_config` for a scheme that this version does not have, or a URL that is wrong. */
export async function openTransport(url: string, parts: TransportParts): Promise<Transport> {
  const scheme = schemeOf(url);
  switch (scheme) {
    case 'smtp':
    case 'smtps':
      return (await import('./transport/smtp/index.ts')).openSmtpTransport({
        url,
        clock: parts.clock,
        connectionsMax: parts.connectionsMax,
        ...(parts.filter !== undefined && { filter: parts.filter }),
      });
    case 'capture':
      return (await import('./transport/capture.ts')).openCaptureTransport({ dir: parts.capturedDir, clock: parts.clock });
    default:
      throw noTransport(scheme);
  }
}

/** Refuses what `openTransport` would refuse, and opens nothing. @throws ShoalError `bad_config`, never with a password in it */
export async function checkTransport(url: string, filter?: AddressFilter): Promise<void> {
  const scheme = schemeOf(url);
  if (scheme === 'capture') return;
  if (scheme !== 'smtp' && scheme !== 'smtps') throw noTransport(scheme);
  const { parseSmtpUrl } = await import('./transport/smtp/url.ts');
  (await import('./transport/smtp/index.ts')).refuseInside(parseSmtpUrl(url), filter);
}

function noTransport(scheme: string): ShoalError {
  return new ShoalError('bad_config', `no transport for \`${scheme}:\` in this version; there are smtp:, smtps: and capture:`);
}

export async function openCaptured(dir: string): Promise<Captured> {
  return (await import('./transport/capture.ts')).openCaptured(dir);
}

/** `mustShare`: other processes use the file at the same moment, so a SQLite that cannot be shared safely refuses to start. */
export async function openSqlite(url: string, { mustShare }: { readonly mustShare: boolean }): Promise<SqliteFile> {
  if (schemeOf(url) !== 'sqlite')
    throw new ShoalError('bad_config', `no ledger or store for \`${schemeOf(url)}:\` in this version; there is sqlite:PATH`);
  return (await import('./_shared/sqlite-file.ts')).openSqliteFile(url.slice('sqlite:'.length), {
    sharing: mustShare ? 'required' : 'if-safe',
  });
}

function schemeOf(url: string): string {
  return url.slice(0, Math.max(0, url.indexOf(':')));
}
