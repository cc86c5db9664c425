// Measures indexes over active rows against indexes over all rows, what the guard costs, and how long the doctor takes.
//
//   npm run bench:schema   a million rows: some minutes
import { runBenchmark } from '../support/benchmark.mjs';
import { doctorTime } from './doctor.mjs';
import { guardCost } from './guard.mjs';
import { compareShares } from './shares.mjs';

await runBenchmark({
  name: 'schema',
  experiments: { shares: holding(compareShares), guard: holding(guardCost), doctor: holding(doctorTime) },
  columns: ['Deleted', 'What', 'Full indexes', 'Partial indexes', 'Gain', 'Wanted', 'Holds'],
  cells: ({ share, what, full, partial, unit, ratio, atLeast, holds }) => [
    share === undefined ? '–' : `${share} %`,
    what,
    `${full.toFixed(2)} ${unit}`,
    `${partial.toFixed(2)} ${unit}`,
    `${ratio.toFixed(2)}×`,
    atLeast === undefined ? '–' : `≥ ${atLeast.toFixed(2)}×`,
    holds ? 'yes' : '**no**',
  ],
  extend: ({ server, library, rows }) => ({ server, library, rows: rows(1_000_000) }),
});

function holding(experiment) {
  return async function* measure(context) {
    for await (const measured of experiment(context)) {
      yield { ...measured, holds: measured.atLeast === undefined || measured.ratio >= measured.atLeast };
    }
  };
}
