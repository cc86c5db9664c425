// Measures deleting and reading against what the ORM does by itself, as ratios within one run on one machine.
//
//   npm run bench:deletion   about a minute
import { runBenchmark } from '../support/benchmark.mjs';
import { cells, COLUMNS } from '../support/measure.mjs';
import { deletesByCondition } from './deletes-by-condition.mjs';
import { flushesRemovals } from './flushes-removals.mjs';
import { readsActiveRows } from './reads-active-rows.mjs';
import { restoresUnits } from './restores-units.mjs';
import { openShop } from './shop.mjs';

await runBenchmark({
  name: 'deletion',
  experiments: {
    condition: deletesByCondition,
    restore: restoresUnits,
    flush: flushesRemovals,
    reads: readsActiveRows,
  },
  columns: COLUMNS,
  cells,
  extend: ({ server, library, libraryUrl, rows }) => ({
    rows,
    server,
    library,
    libraryUrl,
    openShop: (options) => openShop(server, library, options),
  }),
});
