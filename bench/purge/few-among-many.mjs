import { median, result, timed } from '../support/measure.mjs';
import { createItems } from './tables.mjs';

/** The cost of a purge follows the due rows, not the size of the table. */
export async function* fewAmongMany({ server, withOrm, createPurge, rows }) {
  const due = 1_000;
  const measure = async (total, layout) => {
    await server.create('template_items', createItems(total, due, layout));
    const times = [];
    for (let round = 0; round < 5; round++) {
      await server.copy('items', 'template_items');
      // What is measured is the purge, not the disk: the tables and indexes of both sizes are in memory.
      const client = await server.connect('items');
      await server.warm(client);
      await client.end();
      await withOrm('items', async (orm) => {
        const purge = createPurge(orm, { pauseBetweenBatches: 0, brake: false });
        // As in an application: the connection is there, and the server has read the catalog.
        await purge.run({ dryRun: true });
        times.push((await timed(() => purge.run())).ms);
      });
    }
    return times;
  };
  for (const layout of ['step', 'scattered']) {
    const small = await measure(50_000, layout);
    const large = await measure(rows(5_000_000), layout);
    yield result(
      `1,000 due rows out of ${rows(5_000_000).toLocaleString('en')} against out of 50,000, ${layout === 'step' ? 'in step with the heap' : 'unrelated to the heap'}`,
      median(large) / median(small),
      { atMost: 3, details: `${range(large)} ms against ${range(small)} ms` },
    );
  }
}

const range = (times) =>
  `${median(times).toFixed(0)} (${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)})`;
