import { median, result } from '../support/measure.mjs';
import { createTemplates, dropTemplates, measured, onCopy } from './page-views.mjs';

const ROUNDS = 5;

/** A deletion by condition against the ORM's own, which keeps nothing. Measured in turn, right after a checkpoint. */
export async function* deletesAgainstHard({ rows, ...context }) {
  const total = rows(200_000);
  const half = total / 2;
  await createTemplates({ ...context, rows: total });
  const remove = (strategy) =>
    onCopy(context, strategy, async ({ em, View, sql }) => {
      // What the first call loads and compiles is no part of it.
      await em.nativeDelete(View, { id: { $lt: '0' } });
      const {
        ms,
        wal,
        result: count,
      } = await measured(sql, () => em.nativeDelete(View, { id: { $lte: String(half) } }));
      if (count !== half) {
        throw new Error(`The deletion reached ${count} of ${half} rows.`);
      }
      return { ms, wal };
    });
  const removeByHand = () =>
    onCopy(context, undefined, async ({ sql }) => {
      await sql(`create table trail (kind text, key text, at timestamptz, data jsonb, primary key (kind, key, at))`);
      await sql('create index on trail (kind, at)');
      await sql('checkpoint');
      return measured(sql, () =>
        sql(`with gone as (delete from page_view as v where id <= ${half} returning v.id, to_jsonb(v.*) as data)
          insert into trail select 'PageView', id::text, now(), data from gone`),
      );
    });
  const plain = [];
  const byHand = [];
  const archived = [];
  for (let round = 0; round < ROUNDS; round++) {
    plain.push(await remove(undefined));
    byHand.push(await removeByHand());
    archived.push(await remove('archive'));
  }
  await dropTemplates(context.server);
  const of = (runs, what) => median(runs.map((run) => run[what]));
  const what = (measure) =>
    `${measure} of deleting ${half.toLocaleString('en')} rows by a condition against a hard delete`;
  yield result(what('time'), of(archived, 'ms') / of(plain, 'ms'), {
    atMost: 4,
    details: `${of(archived, 'ms').toFixed(0)} against ${of(plain, 'ms').toFixed(0)} ms, medians of ${ROUNDS}`,
  });
  yield result(what('WAL'), of(archived, 'wal') / of(plain, 'wal'), {
    atMost: 3.2,
    details: `${of(archived, 'wal').toFixed(1)} against ${of(plain, 'wal').toFixed(1)} MB, of which the pages are the most`,
  });
  yield result(
    what('time').replace('a hard delete', 'the same with a trail written by hand'),
    of(archived, 'ms') / of(byHand, 'ms'),
    {
      atMost: 2,
      details: `${of(archived, 'ms').toFixed(0)} against ${of(byHand, 'ms').toFixed(0)} ms for \`delete … returning\` into a table with a key and an index; WAL ${of(archived, 'wal').toFixed(1)} against ${of(byHand, 'wal').toFixed(1)} MB`,
    },
  );
}
