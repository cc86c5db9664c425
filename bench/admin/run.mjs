// Measures what the admin page adds to the queries that it cannot do without.
//
//   npm run bench:admin   a minute
import { runBenchmark } from '../support/benchmark.mjs';
import { cells, COLUMNS } from '../support/measure.mjs';
import { opensPages, opensPagesWithRecords } from './opens-pages.mjs';

await runBenchmark({
  name: 'admin',
  experiments: { pages: opensPages, records: opensPagesWithRecords },
  columns: COLUMNS,
  cells,
  extend: (context) => context,
});
