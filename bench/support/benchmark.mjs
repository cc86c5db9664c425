// What every benchmark does: a server of its own, one experiment after the other, and a report as JSON and as a table.
//
//   BENCH_SCALE=0.01   at a hundredth of the size
//   BENCH_ONLY=a,b     only some experiments
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compileLibrary } from '../../test/support/compiled-library.ts';
import { load, startServer } from './server.mjs';

/**
 * Measures and writes `results/<name>.json` and `.md`, or `<name>.partial.*` for less than all at full size. The process ends
 * with 2 if a result does not hold.
 *
 * @param command - what measures, if not `bench:<name>`
 * @param extend - makes what the experiments are given, from the server, the library, the folder of what it was compiled to and the size of tables
 * @param columns - the headings of the table
 * @param cells - a result as a row of the table
 */
export async function runBenchmark({ name, command = `bench:${name}`, experiments, extend, columns, cells }) {
  const scale = Number(process.env.BENCH_SCALE ?? 1);
  const only = process.env.BENCH_ONLY?.split(',');
  const compiled = compileLibrary();
  const server = await startServer();
  const loadBefore = load();
  const results = [];
  try {
    const libraryUrl = pathToFileURL(join(compiled.folder, 'lib/index.js')).href;
    const library = await import(libraryUrl);
    const rows = (count) => Math.max(1_000, Math.round(count * scale));
    const context = await extend({ server, library, libraryUrl, rows, scale, folder: compiled.folder });
    for (const [experiment, measure] of Object.entries(experiments)) {
      if (only && !only.includes(experiment)) {
        continue;
      }
      for await (const result of measure(context)) {
        results.push({ experiment, ...result });
        console.log(line(cells(result)));
      }
    }
  } finally {
    await server.stop();
    compiled.remove();
  }
  const report = {
    measuredAt: new Date().toISOString(),
    machine: `${cpus().length} × ${cpus()[0].model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB`,
    loadBefore,
    versions: {
      postgresql: server.version,
      node: process.version,
      '@mikro-orm/postgresql': versionOf('@mikro-orm/postgresql'),
    },
    scale,
    results,
  };
  const folder = fileURLToPath(new URL('../results', import.meta.url));
  const file = join(folder, scale === 1 && !only ? name : `${name}.partial`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${file}.json`, `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(
    `${file}.md`,
    [
      `Measured ${report.measuredAt.slice(0, 10)} by \`npm run ${command}\` on ${report.machine} (load before: ${loadBefore}), PostgreSQL ${server.version}, Node ${process.version.slice(1)}, MikroORM ${report.versions['@mikro-orm/postgresql']}. The database runs on the same machine.`,
      '',
      line(columns),
      line(columns.map(() => '---')),
      ...results.map((result) => line(cells(result))),
      '',
    ].join('\n'),
  );
  // The embedded server's own hook ends the process with 0, whatever `process.exitCode` says.
  process.exit(results.every(({ holds }) => holds) ? 0 : 2);
}

const line = (cells) => `| ${cells.join(' | ')} |`;

function versionOf(packageName) {
  return JSON.parse(readFileSync(new URL(`../../node_modules/${packageName}/package.json`, import.meta.url))).version;
}
