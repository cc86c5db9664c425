import { median, result } from '../support/measure.mjs';
import { compare, OPERATIONS } from './bulk.mjs';

const ROUNDS = 7;

/** What it costs to look for holds where there are none, with and without the guard, which looks by itself. */
export async function* holdsCostNextToNothing(context) {
  const all = context.library.complianceEntities();
  const others = all.filter(({ meta }) => !meta.tableName.startsWith('legal_hold'));
  for (const name of ['hardDelete', 'purge']) {
    for (const guard of [false, true]) {
      const options = { guard };
      const runs = await compare(context, name, ROUNDS, {
        without: { others, options },
        with: { others: all, options },
      });
      const of = (kind, measure) => median(runs[kind].map((run) => run[measure]));
      const count = context.rows(OPERATIONS[name].rows).toLocaleString('en');
      yield result(
        `processor time of ${name === 'purge' ? 'a purge' : '`hardDelete()`'} of ${count} rows without a hold, where there could be some, against where there are no tables for them${guard ? ', with `guard: true`' : ''}`,
        of('with', 'processor') / of('without', 'processor'),
        {
          atMost: 1.05,
          details: `${of('with', 'processor').toFixed(0)} against ${of('without', 'processor').toFixed(0)} ms in Node and PostgreSQL, medians of ${ROUNDS}; ${of('with', 'ms').toFixed(0)} against ${of('without', 'ms').toFixed(0)} ms passed`,
        },
      );
    }
  }
}
