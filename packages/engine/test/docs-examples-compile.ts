import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const REPO = fileURLToPath(new URL('../../../', import.meta.url));

/** Type-checks sources that exist only in memory, as if they stood in the root of the repository. */
export function compileFaults(sources: readonly { readonly name: string; readonly code: string }[]): string[] {
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
