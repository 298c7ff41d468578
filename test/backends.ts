import type { TestModule, TestSuite } from 'vitest/node';

/** A row of the table that a run ends with: one backend of one port, or one service that a part of the tests needs. */
export interface BackendRow {
  readonly port: string;
  readonly backend: string;
  readonly verdict: { readonly kind: 'PASS' } | { readonly kind: 'FAIL' } | { readonly kind: 'NOT RUN'; readonly reason: string };
}

/**
 * The rows come from the names of the tests: an outermost suite called `ledger: sqlite` is the row of that backend, and its
 * tests decide the verdict. A backend that cannot run here skips its tests with a note that says why and what to do
 * (`context.skip('no redis-server found; apt-get install ...')`), and so stands in the table as NOT RUN.
 */
export function backendRows(modules: readonly TestModule[]): BackendRow[] {
  return modules.flatMap((module) =>
    [...module.children.suites()].flatMap((suite) => {
      const [, port, backend] = /^(ledger|store|transport|client|control storm|full disk): (.+)$/.exec(suite.name) ?? [];
      return port === undefined || backend === undefined ? [] : [{ port, backend, verdict: verdictOf(suite) }];
    }),
  );
}

function verdictOf(suite: TestSuite): BackendRow['verdict'] {
  const results = [...suite.children.allTests()].map((test) => test.result());
  const hasFailed = results.some(({ state }) => state === 'failed') || hookFailed(suite);
  if (hasFailed) return { kind: 'FAIL' };
  if (results.some(({ state }) => state === 'passed')) return { kind: 'PASS' };
  const reason = results.flatMap((result) => (result.state === 'skipped' && result.note ? [result.note] : []))[0];
  return { kind: 'NOT RUN', reason: reason ?? 'skipped without a reason' };
}

function hookFailed(suite: TestSuite): boolean {
  return [suite, ...suite.children.allSuites()].some((each) => each.errors().length > 0);
}

/** One line a port: `ledger: memory PASS, sqlite PASS`. */
export function backendTable(rows: readonly BackendRow[]): string[] {
  return [...new Set(rows.map(({ port }) => port))].map((port) => {
    const cells = rows.filter((row) => row.port === port).map(({ backend, verdict }) => `${backend} ${wordsOf(verdict)}`);
    return `${port}: ${cells.join(', ')}`;
  });
}

function wordsOf(verdict: BackendRow['verdict']): string {
  return verdict.kind === 'NOT RUN' ? `NOT RUN (${verdict.reason})` : verdict.kind;
}
