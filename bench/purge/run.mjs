// Measures the purge against what PostgreSQL and the ORM do by themselves, as ratios within one run on one machine.
//
//   npm run bench:purge   everything at full size: about a quarter of an hour
import { MikroORM } from '@mikro-orm/postgresql';
import { runBenchmark } from '../support/benchmark.mjs';
import { cells, COLUMNS } from '../support/measure.mjs';
import { experiments } from './experiments.mjs';
import { defineItems } from './tables.mjs';

await runBenchmark({
  name: 'purge',
  experiments,
  columns: COLUMNS,
  cells,
  extend: ({ server, library: { createPurge, softDeletable }, rows, scale }) => {
    const { Item, Note } = defineItems(softDeletable);
    /** Runs something with an ORM of its own. */
    const withOrm = async (database, work, clientUrl = server.url(database)) => {
      const orm = await MikroORM.init({ clientUrl, entities: [Item, Note] });
      try {
        await orm.em.getConnection().execute('select 1');
        return await work(orm);
      } finally {
        await orm.close(true);
      }
    };
    return { server, withOrm, createPurge, Item, rows, scale };
  },
});
