// Checks what a user would install, not what we have: packs both packages, lints the tarballs and their types, and installs
// them into an empty folder, where nothing of this repository can help them out.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const REPO = fileURLToPath(new URL('..', import.meta.url));
/** Who may load it how: the engine by `import`, the SDK also by `require`. */
const PROFILES = { sdk: 'node16', engine: 'esm-only' };

const folder = mkdtempSync(join(tmpdir(), 'shoal-packages-'));
const failures = [];

try {
  const tarballs = await pack();
  for (const [name, tarball] of Object.entries(tarballs)) {
    await check(`${name}: publint`, () => tool('publint', ['run', '--strict', tarball]));
    await check(`${name}: types`, () => tool('attw', ['--profile', PROFILES[name], tarball]));
    await check(`${name}: no test, no build record`, () => holdsNoStrays(tarball));
  }
  const home = join(folder, 'user');
  await check('both install into an empty folder', () => install(home, Object.values(tarballs)));
  await check('sdk: has no dependency', () => hasNoDependency(home));
  await check('sdk: loads', () => imports(home, '@shoal/sdk', 'Shoal'));
  await check('sdk: loads by require', () => requires(home, '@shoal/sdk', 'Shoal'));
  await check('sdk: its examples compile as ES modules and as CommonJS', () => examplesCompile(home));
  await check('engine: runs beside an app, and lets its process end', () => runsEmbedded(home));
  await check('engine: loads', () => imports(home, 'shoal', 'openEngine'));
  await check('engine: the suites load beside their peers', () => loadsSuites(home));
  await check('engine: the program starts', () => saysItsVersion(home));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(failures.length === 0 ? 'packages: all good\n' : `packages: ${failures.length} failed\n`);
process.exitCode = failures.length === 0 ? 0 : 1;

async function check(what, act) {
  try {
    await act();
    process.stdout.write(`ok      ${what}\n`);
  } catch (error) {
    failures.push(what);
    process.stdout.write(`FAILED  ${what}\n${error.stderr || error.stdout || error.message}\n`);
  }
}

async function pack() {
  const tarballs = {};
  for (const name of Object.keys(PROFILES)) {
    const out = join(folder, name);
    mkdirSync(out);
    await run('npm', ['pack', '--silent', '--pack-destination', out], { cwd: join(REPO, 'packages', name) });
    tarballs[name] = join(out, readdirSync(out)[0]);
  }
  return tarballs;
}

function tool(name, args) {
  return run(join(REPO, 'node_modules', '.bin', name), args, { cwd: REPO });
}

async function holdsNoStrays(tarball) {
  const { stdout } = await run('tar', ['-tzf', tarball]);
  const files = stdout.trim().split('\n');
  const strays = files.filter((path) => /\.test\.|\.tsbuildinfo$|\/src\/|\/test\//.test(path));
  if (strays.length > 0) throw new Error(`not meant to be published: ${strays.join(', ')}`);
  const missing = ['package/LICENSE', 'package/README.md', 'package/dist/index.js', 'package/dist/index.d.ts'].filter(
    (path) => !files.includes(path),
  );
  if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')}`);
}

async function install(home, tarballs) {
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--silent'];
  await run('npm', ['install', ...flags, ...tarballs], { cwd: home });
}

function hasNoDependency(home) {
  const manifest = JSON.parse(readFileSync(join(home, 'node_modules', '@shoal', 'sdk', 'package.json'), 'utf8'));
  const found = Object.keys(manifest).filter((key) => /dependencies$/i.test(key));
  if (found.length > 0) throw new Error(`package.json has ${found.join(', ')}`);
}

function imports(home, name, exported) {
  const text = `const door = await import('${name}'); if (door.${exported} === undefined) throw new Error('${name} does not export ${exported}');`;
  return run(process.execPath, ['--input-type=module', '-e', text], { cwd: home });
}

function requires(home, name, exported) {
  const text = `if (require('${name}').${exported} === undefined) throw new Error('${name} does not export ${exported}');`;
  return run(process.execPath, ['--input-type=commonjs', '-e', text], { cwd: home });
}

/** The strictest compiler a user may have, and the declarations checked too. */
async function examplesCompile(home) {
  const page = readFileSync(join(REPO, 'docs', 'reference', 'sdk.md'), 'utf8');
  const examples = [...page.matchAll(/^```ts(?: run)?\n(.*?)^```/gms)].map(([, code]) => code);
  if (examples.length < 2) throw new Error('docs/reference/sdk.md has no examples any more');
  const sources = examples.flatMap((code, index) => {
    const imports = code.match(/^import .*;$/gm)?.join('\n') ?? '';
    const rest = code.replace(/^import .*;\n/gm, '');
    return [
      { name: `example-${index}.mts`, text: `${imports}\n${rest}\nexport {};\n` },
      { name: `example-${index}.cts`, text: `${imports}\nexport async function main(): Promise<void> {\n${rest}}\n` }, // no await at its top
    ];
  });
  for (const { name, text } of sources) writeFileSync(join(home, name), text);
  const flags = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--module', 'node16', '--target', 'es2022', '--lib', 'es2023,dom'];
  await tool('tsc', [...flags, '--ignoreConfig', ...sources.map(({ name }) => join(home, name))]);
}

/** The program of docs/start/embed.md; the process ends when nothing of the engine is left open. */
async function runsEmbedded(home) {
  const page = readFileSync(join(REPO, 'docs', 'start', 'embed.md'), 'utf8');
  const [, program] = /^```ts run\n(.*?)^```/ms.exec(page) ?? [];
  if (program === undefined) throw new Error('docs/start/embed.md has no program that runs any more');
  writeFileSync(join(home, 'embed.mjs'), program);
  const { stdout } = await run(process.execPath, ['embed.mjs'], { cwd: home, timeout: 30_000 });
  if (!/^sent$/m.test(stdout)) throw new Error(`the program of docs/start/embed.md says ${JSON.stringify(stdout)}`);
}

/** Who tests an adapter has vitest and fast-check already: they are optional peers, taken from here instead of installed again. */
async function loadsSuites(home) {
  const { peerDependencies, peerDependenciesMeta } = JSON.parse(readFileSync(join(home, 'node_modules', 'shoal', 'package.json'), 'utf8'));
  for (const peer of Object.keys(peerDependencies)) {
    if (peerDependenciesMeta?.[peer]?.optional !== true) throw new Error(`${peer} is a peer that every user would have to install`);
    symlinkSync(join(REPO, 'node_modules', peer), join(home, 'node_modules', peer));
  }
  await imports(home, 'shoal/testing', 'ledgerSuite');
}

async function saysItsVersion(home) {
  const { version } = JSON.parse(readFileSync(join(REPO, 'packages', 'engine', 'package.json'), 'utf8'));
  const { stdout } = await run(join(home, 'node_modules', '.bin', 'shoal'), ['--version'], { cwd: home });
  if (!stdout.includes(version)) throw new Error(`expected ${version}, got ${JSON.stringify(stdout)}`);
}
