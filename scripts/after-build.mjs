// What `tsc -b` leaves undone. It never deletes, so the output of a renamed file would stay, be imported by mistake and be
// published; and it copies nothing but its own output, so SQL that stands in files of its own would be missing.
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGES = fileURLToPath(new URL('../packages/', import.meta.url));

for (const name of ['sdk', 'engine']) {
  const source = join(PACKAGES, name, 'src');
  const output = join(PACKAGES, name, 'dist');
  copySql(source, output);
  removeOrphans(source, output);
}

const program = join(PACKAGES, 'engine', 'bin', 'shoal.js');
chmodSync(program, 0o755); // lost where the sources came as an archive

function copySql(source, output) {
  for (const path of filesIn(source).filter((file) => file.endsWith('.sql'))) {
    mkdirSync(dirname(join(output, path)), { recursive: true });
    copyFileSync(join(source, path), join(output, path));
  }
}

function removeOrphans(source, output) {
  for (const path of filesIn(output)) {
    const stem = path.replace(/\.(?:js|js\.map|d\.ts|d\.ts\.map)$/, '');
    const isOurs = stem === path ? !path.endsWith('.sql') || existsSync(join(source, path)) : existsSync(join(source, `${stem}.ts`));
    if (!isOurs) rmSync(join(output, path));
  }
}

function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}
