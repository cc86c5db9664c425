import { median, result } from '../support/measure.mjs';
import { createTemplates, dropTemplates, measured, onCopy } from './page-views.mjs';

const ROUNDS = 5;

/**
 * A deletion by condition against the ORM's own, which keeps nothing, against this package's `hardDelete()`, against what nobody who keeps the
 * rows can do without, and against what it took to insert them. Measured in turn, right after a checkpoint.
 */
export async function* deletesAgainstHard({ rows, ...context }) {
  const total = rows(200_000);
  const half = total / 2;
  await createTemplates({ ...context, rows: total });
  const { SoftDeleteRepository } = context.library;
  const reached = (count) => {
    if (count !== half) {
      throw new Error(`The deletion reached ${count} of ${half} rows.`);
    }
  };
  const remove = (strategy) =>
    onCopy(context, strategy, async ({ em, View, sql }) => {
      // What the first call loads and compiles is no part of it.
      await em.nativeDelete(View, { id: { $lt: '0' } });
      const run = await measured(sql, () => em.nativeDelete(View, { id: { $lte: String(half) } }));
      reached(run.result);
      return run;
    });
  const removeByDoor = () =>
    onCopy(context, 'soft', async ({ em, View, sql }) => {
      const repository = new SoftDeleteRepository(em, View);
      await repository.hardDelete({ id: { $lt: '0' } });
      const run = await measured(sql, () => repository.hardDelete({ id: { $lte: String(half) } }));
      reached(run.result);
      return run;
    });
  const byHand = (prepare, statement) => () =>
    onCopy(context, undefined, async ({ sql }) => {
      for (const each of prepare) {
        await sql(each);
      }
      await sql('checkpoint');
      return measured(sql, () => sql(statement));
    });
  const kinds = {
    plain: () => remove(undefined),
    archived: () => remove('archive'),
    door: removeByDoor,
    trail: byHand(
      [
        `create table trail (kind text, key text, at timestamptz, data jsonb, primary key (kind, key, at))`,
        'create index on trail (kind, at)',
      ],
      `with gone as (delete from page_view as v where id <= ${half} returning v.id, to_jsonb(v.*) as data)
         insert into trail select 'PageView', id::text, now(), data from gone`,
    ),
    copied: byHand(
      ['create table copy as select * from page_view where false'],
      `with gone as (delete from page_view as v where id <= ${half} returning v.*) insert into copy select * from gone`,
    ),
    inserted: byHand(
      ['create table source as select * from page_view', 'truncate page_view'],
      `insert into page_view select * from source where id <= ${half}`,
    ),
  };
  const runs = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [kind, measure] of Object.entries(kinds)) {
      runs[kind].push(await measure());
    }
  }
  await dropTemplates(context.server);
  const of = (kind, what) => median(runs[kind].map((run) => run[what]));
  const what = (measure, other) =>
    `${measure} of deleting ${half.toLocaleString('en')} rows by a condition against ${other}`;
  const times = (kind) => `${of('archived', 'ms').toFixed(0)} against ${of(kind, 'ms').toFixed(0)} ms`;
  yield result(
    what('time', 'a bare DELETE of rows that nothing references'),
    of('archived', 'ms') / of('plain', 'ms'),
    {
      atMost: 4,
      details: `${times('plain')}, medians of ${ROUNDS}; ${(of('copied', 'ms') / of('plain', 'ms')).toFixed(1)}× to move the rows as they are to a table without a key or an index`,
    },
  );
  yield result(what('WAL', 'a bare DELETE'), of('archived', 'wal') / of('plain', 'wal'), {
    atMost: 3.2,
    details: `${of('archived', 'wal').toFixed(1)} against ${of('plain', 'wal').toFixed(1)} MB, of which the pages are the most`,
  });
  yield result(what('time', '`hardDelete()`'), of('archived', 'ms') / of('door', 'ms'), {
    atMost: 4,
    details: `${times('door')}; it locks the rows, asks for holds and what references them, and records their keys as well`,
  });
  yield result(what('time', 'the same with a trail written by hand'), of('archived', 'ms') / of('trail', 'ms'), {
    atMost: 2,
    details: `${times('trail')} for \`delete … returning\` into a table with a key and an index; WAL ${of('archived', 'wal').toFixed(1)} against ${of('trail', 'wal').toFixed(1)} MB`,
  });
  yield result(what('time', 'inserting them'), of('archived', 'ms') / of('inserted', 'ms'), {
    atMost: 2.5,
    details: `${times('inserted')} for one \`insert … select\` into a table with a key and two indexes`,
  });
}
