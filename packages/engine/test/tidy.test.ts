import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

/** The house rules that a machine can keep (ARCHITECTURE.md shows the layers). Each check first catches a planted fault. */

const REPO = new URL('../../../', import.meta.url);
const ENGINE = new URL('packages/engine/src/', REPO);
const SDK = new URL('packages/sdk/src/', REPO);

const NEVER = /(?!)/;
const ALWAYS = /^/;

/** What a layer may use, as ARCHITECTURE.md says it, and as a test of `<path> <what>`. */
interface May {
  readonly says: string;
  readonly allows: RegExp;
}
interface Layer {
  /** The other layers whose files it may import. */
  readonly sees: readonly string[];
  /** Packages and `node:` modules. */
  readonly outside: May;
  /** Clock, chance, timers and the environment, taken directly. */
  readonly ambient: May;
}

const NOTHING: May = { says: 'nothing', allows: NEVER };
const ANYTHING: May = { says: 'anything', allows: ALWAYS };
const THROUGH_PORTS: May = { says: 'through ports', allows: NEVER };

const LAYERS: Readonly<Record<string, Layer>> = {
  model: { sees: [], outside: NOTHING, ambient: NOTHING },
  ports: { sees: ['model'], outside: NOTHING, ambient: NOTHING },
  send: {
    sees: ['ports', 'model'],
    outside: { says: '`node:crypto`; nodemailer in `compose.ts`', allows: / node:crypto$|^send\/compose\.ts nodemailer\// },
    ambient: THROUGH_PORTS,
  },
  api: { sees: ['send', 'ports', 'model'], outside: NOTHING, ambient: THROUGH_PORTS },
  adapters: {
    sees: ['ports', 'model'],
    outside: ANYTHING,
    ambient: { says: "through ports; `_shared/machine-clock.ts` makes the ledger's own", allows: /^adapters\/_shared\/machine-clock\.ts / },
  },
  config: {
    sees: ['model'],
    outside: ANYTHING,
    ambient: { says: '`load.ts` reads the environment', allows: /^config\/load\.ts process\.env$/ },
  },
  http: { sees: ['api', 'ports', 'model', 'config'], outside: ANYTHING, ambient: THROUGH_PORTS },
  cli: { sees: ['root', 'api', 'ports', 'model', 'config'], outside: ANYTHING, ambient: ANYTHING },
  testing: { sees: ['send', 'ports', 'model'], outside: ANYTHING, ambient: ANYTHING },
  root: {
    sees: ['cli', 'http', 'config', 'adapters', 'api', 'send', 'ports', 'model'],
    outside: { says: '`node:` only', allows: / node:/ },
    ambient: { says: 'makes the real ones', allows: ALWAYS },
  },
};

const layerOf = (path: string): string => (path.includes('/') ? path.slice(0, path.indexOf('/')) : 'root');
/** `adapters/ledger/sqlite/lease.ts` and `adapters/ledger/memory.ts` are parts of the plugs `adapters/ledger/sqlite` and `.../memory`. */
const plugOf = (path: string): string => path.replace(/\.ts$/, '').split('/').slice(0, 3).join('/');

function layerFaults(path: string, text: string): string[] {
  const layer = LAYERS[layerOf(path)];
  if (layer === undefined) return [`${path}: a folder without a row in LAYERS`];
  const foreign = importsOf(text).filter((target) => !mayImport(path, target, layer));
  const ambient = ambientUsesOf(text).filter((use) => !layer.ambient.allows.test(`${path} ${use}`));
  return [...foreign.map((target) => `${path} imports ${target}`), ...ambient.map((use) => `${path} uses ${use}`)];
}

function mayImport(path: string, target: string, layer: Layer): boolean {
  if (!target.startsWith('.')) return layer.outside.allows.test(`${path} ${target}`);
  const seen = posix.join(posix.dirname(path), target);
  if (layerOf(seen) !== layerOf(path)) return layer.sees.includes(layerOf(seen));
  if (layerOf(path) !== 'adapters' || path === 'adapters/registry.ts') return true;
  return seen.startsWith('adapters/_shared/') || plugOf(seen) === plugOf(path); // adapters do not see each other
}

/** As the compiler reads them: static, dynamic, type-only and re-exporting imports, and none in a comment or a string. */
function importsOf(text: string): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
}

const AMBIENT_MEMBERS = new Set(['Date.now', 'Math.random', 'process.env', 'performance.now', 'process.hrtime']);
const AMBIENT_CALLS = new Set(['setTimeout', 'setInterval', 'setImmediate']);

