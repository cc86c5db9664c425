// Measures the purge against what PostgreSQL and the ORM do by themselves, as ratios within one run on one machine.
//
//   npm run bench:purge                        everything at full size: about a quarter of an hour
//   npm run bench:purge -- --large             30,000,000 rows beside a streaming standby, and nothing else: about an hour, 30 GB
//   npm run bench:purge -- --large 3000000     the same with fewer rows
import { parseArgs } from 'node:util';
import { MikroORM } from '@mikro-orm/postgresql';
import { runBenchmark } from '../support/benchmark.mjs';
import { cells, COLUMNS } from '../support/measure.mjs';
import { experiments, onDemand } from './experiments.mjs';
import { defineItems } from './tables.mjs';

const { values, positionals } = parseArgs({ options: { large: { type: 'boolean' } }, allowPositionals: true });
const largeRows = Number(positionals[0] ?? 30_000_000);

await runBenchmark({
  name: values.large ? 'purge-large' : 'purge',
  command: values.large ? `bench:purge -- --large ${largeRows}` : undefined,
  experiments: values.large ? onDemand : experiments,
  columns: COLUMNS,
  cells,
  extend: ({ server, library, rows, scale }) => {
    const { createPurge, softDeletable } = library;
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
    return {
      server,
      withOrm,
      createPurge,
      library,
      Item,
      rows,
      scale,
      largeRows,
    };
  },
});
