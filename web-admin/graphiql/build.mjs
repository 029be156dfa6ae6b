// Builds GraphiQL and packs it into dist, which is committed: the server embeds it, and building the server needs no
// Node. A packed file whose contents are the same keeps its bytes, because compressors differ between machines.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { build } from 'vite';

const root = import.meta.dirname;
const built = join(root, 'node_modules/.build');
const dist = join(root, 'dist');

/** Every file below a folder, sorted, but for folders that are not sources. */
function files(folder, except = [], within = '') {
  return readdirSync(join(folder, within), { withFileTypes: true })
    .filter((entry) => !except.includes(entry.name))
    .flatMap((entry) => {
      const name = within + entry.name;
      return entry.isDirectory() ? files(folder, except, `${name}/`) : [name];
    })
    .sort();
}

/** The digest of everything dist is made from; tests/contract/graphiql.rs computes the same. */
function digest() {
  const sha256 = (data) => createHash('sha256').update(data).digest('hex');
  const lines = files(root, ['dist', 'node_modules']).map((name) => `${sha256(readFileSync(join(root, name)))}  ${name}\n`);
  return `${sha256(lines.join(''))}\n`;
}

function isSame(path, contents) {
  try {
    return existsSync(path) && gunzipSync(readFileSync(path)).equals(contents);
  } catch {
    return false;
  }
}

await build({ root, logLevel: 'error' });
const names = files(built);
let size = 0;
for (const name of names) {
  const contents = readFileSync(join(built, name));
  const path = join(dist, `${name}.gz`);
  if (!isSame(path, contents)) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, gzipSync(contents, { level: 9 }));
  }
  size += readFileSync(path).length;
}
for (const old of files(dist)) {
  if (!names.includes(old.replace(/\.gz$/, ''))) rmSync(join(dist, old));
}
writeFileSync(join(dist, 'sources.sha256'), digest());
console.log(`graphiql: ${names.length} files, ${(size / 1e6).toFixed(2)} MB packed`);
