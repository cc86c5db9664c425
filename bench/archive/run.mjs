// Measures the archive strategy against hard deletes and against soft deletes with their purge, as ratios within one run on one machine.
//
//   npm run bench:archive   some minutes
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { runBenchmark } from '../support/benchmark.mjs';
import { cells, COLUMNS } from '../support/measure.mjs';
import { deletesAgainstHard } from './deletes.mjs';
import { liveTableStaysSmall } from './live-table.mjs';
import { livesAgainstSoft } from './lives.mjs';
import { dropsMonths } from './months.mjs';

await runBenchmark({
  name: 'archive',
  experiments: { deletes: deletesAgainstHard, lives: livesAgainstSoft, size: liveTableStaysSmall, months: dropsMonths },
  columns: COLUMNS,
  cells,
  extend: async ({ server, library, rows, folder }) => {
    const compliance = await import(pathToFileURL(join(folder, 'lib/compliance/index.js')).href);
    return { server, rows, library: { ...library, ...compliance } };
  },
});
