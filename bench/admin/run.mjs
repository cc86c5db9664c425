// Measures what the admin page adds to the queries that it cannot do without.
//
//   npm run bench:admin   half a minute
import { runBenchmark } from '../support/benchmark.mjs';
import { cells, COLUMNS } from '../support/measure.mjs';
import { opensPages } from './opens-pages.mjs';

await runBenchmark({
  name: 'admin',
  experiments: { pages: opensPages },
  columns: COLUMNS,
  cells,
  extend: (context) => context,
});
