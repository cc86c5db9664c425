// Measures indexes over active rows against indexes over all rows, what the guard costs, and how long the doctor takes.
//
//   npm run bench:schema                    a million rows: some minutes
//   BENCH_SCALE=0.1 npm run bench:schema    a tenth of it
//   BENCH_ONLY=guard npm run bench:schema   the guard alone
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compileLibrary } from '../../test/support/compiled-library.ts';
import { load, startServer } from '../purge/server.mjs';
import { doctorTime } from './doctor.mjs';
import { guardCost } from './guard.mjs';
import { compareShares } from './shares.mjs';

const scale = Number(process.env.BENCH_SCALE ?? 1);
const only = process.env.BENCH_ONLY?.split(',');
const library = compileLibrary();
const server = await startServer();
const loadBefore = load();

const context = {
  server,
  rows: Math.round(1_000_000 * scale),
  library: await import(pathToFileURL(join(library.folder, 'lib/index.js')).href),
};
const results = [];
try {
  for (const [name, experiment] of Object.entries({ shares: compareShares, guard: guardCost, doctor: doctorTime })) {
    if (only && !only.includes(name)) {
      continue;
    }
    for await (const measured of experiment(context)) {
      const result = { ...measured, holds: measured.atLeast === undefined || measured.ratio >= measured.atLeast };
      results.push(result);
      console.log(row(result));
    }
  }
} finally {
  await server.stop();
  library.remove();
}

const versionOf = (name) =>
  JSON.parse(readFileSync(new URL(`../../node_modules/${name}/package.json`, import.meta.url))).version;
const report = {
  measuredAt: new Date().toISOString(),
  machine: `${cpus().length} × ${cpus()[0].model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB`,
  loadBefore,
  versions: {
    postgresql: server.version,
    node: process.version,
    '@mikro-orm/postgresql': versionOf('@mikro-orm/postgresql'),
  },
  rows: context.rows,
  results,
};
const folder = fileURLToPath(new URL('../results', import.meta.url));
mkdirSync(folder, { recursive: true });
const suffix = scale === 1 && !only ? '' : '.partial';
writeFileSync(join(folder, `schema${suffix}.json`), `${JSON.stringify(report, null, 2)}\n`);
writeFileSync(join(folder, `schema${suffix}.md`), table(report));
process.exitCode = results.every(({ holds }) => holds) ? 0 : 2;

function row({ share, what, full, partial, unit, ratio, atLeast, holds }) {
  const cells = [
    share === undefined ? '–' : `${share} %`,
    what,
    `${full.toFixed(2)} ${unit}`,
    `${partial.toFixed(2)} ${unit}`,
  ];
  return `| ${[...cells, `${ratio.toFixed(2)}×`, atLeast === undefined ? '–' : `≥ ${atLeast.toFixed(2)}×`, holds ? 'yes' : '**no**'].join(' | ')} |`;
}

function table({ measuredAt, machine, versions, rows, loadBefore: before, results: all }) {
  return [
    `Measured ${measuredAt.slice(0, 10)} by \`npm run bench:schema\` on ${machine} (load before: ${before}), PostgreSQL ${versions.postgresql}, Node ${versions.node.slice(1)}, MikroORM ${versions['@mikro-orm/postgresql']}; ${rows.toLocaleString('en')} rows, medians.`,
    '',
    '| Deleted | What | Full indexes | Partial indexes | Gain | Wanted | Holds |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...all.map(row),
    '',
  ].join('\n');
}
