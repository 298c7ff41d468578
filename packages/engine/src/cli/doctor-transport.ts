import type { Config } from '../config/schema.ts';
import { probeSmtp, type SmtpProbe, type SmtpStep } from '../probe-smtp.ts';
import { type Finding, fault, note, ok, warning } from './finding.ts';

const LIMIT_MS = 8_000;
const DAY_MS = 86_400_000;
const EXPIRES_SOON_DAYS = 21;
/** Below this, an ordinary mail with a file is refused. */
const SIZE_BYTES_MIN = 10 * 1_048_576;

const SENDERS_AT_ONCE = 4;
const SENDERS_MAX = 32;

/** Every sender of the configuration, a few at once; what one of them has to say names it, unless it is the only one. */
export async function senderFindings({ transport, senders }: Pick<Config, 'transport' | 'senders'>): Promise<readonly Finding[]> {
  const others = Object.entries(senders).flatMap(([name, { transport: url }]) =>
    name === 'default' || url === undefined ? [] : [{ name, url }],
  );
  const all = [{ name: 'default', url: transport }, ...others];
  const left = all.slice(0, SENDERS_MAX);
  const found = new Map<string, readonly Finding[]>();
  const examine = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const { name, url } = next;
      const findings = await transportFindings({ transport: url });
      found.set(name, others.length === 0 ? findings : findings.map((each) => ({ ...each, what: `sender ${name}: ${each.what}` })));
    }
  };
  await Promise.all(Array.from({ length: SENDERS_AT_ONCE }, examine));
  const rest = all.length - SENDERS_MAX;
  return [
    ...all.flatMap(({ name }) => found.get(name) ?? []),
    ...(rest > 0 ? [note('transport', `${rest} more senders were not looked at`)] : []),
  ];
}

/** How mail leaves: connects to the relay, up to the login, and sends nothing. */
export async function transportFindings({ transport }: Pick<Config, 'transport'>): Promise<readonly Finding[]> {
  if (transport === 'capture:')
    return [note('transport', 'capture: mail is kept here and goes nowhere', 'set SHOAL_TRANSPORT=smtp://HOST:PORT to send it')];
  return probeFindings(await probeSmtp(transport, LIMIT_MS), Date.now());
}

/** What a look at a mail server means. */
export function probeFindings(probe: SmtpProbe, now: number): readonly Finding[] {
  const { peer, addresses, banner, tls, login, failure } = probe;
  const seen: Finding[] = [];
  if (banner !== undefined) seen.push(ok('transport', `${peer} (${addresses.join(', ')}) answers: ${banner.slice(0, 100)}`));
  seen.push(...encryptionFindings(probe, now));
  if (tls !== undefined || failure === undefined) seen.push(...extensionFindings(probe));
  if (login !== undefined) seen.push(ok('login', `accepted with ${login.mechanism}`));
  if (failure !== undefined) seen.push(fault(AREAS[failure.step], failureText(probe, failure), cureOf(failure)));
  return seen;
}

const AREAS: Readonly<Record<SmtpStep, string>> = {
  resolve: 'transport',
  connect: 'transport',
  banner: 'transport',
  hello: 'transport',
  tls: 'tls',
  auth: 'login',
};

function encryptionFindings({ settings, tls, failure }: SmtpProbe, now: number): readonly Finding[] {
  if (tls === undefined) {
    if (failure !== undefined) return [];
    return [warning('tls', 'mail goes out unencrypted: the server offers no STARTTLS, or the URL says tls=off', 'fine on loopback only')];
  }
  const days = Math.floor((Date.parse(tls.validTo) - now) / DAY_MS);
  const checked = settings.verifiesCertificate
    ? ok('tls', `${tls.version}, certificate for ${tls.names.slice(0, 100)}, valid for ${days} more days`)
    : warning('tls', `${tls.version}, but the certificate is not verified (verify=off)`, 'name its CA with ca=FILE instead');
  return settings.verifiesCertificate && days < EXPIRES_SOON_DAYS
    ? [warning('tls', `the certificate ends in ${days} days`, 'from then on no mail leaves by it: renew it, or tell who runs the server')]
    : [checked];
}

function extensionFindings({ extensions }: SmtpProbe): readonly Finding[] {
  if (extensions === undefined) return [];
  const { pipelining, eightBitMime, size, sizeMax } = extensions;
  const missing = [
    ...(pipelining ? [] : [note('smtp', 'no PIPELINING: every mail costs three more round trips')]),
    ...(eightBitMime ? [] : [note('smtp', 'no 8BITMIME: text that is not ASCII is sent as quoted-printable or base64')]),
    ...(size ? [] : [note('smtp', 'no SIZE: a mail that is too big is refused only after all of it was sent')]),
    ...(sizeMax !== undefined && sizeMax < SIZE_BYTES_MIN
      ? [warning('smtp', `takes mails up to ${Math.floor(sizeMax / 1_048_576)} MiB only`, 'larger ones become dead letters: send links')]
      : []),
  ];
  return missing.length > 0 ? missing : [ok('smtp', 'PIPELINING, 8BITMIME and SIZE are there')];
}

function failureText({ peer, settings }: SmtpProbe, { step, code, said }: NonNullable<SmtpProbe['failure']>): string {
  if (step === 'resolve') return `${settings.host} does not resolve (${code})`;
  if (code === 'ECONNREFUSED') return `nothing listens at ${peer}`;
  if (step === 'auth' && /^5/.test(code)) return `${peer} refused user and password: ${said.slice(0, 200)}`;
  return `${peer}: ${said.slice(0, 200)}`;
}

function cureOf({ step, code }: NonNullable<SmtpProbe['failure']>): string {
  switch (step) {
    case 'resolve':
      return 'check the name in the transport URL, and that this machine has DNS';
    case 'connect':
      return 'check host and port (587 or 465 with a login, 25 without), and the firewall';
    case 'banner':
      return 'is that port SMTP? 465 wants smtps://, the others smtp://';
    case 'hello':
      return 'the server wants another name: give one with ?name=HOST';
    case 'tls':
      if (code === 'NO_STARTTLS') return 'a login never goes out unencrypted: use smtps:// or another port';
      return 'name the right host, or the CA of a private certificate with ?ca=FILE (servername=NAME if it is for another name)';
    case 'auth':
      return 'many providers want an app password instead of the one of the account; percent-encode / ? # @ : in it';
    default:
      return step satisfies never;
  }
}
