import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { OPTIONS } from '../src/config/options.ts';
import { ERROR_CODES, factsOf } from '../src/model/errors.ts';
import { STATES, statusOf } from '../src/model/job.ts';

/** What the docs say, compared with the code in both directions: a reader who finds one wrong row trusts none. */

const REPO = fileURLToPath(new URL('../../../', import.meta.url));
const text = (path: string): string => readFileSync(join(REPO, path), 'utf8');

const pages = [
  ...readdirSync(REPO).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(REPO, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md')).map((name) => join('docs', name)), // biome-ignore format: one line
  ...['sdk', 'engine'].map((name) => `packages/${name}/README.md`),
].sort();

/** Cells of each table row whose first cell is one name in backticks. */
function namedRows(page: string): string[][] {
  return text(page)
    .split('\n')
    .filter((line) => /^\| `[^`]+` \|/.test(line))
    .map((line) => line.slice(1, line.lastIndexOf('|')).split(/(?<!\\)\|/).map((cell) => cell.trim())); // biome-ignore format: one line
}
const nameIn = (cell: string | undefined): string => (cell ?? '').replaceAll('`', '');

describe('docs/reference', () => {
  it('lists every error code with its status and what to do, and no other', () => {
    const shown = namedRows('docs/reference/errors.md').map(([code, status, retryable, hint]) => [nameIn(code), status, retryable, hint]);
    const real = ERROR_CODES.map((code) => {
      const { status, retryable, hint } = factsOf(code);
      return [code, String(status), retryable ? 'yes' : 'no', hint];
    });
    expect(shown).toEqual(real);
  });

  it('lists every option with its variable, and no other', () => {
    const page = text('docs/reference/config.md');
    const shown = new Set([...page.matchAll(/`(SHOAL_[A-Z_]+)`/g)].map(([, name]) => name));
    const missing = OPTIONS.filter(({ env, flag, name }) => ![env, flag, name].every((each) => page.includes(`\`${each}\``)));
    expect(missing.map(({ name }) => name)).toEqual([]);
    const unknown = [...shown].filter((name) => !knownVariables().includes(name ?? ''));
    expect(unknown).toEqual([]);
  });

  /** The options, and what the configuration says about the variables of clients and of later versions. */
  function knownVariables(): string[] {
    return [...text('packages/engine/src/config/options.ts').matchAll(/SHOAL_[A-Z_]+/g)].map(([name]) => name);
  }
});

describe('docs/states.md', () => {
  it('has every state, in order, with what a caller sees', () => {
    const shown = namedRows('docs/states.md').filter((row) => row.length === 5);
    expect(shown.map(([state, , seen]) => [nameIn(state), nameIn(seen)])).toEqual(STATES.map((state) => [state, statusOf(state)]));
  });
});

describe('every page', () => {
  it('links to what is there', () => {
    expect(pages).toEqual(expect.arrayContaining(['README.md', join('docs', 'states.md')]));
    const broken = pages.flatMap((page) =>
      [...text(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
        .map(([, target = '']) => ({ target, file: join(REPO, dirname(page), target) }))
        .filter(({ file }) => !existsSync(file))
        .map(({ target }) => `${page} -> ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('never promises exactly-once', () => {
    const promising = pages.filter((page) => !page.endsWith('founding-article.md') && /exactly[- ]once/i.test(text(page)));
    expect(promising).toEqual([]);
  });

  it('has only examples that compile', () => {
    const examples = pages.flatMap((page) =>
      [...text(page).matchAll(/^```ts\n(.*?)^```/gms)].map(([, code = ''], index) => ({
        name: `${page.replaceAll('/', '-')}-${index}.ts`,
        code,
      })),
    );
    expect(examples.length).toBeGreaterThan(0);
    expect(compileFaults([{ name: 'planted.ts', code: "import { Shoal } from '@shoal/sdk'; await Shoal.creat();" }])).toHaveLength(1);
    expect(compileFaults(examples)).toEqual([]);
  });
});

/** Type-checks sources that exist only in memory, as if they stood in the root of the repository. */
function compileFaults(sources: readonly { readonly name: string; readonly code: string }[]): string[] {
  const parsed = ts.getParsedCommandLineOfConfigFile(
    join(REPO, 'tsconfig.test.json'),
    {},
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} },
  );
  // An example shows one thing; a name it declares and does not use again is no fault.
  const options = { ...parsed?.options, noUnusedLocals: false, noUnusedParameters: false };
  const host = ts.createCompilerHost(options);
  const memory = new Map(sources.map(({ name, code }) => [join(REPO, name), `export {};\n${code}`]));
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => memory.has(path) || fileExists(path);
  host.readFile = (path) => memory.get(path) ?? readFile(path);
  host.getSourceFile = (path, target) => {
    const code = memory.get(path);
    return code === undefined ? getSourceFile(path, target) : ts.createSourceFile(path, code, target);
  };
  const program = ts.createProgram([...memory.keys()], options, host);
  return [...memory.keys()].flatMap((path) => {
    const file = program.getSourceFile(path);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
      (each) => `${relative(REPO, path)}: ${ts.flattenDiagnosticMessageText(each.messageText, ' ')}`,
    );
  });
}

describe('docs/adr', () => {
  const HEADINGS = ['Context', 'Decision', 'Price', 'What would change our mind', 'Status'];
  const files = readdirSync(join(REPO, 'docs', 'adr')).sort();

  it('is numbered without gaps', () => {
    expect(files.map((name) => Number(name.slice(0, 4)))).toEqual(files.map((_, index) => index + 1));
  });

  it.each(files)('%s gives context, decision, price, what would change our mind and status, on a page', (name) => {
    const page = text(join('docs', 'adr', name));
    expect([...page.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)).toEqual(HEADINGS);
    expect(page.split('\n')[0]).toMatch(new RegExp(`^# ${Number(name.slice(0, 4))}\\. `));
    expect(page.split('\n').length).toBeLessThanOrEqual(70);
  });
});

describe('CHANGELOG.md', () => {
  const changelog = text('CHANGELOG.md');

  it('has only the headings of Keep a Changelog', () => {
    const releases = [...changelog.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading ?? '');
    const kinds = [...changelog.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading ?? '');
    expect(releases[0]).toBe('[Unreleased]');
    expect(releases.slice(1).filter((heading) => !/^\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}$/.test(heading))).toEqual([]);
    expect(kinds.filter((kind) => !['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'].includes(kind))).toEqual([]);
  });

  it('opens each release with some sentences for a person', () => {
    for (const release of changelog.split(/^## /m).slice(1)) expect(release.split('\n### ')[0]).toMatch(/\n\n[A-Z][^\n]+/);
  });
});
