import type { ApiPorts } from './ports.ts';

export type Readiness = { readonly kind: 'ready' } | { readonly kind: 'not_ready'; readonly problems: readonly string[] };

/** Ready means: a mail handed in now would be accepted. The ledger is asked, not assumed. */
export async function checkReady(
  ports: Pick<ApiPorts, 'ledger'>,
  process: { readonly problems: readonly string[]; readonly isStopping: boolean },
): Promise<Readiness> {
  const ledger = await ports.ledger.stats().then(
    () => [],
    () => ['the ledger does not answer'],
  );
  const problems = [...(process.isStopping ? ['the server is stopping'] : []), ...ledger, ...process.problems];
  return problems.length === 0 ? { kind: 'ready' } : { kind: 'not_ready', problems };
}
