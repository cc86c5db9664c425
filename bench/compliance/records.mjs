import { median, result } from '../support/measure.mjs';
import { compare, OPERATIONS, runOnShop } from './bulk.mjs';

const ROUNDS = 5;

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
    const sent = {};
    for (const [kind, options] of Object.entries(kinds)) {
      sent[kind] = (await runOnShop(context, name, { ...options, isCounted: true })).statements;
    }
    const details = `${sent.with.length} against ${sent.without.length}, with those of transactions`;
    const limit = { atMost: 1, unit: '', digits: 0 };
    if (name === 'purge') {
      const isBatch = (statement) => /delete from /.test(statement);
      const isRecord = (statement) => /insert into \S*"deletion_record"/.test(statement);
      const records = sent.with.filter((statement) => isRecord(statement) && !isBatch(statement));
      const batches = sent.with.filter(isBatch);
      yield result(`statements more of ${what}, for each batch`, records.length / batches.length, {
        ...limit,
        details: `${details}: a batch's own statement writes its record, and batches that take longer are smaller`,
      });
    } else {
      yield result(`statements more of ${what}`, sent.with.length - sent.without.length, { ...limit, details });
    }
  }
}