function ambientUsesOf(text: string): string[] {
  const uses = importsOf(text).filter((target) => target.startsWith('node:timers'));
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node)) {
      const member = `${node.expression.getText()}.${node.name.text}`.replace(/^globalThis\./, '');
      if (AMBIENT_MEMBERS.has(member)) uses.push(member);
    }
    if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && (node.arguments?.length ?? 0) === 0) uses.push('new Date()');
    if (ts.isCallExpression(node)) {
      const called = node.expression.getText().replace(/^globalThis\./, '');
      if (AMBIENT_CALLS.has(called)) uses.push(called);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('x.ts', text, ts.ScriptTarget.ES2023, true));
  return uses;
}

const sourcesIn = (root: URL): string[] =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts'))
    .sort();
const isTest = (path: string): boolean => path.endsWith('.test.ts');

const engineFiles = sourcesIn(ENGINE).filter((path) => !isTest(path));
const engineText = (path: string): string => readFileSync(new URL(path, ENGINE), 'utf8');
const repoText = (path: string): string => readFileSync(new URL(path, REPO), 'utf8');

describe('layers', () => {
  it('sees the tree, and catches planted faults', () => {
    expect(engineFiles).toEqual(expect.arrayContaining(['ports/ledger.ts', 'send/pipeline.ts', 'engine.ts']));
    const faultsOf: readonly [path: string, text: string][] = [
      ['send/x.ts', "import { a } from '../adapters/registry.ts';"],
      ['send/x.ts', "import type { A } from '../http/app.ts';"],
      ['send/x.ts', "import { readFile } from 'node:fs/promises';"],
      ['api/x.ts', "export * from '../adapters/registry.ts';"],
      ['adapters/ledger/redis.ts', "await import('../store/sqlite.ts')"],
      ['adapters/ledger/sqlite/x.ts', "import { a } from '../memory.ts';"],
      ['ports/x.ts', "import { a } from '../send/x.ts';"],
      ['http/x.ts', "import { openEngine } from '../engine.ts';"],
      ['testing/x.ts', "import { openSqlite } from '../adapters/registry.ts';"],
      ['engine.ts', "import { ledgerSuite } from './testing/ledger.ts';"],
      ['model/x.ts', 'const now = Date.now();'],
      ['send/x.ts', 'setTimeout(() => {}, 5);'],
      ['send/x.ts', "import { setTimeout as sleep } from 'node:timers/promises';"],
      ['adapters/ledger/sqlite/x.ts', 'const at = new Date().getTime();'],
      ['config/check.ts', "const home = process.env['HOME'];"],
      ['helpers/x.ts', ''],
    ];
    const missed = faultsOf.filter(([path, text]) => layerFaults(path, text).length === 0);
    expect(missed).toEqual([]);
  });

  it('raises no false alarm', () => {
    const innocent = [
      "import { a } from '../ports/ledger.ts'; // from '../adapters/registry.ts'",
      "const text = `import x from '../http/app.ts'`; const when = new Date(0); socket.setTimeout(5); clock.now();",
    ];
    expect(innocent.flatMap((text) => layerFaults('send/x.ts', text))).toEqual([]);
    expect(layerFaults('adapters/ledger/sqlite/x.ts', "import a from './y.ts'; import b from '../../_shared/sqlite-file.ts';")).toEqual([]);
    expect(layerFaults('config/load.ts', "process.env['SHOAL_LEDGER']")).toEqual([]);
  });

  it('has no row for a folder that is not there', () => {
    const found = new Set(engineFiles.map(layerOf));
    expect(Object.keys(LAYERS).filter((name) => !found.has(name))).toEqual([]);
  });

  it('are the ones that ARCHITECTURE.md shows', () => {
    const rows = Object.entries(LAYERS).map(([name, { sees, outside, ambient }]) => {
      const seen = sees.length === 0 ? 'itself' : sees.map((each) => `\`${each}\``).join(', ');
      return `| \`${name}\` | ${seen} | ${outside.says} | ${ambient.says} |`;
    });
    const shown = repoText('ARCHITECTURE.md')
      .split('\n')
      .filter((line) => /^\| `[a-z]+` \|.*\|.*\|.*\|$/.test(line));
    expect(shown).toEqual(rows);
  });

  it.each(engineFiles)('%s sees only what its layer may see', (path) => {
    expect(layerFaults(path, engineText(path))).toEqual([]);
  });
});

