import { Resolver } from 'node:dns/promises';
import { type Finding, note, ok, warning } from './finding.ts';

const LIMIT_MS = 3_000;

/** What receivers look up about the domain of the inboxes: MX (RFC 5321), SPF (RFC 7208), DMARC (RFC 9989). */
export async function domainFindings(domain: string): Promise<readonly Finding[]> {
  if (/(?:^|\.)(?:localhost|test|example|invalid)$/.test(domain))
    return [note('domain', `${domain} is for trying things out: no server outside takes mail from it`, 'set SHOAL_DOMAIN to one of yours')];
  const resolver = new Resolver({ timeout: LIMIT_MS, tries: 1 });
  const giveUp = setTimeout(() => resolver.cancel(), LIMIT_MS);
  try {
    const texts = async (name: string): Promise<readonly string[]> => (await resolver.resolveTxt(name)).map((parts) => parts.join(''));
    const [mx, spf, dmarc] = await Promise.all([
      asked(async () => (await resolver.resolveMx(domain)).map(({ exchange }) => exchange)),
      asked(async () => (await texts(domain)).filter((text) => /^v=spf1(?: |$)/i.test(text))),
      asked(async () => (await texts(`_dmarc.${domain}`)).filter((text) => /^v=DMARC1/i.test(text))),
    ]);
    if (mx === 'no answer' || spf === 'no answer' || dmarc === 'no answer')
      return [note('domain', `the DNS of ${domain} gave no answer`, 'check the network; sending through a relay may still work')];
    return [mxFinding(domain, mx), spfFinding(domain, spf), dmarcFinding(domain, dmarc)];
  } finally {
    clearTimeout(giveUp);
  }
}

/** No such record is an answer; no answer is none. */
async function asked(look: () => Promise<readonly string[]>): Promise<readonly string[] | 'no answer'> {
  try {
    return await look();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOTFOUND' || code === 'ENODATA' ? [] : 'no answer';
  }
}

function mxFinding(domain: string, found: readonly string[]): Finding {
  return found.length > 0
    ? ok('domain', `mail for ${domain} goes to ${found.join(', ')}`)
    : warning('domain', `${domain} has no MX: answers and bounces cannot come back`, 'add an MX record');
}

function spfFinding(domain: string, found: readonly string[]): Finding {
  if (found.length === 1) return ok('domain', `SPF: ${found[0] ?? ''}`);
  return found.length === 0
    ? warning(
        'domain',
        `${domain} has no SPF record: large providers put its mail into spam`,
        'add a TXT record "v=spf1 include:YOUR-RELAY -all"',
      )
    : warning('domain', `${domain} has ${found.length} SPF records, which counts as a broken one`, 'keep one of them');
}

function dmarcFinding(domain: string, found: readonly string[]): Finding {
  return found.length === 1
    ? ok('domain', `DMARC: ${found[0] ?? ''}`)
    : warning(
        'domain',
        `${domain} has ${found.length === 0 ? 'no' : 'more than one'} DMARC record`,
        `keep one TXT record at _dmarc.${domain}, such as "v=DMARC1; p=none"`,
      );
}
