import { readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openCaptureTransport } from '../../src/adapters/transport/capture.ts';
import { openSmtpTransport } from '../../src/adapters/transport/smtp/index.ts';
import { type PemPair, type TransportWorld, transportSuite } from '../../src/testing/transport-suite.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));
const pair = (name: string): PemPair => ({
  key: readFileSync(fixture(`${name}.key`), 'utf8'),
  cert: readFileSync(fixture(`${name}.crt`), 'utf8'),
});

transportSuite('smtp', async (world) => openSmtpTransport({ url: urlOf(world), clock: world.clock }), {
  peer: 'smtp',
  tls: { trusted: pair('peer'), stranger: pair('stranger') },
});

transportSuite(
  'capture',
  async ({ clock }) => openCaptureTransport({ dir: join(await mkdtemp(join(tmpdir(), 'shoal-capture-')), 'captured'), clock }),
  { peer: 'none' },
);

function urlOf({ host, port, tls, credentials, connectionsMax }: TransportWorld): string {
  const url = new URL(`${tls === 'implicit' ? 'smtps' : 'smtp'}://${host}:${port}`);
  if (tls === 'off' || tls === 'required') url.searchParams.set('tls', tls);
  if (tls !== 'off') url.searchParams.set('ca', fixture('peer.crt'));
  if (connectionsMax !== undefined) url.searchParams.set('connections', String(connectionsMax));
  if (credentials !== undefined) {
    url.username = credentials.user;
    url.password = encodeURIComponent(credentials.password);
    if (credentials.mechanism !== undefined) url.searchParams.set('auth', credentials.mechanism);
  }
  return url.href;
}
