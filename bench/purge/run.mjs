// Measures the purge against what PostgreSQL and the ORM do by themselves, as ratios within one run on one machine.
//
//   npm run bench:purge                    everything at full size: about a quarter of an hour
//   BENCH_SCALE=0.01 npm run bench:purge   the same at a hundredth of the size
//   BENCH_ONLY=speed,waits npm run bench:purge
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MikroORM } from '@mikro-orm/postgresql';
import { compileLibrary } from '../../test/support/compiled-library.ts';
import { experiments } from './experiments.mjs';
import { load, startServer } from './server.mjs';
import { defineItems } from './tables.mjs';

const scale = Number(process.env.BENCH_SCALE ?? 1);
const only = process.env.BENCH_ONLY?.split(',');
const library = compileLibrary();
const server = await startServer();
const { createPurge, softDeletable } = await import(pathToFileURL(join(library.folder, 'lib/index.js')).href);
const { Item, Note } = defineItems(softDeletable);

/** Runs something with an ORM of its own. */
async function withOrm(database, work) {
  const orm = await MikroORM.init({ clientUrl: server.url(database), entities: [Item, Note] });
  try {
    await orm.em.getConnection().execute('select 1');
    return await work(orm);
  } finally {
    await orm.close(true);
  }
}

const context = {
  server,
  withOrm,
  createPurge,
  Item,
  scale,
  rows: (count) => Math.max(1_000, Math.round(count * scale)),
};
const packageOf = (name) =>
  JSON.parse(readFileSync(new URL(`../../node_modules/${name}/package.json`, import.meta.url)));
const results = [];
const loadBefore = load();
try {
  for (const [name, experiment] of Object.entries(experiments)) {
    if (!only || only.includes(name)) {
      for await (const result of experiment(context)) {
        results.push({ experiment: name, ...result });
        console.log(`${result.ok ? '✓' : '✗'} ${name}: ${result.what}: ${result.measured} (${result.limit})`);
      }
    }
  }
} finally {
  await server.stop();
  library.remove();
}

const report = {
  measuredAt: new Date().toISOString(),
  machine: `${cpus().length} × ${cpus()[0].model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB`,
  loadBefore,
  versions: {
    postgresql: server.version,
    node: process.version,
    '@mikro-orm/postgresql': packageOf('@mikro-orm/postgresql').version,
  },
  scale,
  results,
};
const folder = fileURLToPath(new URL('../results', import.meta.url));
mkdirSync(folder, { recursive: true });
const suffix = scale === 1 && !only ? '' : '.partial';
writeFileSync(join(folder, `purge${suffix}.json`), `${JSON.stringify(report, null, 2)}\n`);
writeFileSync(join(folder, `purge${suffix}.md`), table(report));
process.exitCode = results.every(({ ok }) => ok) ? 0 : 2;

function table({ measuredAt, machine, loadBefore: before, versions, results: all }) {
  const lines = all.map(
    ({ ok, what, measured, limit, details }) =>
      `| ${what} | ${measured} | ${limit} | ${ok ? 'yes' : '**no**'} | ${details ?? ''} |`,
  );
  return [
    `Measured ${measuredAt.slice(0, 10)} by \`npm run bench:purge\` on ${machine} (load before: ${before}), PostgreSQL ${versions.postgresql}, Node ${versions.node.slice(1)}, MikroORM ${versions['@mikro-orm/postgresql']}. The database runs on the same machine.`,
    '',
    '| What | Measured | Wanted | Holds | Details |',
    '| --- | --- | --- | --- | --- |',
    ...lines,
    '',
  ].join('\n');
}
