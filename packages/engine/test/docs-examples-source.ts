/**
 * Where examples stand: in the fences of the pages, and in the comments of what the SDK exports. A fence `ts run` is run, a
 * fence `ts` only compiled.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const REPO = fileURLToPath(new URL('../../../', import.meta.url));
const SDK = join(REPO, 'packages', 'sdk', 'src');

export interface Fence {
  /** The page and the line it begins at. */
  readonly name: string;
  readonly language: string;
  readonly isRun: boolean;
  readonly code: string;
}

export function fencesOfPages(): Fence[] {
  const pages = [
    ...readdirSync(REPO).filter((name) => name.endsWith('.md')),
    ...readdirSync(join(REPO, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join('docs', name)),
    ...['sdk', 'engine'].map((name) => `packages/${name}/README.md`),
  ];
  return pages.sort().flatMap((page) => fencesIn(page, readFileSync(join(REPO, page), 'utf8')));
}

export function fencesIn(page: string, text: string): Fence[] {
  return [...text.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)].map(({ 1: about = '', 2: code = '', index }) => {
    const [language = '', ...rest] = about.trim().split(/\s+/);
    const line = text.slice(0, index).split('\n').length;
    return { name: `${page}:${line}`, language, isRun: rest.includes('run'), code };
  });
}

export interface CommentExample {
  /** `Inbox.send` */
  readonly name: string;
  /** Undefined: there is none. */
  readonly code: string | undefined;
}

/** Everything that can be called and leaves the SDK by `index.ts`, with its example. */
export function examplesOfSdk(): CommentExample[] {
  const sources = readdirSync(SDK)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => ts.createSourceFile(name, readFileSync(join(SDK, name), 'utf8'), ts.ScriptTarget.ES2023, true));
  const exported = exportedNames(sources.find(({ fileName }) => fileName === 'index.ts'));
  return sources.flatMap((source) => source.statements.flatMap((statement) => callables(statement, exported)));
}

function exportedNames(index: ts.SourceFile | undefined): ReadonlySet<string> {
  const clauses = (index?.statements ?? []).flatMap((statement) =>
    ts.isExportDeclaration(statement) && statement.exportClause !== undefined && ts.isNamedExports(statement.exportClause)
      ? [...statement.exportClause.elements]
      : [],
  );
  return new Set(clauses.map(({ name }) => name.text));
}

function callables(statement: ts.Statement, exported: ReadonlySet<string>): CommentExample[] {
  if (ts.isInterfaceDeclaration(statement) && exported.has(statement.name.text)) {
    const methods = statement.members.filter((member) => ts.isMethodSignature(member));
    const isList = statement.heritageClauses?.some((clause) => clause.getText().includes('AsyncIterable')) === true;
    return [
      ...(isList ? [{ name: statement.name.text, code: exampleOf(statement) }] : []),
      ...methods.map((method) => ({ name: `${statement.name.text}.${method.name.getText()}`, code: exampleOf(method) })),
    ];
  }
  if ((ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) && exported.has(statement.name?.text ?? ''))
    return [{ name: statement.name?.text ?? '', code: exampleOf(statement) }];
  if (ts.isVariableStatement(statement)) {
    const name = statement.declarationList.declarations[0]?.name.getText() ?? '';
    if (exported.has(name)) return [{ name, code: exampleOf(statement) }];
  }
  return [];
}

function exampleOf(node: ts.Node): string | undefined {
  const tag = ts.getJSDocTags(node).find(({ tagName }) => tagName.text === 'example');
  return ts.getTextOfJSDocComment(tag?.comment);
}
