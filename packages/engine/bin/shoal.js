#!/usr/bin/env node
// Plain JavaScript, so that a Node that is too old gets as far as being told so.
import { existsSync } from 'node:fs';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`shoal needs Node 20.19 or newer, and this is ${process.versions.node}. Get one from https://nodejs.org.`);
  process.exit(2);
}

const main = new URL('../dist/cli/main.js', import.meta.url);
if (!existsSync(main)) {
  console.error('shoal is not built here. In the repository, run: npm ci && npm run build');
  process.exit(2);
}

// Node 22 says once that its SQLite is experimental. We know (it is pinned down by the conformance suite), and a user cannot
// do anything about it; every other warning goes through.
const { emitWarning } = process;
process.emitWarning = function emitOtherWarning(warning, ...rest) {
  const type = typeof rest[0] === 'object' && rest[0] !== null ? rest[0].type : rest[0];
  if (type === 'ExperimentalWarning' && String(warning).startsWith('SQLite is an experimental feature')) return;
  emitWarning.call(process, warning, ...rest);
};

const { main: run } = await import(main.href);
await run(process.argv.slice(2));
