import { median, result, timed } from './measure.mjs';
import { createItems } from './tables.mjs';

/** Rows per second of an unpaced purge against one DELETE of the same rows, alternating, medians of three. */
export async function* compareWithOneDelete({ server, withOrm, createPurge, rows }) {
  const total = rows(2_000_000);
  for (const layout of ['step', 'scattered']) {
    for (const share of [0.01, 0.25, 0.5]) {
      await server.create('template_items', createItems(total, total * share, layout));
      const [deletes, purges, shares] = [[], [], []];
      let counted = 0;
      for (let round = 0; round < 3; round++) {
        await server.copy('items', 'template_items');
        const client = await server.connect('items');
        await client.query('select count(*) from item');
        const one = await timed(() => client.query("delete from item where deleted_at < now() - interval '30 days'"));
        await client.end();
        deletes.push(one.result.rowCount / one.ms);

        await server.copy('items', 'template_items');
        const many = await withOrm('items', async (orm) => {
          await orm.em.getConnection().execute('select count(*) from item');
          return timed(() => createPurge(orm, { pauseBetweenBatches: 0 }).run());
        });
        counted = many.result.total;
        if (counted !== one.result.rowCount) {
          throw new Error(`The purge removed ${counted} rows, the DELETE ${one.result.rowCount}.`);
        }
        purges.push(counted / many.ms);
        shares.push(purges.at(-1) / deletes.at(-1));
      }
      yield result(
        `rows/s against one \`DELETE\`, ${share * 100} % of ${total.toLocaleString('en')} due, ${layout === 'step' ? 'deletion in step with the heap' : 'deletion unrelated to the heap'}`,
        median(shares),
        {
          atLeast: 0.9,
          details: `${counted.toLocaleString('en')} rows, ${Math.round(median(purges) * 1_000).toLocaleString('en')} against ${Math.round(median(deletes) * 1_000).toLocaleString('en')} rows/s`,
        },
      );
    }
  }
  await server.drop('items');
  await server.drop('template_items');
}
