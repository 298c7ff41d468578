import type { Reporter, SerializedError, TestModule, TestRunEndReason } from 'vitest/node';
import { type BackendRow, backendRows, backendTable } from './backends.ts';
import { versionLine } from './versions.ts';

/**
 * Begins a run with the versions it stands on, and ends it with a table of backends and, alone on the last line and without colour, `N passed, N failed` (and
 * `, N skipped`), for people and for CI.
 */
export default class Count implements Reporter {
  private closing: readonly string[] = ['0 passed, 1 failed']; // the run died before it could report

  onInit(): void {
    process.stdout.write(`${versionLine()}\n`);
    process.once('exit', () => process.stdout.write(`\n${this.closing.join('\n')}\n`));
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[], reason: TestRunEndReason): void {
    const rows = backendRows(modules);
    const missing = process.env['REQUIRE_SERVICES'] === '1' ? rows.filter(isNotRun).length : 0;
    const { passed, failed, skipped } = tally(modules, unhandled.length + missing, reason);
    // vitest knows nothing of a service that had to be there; it exits with this code unless it has a worse one.
    if (failed > 0) process.exitCode = 1;
    const words = [`${passed} passed`, `${failed} failed`, ...(skipped > 0 ? [`${skipped} skipped`] : [])];
    this.closing = [...backendTable(rows), words.join(', ')];
  }
}

function isNotRun({ verdict }: BackendRow): boolean {
  return verdict.kind === 'NOT RUN';
}

interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** A file that did not load, a hook that failed and an unhandled error each count as a failure: they hide tests. */
function tally(modules: readonly TestModule[], otherFailures: number, reason: TestRunEndReason): Tally {
  const states = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state));
  const suites = modules.flatMap((module) => [module, ...module.children.allSuites()]);
  const suiteErrors = suites.reduce((sum, suite) => sum + suite.errors().length, 0);
  const passed = states.filter((state) => state === 'passed').length;
  const failed = states.filter((state) => state === 'failed').length + suiteErrors + otherFailures;
  const isUnexplained = failed === 0 && (reason !== 'passed' || modules.length === 0);
  return { passed, failed: isUnexplained ? 1 : failed, skipped: states.filter((state) => state !== 'passed' && state !== 'failed').length };
}
