// Run after each `npm install` that changes package-lock.json. npm leaves optional packages of other platforms out of the lock
// when the registry at hand does not have them, and `npm ci` then refuses the lock everywhere. What can be known of them
// without the registry (exact version, platform) is enough for `npm ci`: it skips them here and fetches them there.
import { readFileSync, writeFileSync } from 'node:fs';

const LOCK = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(LOCK, 'utf8'));
const added = [];

for (const entry of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const place = `node_modules/${name}`;
    if (Object.keys(lock.packages).some((path) => path === place || path.endsWith(`/${place}`))) continue;
    lock.packages[place] = { version, ...platformOf(name), ...(entry.dev ? { dev: true } : {}), optional: true };
    added.push(name);
  }
}

const inOrder = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1));
if (added.length > 0) writeFileSync(LOCK, `${JSON.stringify({ ...lock, packages: Object.fromEntries(inOrder) }, null, 2)}\n`);
process.stdout.write(added.length === 0 ? 'package-lock.json is complete\n' : `added to package-lock.json: ${added.join(', ')}\n`);

/** Such packages are named after their platform: `cli-linux-arm64-musl`, `binding-win32-x64-msvc`. */
function platformOf(name) {
  const [, os, cpu, libc] =
    /-(android|darwin|freebsd|linux|openharmony|win32)-(arm64|arm|x64|ia32|ppc64|riscv64|s390x)(?:-(musl|gnu))?/.exec(name) ?? [];
  if (os === undefined) throw new Error(`${name} is missing in the lock, and its name tells no platform`);
  const libraries = libc === undefined ? {} : { libc: [libc === 'gnu' ? 'glibc' : libc] };
  return { cpu: [cpu], ...libraries, os: [os] };
}
