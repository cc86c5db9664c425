import { median, result } from '../support/measure.mjs';
import { compare, OPERATIONS, runOnShop } from './bulk.mjs';

const ROUNDS = 7;

const NAMES = {
  softDelete: (count) => `a deletion of ${count} rows on three levels by a condition`,
  flush: () => 'a flush of 1,000 removals',
  purge: (count) => `a purge of ${count} rows`,
};

/** What it costs that operations are recorded: one statement each, whatever the number of rows. */
export async function* recordsCostNextToNothing(context) {
  const kinds = { without: { others: [] }, with: { others: context.library.complianceEntities() } };
  for (const [name, describe] of Object.entries(NAMES)) {
    const what = describe(context.rows(OPERATIONS[name].rows).toLocaleString('en'));
    const runs = await compare(context, name, ROUNDS, kinds);
    const of = (kind, measure) => median(runs[kind].map((run) => run[measure]));
    yield result(
      `processor time of ${what} that is recorded, against one without records`,
      of('with', 'processor') / of('without', 'processor'),
      {
        atMost: 1.05,
        details: `${of('with', 'processor').toFixed(0)} against ${of('without', 'processor').toFixed(0)} ms in Node and PostgreSQL, medians of ${ROUNDS}; ${of('with', 'ms').toFixed(0)} against ${of('without', 'ms').toFixed(0)} ms passed`,
      },
    );
    const counts = {};
    for (const [kind, options] of Object.entries(kinds)) {
      counts[kind] = (await runOnShop(context, name, { ...options, isCounted: true })).statements.length;
    }
    yield result(`statements more of ${what}`, counts.with - counts.without, {
      atMost: name === 'purge' ? counts.without : 1,
      unit: '',
      digits: 0,
      details: `${counts.with} against ${counts.without}, with those of transactions`,
    });
  }
}
