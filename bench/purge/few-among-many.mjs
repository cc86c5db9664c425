import { median, result, timed } from './measure.mjs';
import { createItems } from './tables.mjs';

const WARM_UP = `begin; set local enable_seqscan = off; set local enable_bitmapscan = off;
  select count(*) from note where item_id > 0; select count(id) from item where id > 0; rollback; select count(*) from item`;

/** The cost of a purge follows the due rows, not the size of the table. */
export async function* fewAmongMany({ server, withOrm, createPurge, rows }) {
  const due = 1_000;
  const measure = async (total, layout) => {
    await server.create('template_items', createItems(total, due, layout));
    const times = [];
    for (let round = 0; round < 3; round++) {
      await server.copy('items', 'template_items');
      // What is measured is the purge, not the disk: the tables and indexes of both sizes are in memory.
      const client = await server.connect('items');
      await client.query(WARM_UP);
      await client.end();
      await withOrm('items', async (orm) => {
        const purge = createPurge(orm, { pauseBetweenBatches: 0 });
        await purge.run({ dryRun: true });
        times.push((await timed(() => purge.run())).ms);
      });
    }
    return median(times);
  };
  for (const layout of ['step', 'scattered']) {
    const small = await measure(50_000, layout);
    const large = await measure(rows(5_000_000), layout);
    yield result(
      `1,000 due rows out of ${rows(5_000_000).toLocaleString('en')} against out of 50,000, ${layout === 'step' ? 'in step with the heap' : 'unrelated to the heap'}`,
      large / small,
      { atMost: 3, details: `${large.toFixed(0)} ms against ${small.toFixed(0)} ms` },
    );
  }
}
