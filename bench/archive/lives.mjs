import { median, result } from '../support/measure.mjs';
import { createTemplates, dropTemplates, measured, onCopy } from './page-views.mjs';

const ROUNDS = 5;

/**
 * What rows cost from their deletion until the purge is done with them and the tables are vacuumed: archived, with their month dropped,
 * against soft-deleted and purged.
 */
export async function* livesAgainstSoft({ rows, ...context }) {
  const total = rows(200_000);
  const half = total / 2;
  const { createPurge } = context.library;
  await createTemplates({ ...context, rows: total });
  const live = (strategy) =>
    onCopy(context, strategy, async ({ orm, em, View, sql }) => {
      const deletion = await measured(sql, () => em.nativeDelete(View, { id: { $lte: String(half) } }));
      if (strategy === 'archive') {
        await age(sql, context.library);
      }
      const purge = await measured(sql, () => createPurge(orm, { pauseBetweenBatches: 0, brake: false }).run());
      if (deletion.result !== half || purge.result.total !== half) {
        throw new Error(`${deletion.result} rows were deleted and ${purge.result.total} purged, instead of ${half}.`);
      }
      const vacuum = await measured(sql, () => sql('vacuum page_view'));
      return { deletion: deletion.ms, purge: purge.ms, vacuum: vacuum.ms, wal: deletion.wal + purge.wal + vacuum.wal };
    });
  const runs = { soft: [], archive: [] };
  for (let round = 0; round < ROUNDS; round++) {
    runs.soft.push(await live('soft'));
    runs.archive.push(await live('archive'));
  }
  await dropTemplates(context.server);
  const of = (strategy, what) => median(runs[strategy].map((run) => run[what]));
  const whole = (strategy) => median(runs[strategy].map(({ deletion, purge, vacuum }) => deletion + purge + vacuum));
  const steps = (strategy) => ['deletion', 'purge', 'vacuum'].map((what) => of(strategy, what).toFixed(0)).join(' + ');
  yield result(
    `time from the deletion to the end of ${half.toLocaleString('en')} rows against a soft deletion with its purge`,
    whole('archive') / whole('soft'),
    {
      atMost: 0.6,
      details: `deletion + purge + vacuum: ${steps('archive')} against ${steps('soft')} ms; WAL ${of('archive', 'wal').toFixed(0)} against ${of('soft', 'wal').toFixed(0)} MB, medians of ${ROUNDS}`,
    },
  );
}

/** Has archived rows deleted in a month that is over. Not measured: time would have done it. */
async function age(sql, { complianceTablesSql }) {
  await sql(`begin; select set_config('soft_delete.archive_removal', 'allowed', true);
    create temporary table former on commit drop as select * from deletion_archive;
    delete from deletion_archive;
    insert into deletion_archive (part, key, unit, entity, schema, owners, data, types, links, actor, reason)
      select part, key, unit - interval '70 days', entity, schema, owners, data, types, links, actor, reason from former;
    commit`);
  for (const statement of complianceTablesSql({ partition: 'month' })) {
    await sql(statement);
  }
}
