import { median, result } from '../support/measure.mjs';
import { createTemplates, dropTemplates, measured, onCopy } from './page-views.mjs';

const ROUNDS = 5;
const [FEW, MANY] = [100_000, 500_000];

/** A month of the archive that is over: dropped by the purge, against one DELETE of its rows. */
export async function* dropsMonths({ rows, ...context }) {
  await createTemplates({ ...context, rows: 1_000 });
  const { createPurge, complianceTablesSql } = context.library;
  const withMonth = (count, work) =>
    onCopy(context, 'archive', async ({ orm, sql }) => {
      await sql(
        `insert into deletion_archive (part, key, unit, entity, data, types)
           select 'PageView', n::text, now() - interval '70 days' + n / 100 * interval '1 microsecond', 'PageView',
             jsonb_build_object('id', n::text, 'agent', repeat('x', 200), 'path', '/products/' || n), 'int8\ntext\ntext'
           from generate_series(1, ${count}) as n`,
      );
      for (const statement of complianceTablesSql({ partition: 'month' })) {
        await sql(statement);
      }
      await sql('vacuum (analyze) deletion_archive');
      await sql('checkpoint');
      return work({ orm, sql });
    });
  const drop = (count) =>
    withMonth(count, async ({ orm, sql }) => {
      const locks = watchLocks(orm);
      const {
        ms,
        wal,
        result: report,
      } = await measured(sql, () => createPurge(orm, { pauseBetweenBatches: 0, brake: false }).run());
      if (report.total !== count) {
        throw new Error(`The purge removed ${report.total} of ${count} rows.`);
      }
      return { ms, wal, exclusive: locks() };
    });
  const removeInBatches = (count) =>
    withMonth(count, async ({ orm, sql }) => {
      // Together with a row that nobody purges, the month cannot be dropped.
      await sql(
        `insert into deletion_archive (part, key, unit, entity, data, types) select 'Other', '1', min(unit), 'Other', '{}', '' from deletion_archive`,
      );
      return measured(sql, () => createPurge(orm, { pauseBetweenBatches: 0, brake: false }).run());
    });
  const removeAtOnce = (count) =>
    withMonth(count, ({ sql }) =>
      measured(sql, () =>
        sql(`begin; select set_config('soft_delete.archive_removal', 'allowed', true);
          delete from deletion_archive where unit < now() - interval '60 days' and entity = 'PageView'; commit`),
      ),
    );
  const few = rows(FEW);
  const many = rows(MANY);
  const runs = { drop: [], batches: [], atOnce: [], many: [] };
  for (let round = 0; round < ROUNDS; round++) {
    runs.drop.push(await drop(few));
    runs.batches.push(await removeInBatches(few));
    runs.atOnce.push(await removeAtOnce(few));
    runs.many.push(await drop(many));
  }
  await dropTemplates(context.server);
  const of = (name, what) => median(runs[name].map((run) => run[what]));
  // A moment in which anything else that the machine does shows.
  const locked = (name) => Math.min(...runs[name].map(({ exclusive }) => exclusive));
  const count = (n) => n.toLocaleString('en');
  yield result(
    `time of dropping a month of ${count(few)} archived rows against deleting them`,
    of('drop', 'ms') / of('batches', 'ms'),
    {
      atMost: 0.5,
      details: `${of('drop', 'ms').toFixed(0)} ms for a whole run against ${of('batches', 'ms').toFixed(0)} ms for one that deletes them in batches, which still have to be vacuumed, and ${of('atOnce', 'ms').toFixed(0)} ms for a bare DELETE without records; WAL ${of('drop', 'wal').toFixed(2)} against ${of('batches', 'wal').toFixed(1)} MB`,
    },
  );
  yield result(
    `time that others are locked out by the drop, of a month of ${count(many)} rows against ${count(few)}`,
    locked('many') / locked('drop'),
    {
      atMost: 2,
      details: `${locked('many').toFixed(1)} against ${locked('drop').toFixed(1)} ms, the shortest of ${ROUNDS} rounds; rows are counted for the record before, while others go on reading and deleting: the whole run takes ${of('many', 'ms').toFixed(0)} against ${of('drop', 'ms').toFixed(0)} ms`,
    },
  );
}

/** How long the statement takes that locks everybody out. The commit removes the files when it has let go of the locks. */
function watchLocks(orm) {
  const connection = orm.em.getConnection('write');
  const execute = connection.execute.bind(connection);
  let spent = 0;
  connection.execute = async (sql, ...others) => {
    const start = performance.now();
    const answer = await execute(sql, ...others);
    spent += String(sql).startsWith('drop table') ? performance.now() - start : 0;
    return answer;
  };
  return () => spent;
}
