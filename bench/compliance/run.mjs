// Measures what records, holds and erasures cost, as ratios within one run on one machine. Reads processor times, which only Linux tells.
//
//   npm run bench:compliance   some minutes
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { openShop } from '../deletion/shop.mjs';
import { runBenchmark } from '../support/benchmark.mjs';
import { cells, COLUMNS } from '../support/measure.mjs';
import { erasesFasterThanTheUnitOfWork } from './erasures.mjs';
import { holdsCostNextToNothing } from './holds.mjs';
import { recordsCostNextToNothing } from './records.mjs';

await runBenchmark({
  name: 'compliance',
  experiments: {
    records: recordsCostNextToNothing,
    holds: holdsCostNextToNothing,
    erasures: erasesFasterThanTheUnitOfWork,
  },
  columns: COLUMNS,
  cells,
  extend: async ({ server, library, rows, folder }) => {
    const compliance = await import(pathToFileURL(join(folder, 'lib/compliance/index.js')).href);
    const all = { ...library, ...compliance };
    return { server, rows, library: all, openShop: (options) => openShop(server, all, options) };
  },
});