describe('the sdk', () => {
  const files = sourcesIn(SDK).filter((path) => !isTest(path));
  const foreignImports = (text: string): string[] => importsOf(text).filter((target) => !target.startsWith('./'));

  it('imports nothing but a guarded node:fs/promises, so that it runs wherever fetch does', () => {
    expect(foreignImports("import { x } from 'zod';")).toHaveLength(1);
    const imports = files.flatMap((path) => foreignImports(readFileSync(new URL(path, SDK), 'utf8')).map((target) => `${path} ${target}`));
    const others = imports.filter((each) => !each.endsWith(' node:fs/promises'));
    expect(others).toEqual([]);
    expect(imports.length).toBeLessThanOrEqual(1);
    const statics = files.filter((path) => /^import[^(]*['"]node:/m.test(readFileSync(new URL(path, SDK), 'utf8')));
    expect(statics).toEqual([]);
  });

  it('has no dependency', () => {
    const manifest = JSON.parse(repoText('packages/sdk/package.json')) as Record<string, unknown>;
    expect(Object.keys(manifest).filter((key) => /dependencies$/i.test(key))).toEqual([]);
  });
});

describe('files', () => {
  /**
   * Closing any descriptor of a file drops every POSIX lock its process has on it, SQLite's too (sqlite.org/howtocorrupt.html
   * section 2). So files are opened only where it is plain that none of them is a live database.
   */
  const MAY_OPEN_FILES =
    /^(?:adapters\/_shared\/(?:sqlite-file|sqlite-wal|machine-clock|make-folder|sync-folder)|adapters\/(?:disk|vault\/file)|adapters\/transport\/(?:capture|smtp\/trust)|config\/(?:load|file)|cli\/[a-z-]+|testing\/[a-z-]+|engine)\.ts$/;

  it('opens files only where no live SQLite file can be meant', () => {
    const opens = (text: string): boolean => importsOf(text).some((target) => /^node:fs(?:\/promises)?$/.test(target));
    expect(opens("import { open } from 'node:fs/promises';")).toBe(true);
    expect(engineFiles.filter((path) => opens(engineText(path)) && !MAY_OPEN_FILES.test(path))).toEqual([]);
  });

  it('has no file that nobody imports', () => {
    /** Reachable from the doors; two dead files that import each other stay dead. */
    const deadIn = (files: ReadonlyMap<string, string>, doors: readonly string[]): string[] => {
      const alive = new Set<string>();
      const visit = (path: string): void => {
        const source = files.get(path);
        if (source === undefined || alive.has(path)) return;
        alive.add(path);
        for (const target of importsOf(source)) visit(posix.join(posix.dirname(path), target));
      };
      doors.forEach(visit);
      return [...files.keys()].filter((path) => !alive.has(path));
    };
    const planted = { 'a.ts': "import './b.ts';", 'b.ts': '', 'c.ts': "import './d.ts';", 'd.ts': "import './c.ts';" };
    expect(deadIn(new Map(Object.entries(planted)), ['a.ts'])).toEqual(['c.ts', 'd.ts']);

    const sources = new Map(engineFiles.map((path) => [path, engineText(path)]));
    expect(deadIn(sources, engineDoors())).toEqual([]);
    const sdk = new Map(sourcesIn(SDK).filter((path) => !isTest(path)).map((path) => [path, readFileSync(new URL(path, SDK), 'utf8')])); // biome-ignore format: one line
    expect(deadIn(sdk, ['index.ts'])).toEqual([]);
  });

  it('has no bucket for things without a place', () => {
    const isBucket = (path: string): boolean =>
      /(?:^|\/)(?:types|interfaces|utils?|helpers?|common|constants|misc|shared)(?:\.ts|\/)/.test(path);
    expect(['send/types.ts', 'utils/x.ts', 'send/helpers.ts'].filter(isBucket)).toHaveLength(3);
    expect(engineFiles.filter(isBucket)).toEqual([]);
  });

  it('reports the long ones, and fails none', () => {
    const long = engineFiles.map((path) => ({ path, lines: engineText(path).split('\n').length })).filter(({ lines }) => lines > 300);
    if (long.length > 0) console.info(`longer than 300 lines: ${long.map(({ path, lines }) => `${path} (${lines})`).join(', ')}`);
  });

  /** What package.json and the program in `bin` open, as source paths. */
  function engineDoors(): string[] {
    const opened = [repoText('packages/engine/package.json'), repoText('packages/engine/bin/shoal.js')].join('\n');
    return [...opened.matchAll(/dist\/([\w/-]+)\.js/g)].map(([, path]) => `${path}.ts`);
  }
});

describe('words', () => {
  /** One word per thing, the one in docs/glossary.md. Only names are judged: prose may tell what a thing is called elsewhere. */
  const BANNED = /claim|dlq|dedupe|(?:Manager|Handler|Helper|Utils?|Common|Stuff)$/;

  it('has one name per thing', () => {
    expect(declaredNames('export function claimJob() {} class RetryManager {} const dlqSize = 1;').filter(isBanned)).toHaveLength(3);
    expect(declaredNames("export const reply = 'claimed'; // claim").filter(isBanned)).toEqual([]);
    const banned = engineFiles.flatMap((path) => declaredNames(engineText(path)).filter(isBanned).map((name) => `${path}: ${name}`)); // biome-ignore format: one line
    expect(banned).toEqual([]);
  });

  it('has no default export and no enum', () => {
    const odd = (text: string): boolean => /^export default\b|^(?:export )?(?:const )?enum\b/m.test(text);
    expect(odd('export default function x() {}') && odd('export enum State {}')).toBe(true);
    expect(engineFiles.filter((path) => odd(engineText(path)))).toEqual([]);
  });

  function isBanned(name: string): boolean {
    return BANNED.test(name) || /^(?:claim|dlq)/i.test(name);
  }

  function declaredNames(text: string): string[] {
    const names: string[] = [];
    const visit = (node: ts.Node): void => {
      const isDeclaration =
        ts.isFunctionDeclaration(node) || ts.isVariableDeclaration(node) || ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node); // biome-ignore format: one line
      if (isDeclaration && node.name !== undefined && ts.isIdentifier(node.name)) names.push(node.name.text);
      ts.forEachChild(node, visit);
    };
    visit(ts.createSourceFile('x.ts', text, ts.ScriptTarget.ES2023, true));
    return names;
  }
});

interface LockedPackage {
  readonly resolved?: string;
  readonly link?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

describe('the repository', () => {
  /** Put together from halves, so that this file does not find itself. Ann lives in examples. */
  const MACHINE = new RegExp(
    ['/ho' + 'me/(?!ann/)[a-z]', '/Us' + 'ers/[A-Za-z]', '(?<![\\w.])/ro' + 'ot/', '(?<![\\w.])/wo' + 'rk/', 'regis' + 'try\\.npmjs'].join(
      '|',
    ),
  );

  it('names no machine and no registry host', () => {
    expect(MACHINE.test('/ho' + 'me/somebody/shoal') && MACHINE.test('https://regis' + 'try.npmjs.org/')).toBe(true);
    const files = trackedFiles();
    expect(files).toContain('package.json');
    expect(files.filter((path) => MACHINE.test(repoText(path)))).toEqual([]);
  });

  it('locks versions by their content, not by the registry they came from', () => {
    const resolved = Object.entries(lockedPackages()).filter(([, entry]) => entry.resolved !== undefined && entry.link !== true);
    expect(resolved.map(([name]) => name)).toEqual([]);
  });

  it('locks the packages of other platforms too, or npm ci refuses the lock (scripts/complete-lock.mjs adds them)', () => {
    const packages = lockedPackages();
    const optional = Object.values(packages).flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies));
    expect(optional.length).toBeGreaterThan(10);
    expect(optional.filter((name) => !Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`)))).toEqual([]);
  });

  it('gives each published package the licence of the repository', () => {
    for (const name of ['engine', 'sdk']) expect(repoText(`packages/${name}/LICENSE`)).toBe(repoText('LICENSE'));
  });

  function lockedPackages(): Readonly<Record<string, LockedPackage>> {
    const { packages } = JSON.parse(repoText('package-lock.json')) as { readonly packages: Readonly<Record<string, LockedPackage>> };
    expect(Object.keys(packages).length).toBeGreaterThan(50);
    return packages;
  }

  /** What git knows, and what it would be given; a plain walk where the sources came without git. */
  function trackedFiles(): string[] {
    try {
      const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
        cwd: fileURLToPath(REPO),
        encoding: 'utf8',
      });
      return listed.split('\0').filter((path) => path !== '' && isText(path) && exists(path));
    } catch {
      return [
        'package.json',
        'package-lock.json',
        'README.md',
        'ARCHITECTURE.md',
        ...engineFiles.map((path) => `packages/engine/src/${path}`),
      ];
    }
  }
  function isText(path: string): boolean {
    return !/\.(?:png|ico|gz|tgz|db)$/.test(path);
  }
  function exists(path: string): boolean {
    return ts.sys.fileExists(fileURLToPath(new URL(path, REPO)));
  }
});
