// What the guard costs a purge: the same 100,000 rows, purged with and without the trigger.
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { median, timed } from '../support/measure.mjs';

const ROUNDS = 7;

export async function* guardCost({ server, rows, library: { createPurge, softDeletable } }) {
  const count = Math.round(rows / 10);
  const define = (guard) =>
    softDeletable(
      defineEntity({
        name: 'Item',
        tableName: 'item',
        properties: {
          id: p.integer().primary(),
          note: p.text(),
          deletedAt: p.datetime().columnType('timestamptz').nullable(),
        },
      }),
      { retention: '30d', guard },
    );
  const entities = { without: define(false), with: define(true) };
  const times = { without: [], with: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const kind of round % 2 ? ['with', 'without'] : ['without', 'with']) {
      await server.create('guard_bench', []);
      const orm = await MikroORM.init({ clientUrl: server.url('guard_bench'), entities: [entities[kind]] });
      await orm.schema.create();
      await orm.em.execute(
        `insert into item (id, note, deleted_at) select i, repeat('x', 100), now() - interval '40 days' from generate_series(1, ${count}) i`,
      );
      await orm.em.execute('vacuum analyze item');
      const purge = createPurge(orm, { pauseBetweenBatches: 0, brake: false, batchSize: 1_000 });
      const { ms, result } = await timed(() => purge.run());
      if (result.total !== count) {
        throw new Error(`The purge removed ${result.total} of ${count} rows.`);
      }
      times[kind].push(ms);
      await orm.close(true);
    }
  }
  await server.drop('guard_bench');
  const [without, guarded] = [median(times.without), median(times.with)];
  yield {
    what: `purge of ${count.toLocaleString('en')} rows, without and with the guard`,
    full: without,
    partial: guarded,
    unit: 'ms',
    ratio: without / guarded,
  };
}
