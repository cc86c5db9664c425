import { result } from '../support/measure.mjs';
import { createTemplates, dropTemplates, onCopy } from './page-views.mjs';

const PORTIONS = 10;

/**
 * The size of the table and its indexes after half of its rows were deleted in portions, the oldest first, and new ones came instead,
 * vacuumed after each as autovacuum would: against a table that only ever had as many rows.
 */
export async function* liveTableStaysSmall({ rows, ...context }) {
  const total = rows(200_000);
  const half = total / 2;
  await createTemplates({ ...context, rows: total });
  const size = (sql) =>
    sql(`select pg_table_size('page_view')::int8 as heap, pg_indexes_size('page_view')::int8 as indexes`).then(
      ([row]) => ({
        heap: Number(row.heap),
        indexes: Number(row.indexes),
      }),
    );
  const after = (strategy) =>
    onCopy(context, strategy, async ({ em, View, sql }) => {
      const portion = half / PORTIONS;
      for (let n = 1; n <= PORTIONS; n++) {
        await em.nativeDelete(View, { id: { $lte: String(n * portion) } });
        await sql('vacuum (analyze) page_view');
        await sql(
          `insert into page_view (id, session, path, referrer, agent, address, viewed_at, duration)
             select id + ${half}, md5((id + ${half})::text)::uuid, path, referrer, agent, address, viewed_at + interval '1 second' * ${half}, duration
             from page_view where id > ${half + (n - 1) * portion} and id <= ${half + n * portion}`,
        );
      }
      await sql('vacuum (analyze) page_view');
      return size(sql);
    });
  const fresh = await onCopy(context, undefined, ({ sql }) => size(sql));
  const archived = await after('archive');
  const soft = await after('soft');
  await dropTemplates(context.server);
  const sum = ({ heap, indexes }) => heap + indexes;
  const show = ({ heap, indexes }) => `${(heap / 2 ** 20).toFixed(1)} + ${(indexes / 2 ** 20).toFixed(1)}`;
  yield result(
    `size of a table of ${total.toLocaleString('en')} rows of which half were deleted and replaced, against a fresh one`,
    sum(archived) / sum(fresh),
    {
      atMost: 1.05,
      details: `heap + indexes: ${show(archived)} against ${show(fresh)} MB, vacuumed as autovacuum does; soft-deleted ${show(soft)} MB`,
    },
  );
}
