import { quantile, result, timed } from '../support/measure.mjs';
import { createItems } from './tables.mjs';

/** Short measurements are repeated more often: until each side was measured for so long, in milliseconds. */
const [FEWEST, MOST, ENOUGH] = [5, 9, 6_000];

/**
 * Rows per second of an unpaced purge against one DELETE of the same rows. Each round measures both on fresh copies with the same
 * pages in memory, in alternating order, so that neither has the quieter moments. The ratio is that of the median round.
 */
export async function* compareWithOneDelete({ server, withOrm, createPurge, rows }) {
  const total = rows(2_000_000);
  const removeAtOnce = async () => {
    await server.copy('items', 'template_items');
    const client = await server.connect('items');
    await server.warm(client);
    const { ms, result: one } = await timed(() =>
      client.query("delete from item where deleted_at < now() - interval '30 days'"),
    );
    await client.end();
    return { ms, count: one.rowCount };
  };
  const purge = async () => {
    await server.copy('items', 'template_items');
    return withOrm('items', async (orm) => {
      await server.warm({ query: (sql) => orm.em.getConnection().execute(sql) });
      const { ms, result: report } = await timed(() =>
        createPurge(orm, { pauseBetweenBatches: 0, brake: false }).run(),
      );
      return { ms, count: report.total };
    });
  };
  for (const layout of ['step', 'scattered']) {
    for (const share of [0.01, 0.25, 0.5]) {
      await server.create('template_items', createItems(total, total * share, layout));
      const rounds = [];
      let spent = 0;
      while (rounds.length < FEWEST || (rounds.length < MOST && spent < ENOUGH)) {
        const isPurgeFirst = rounds.length % 2 === 1;
        const first = await (isPurgeFirst ? purge() : removeAtOnce());
        const second = await (isPurgeFirst ? removeAtOnce() : purge());
        const [one, many] = isPurgeFirst ? [second, first] : [first, second];
        if (one.count !== many.count) {
          throw new Error(`The purge removed ${many.count} rows, the DELETE ${one.count}.`);
        }
        rounds.push({ count: one.count, one: one.ms, many: many.ms, ratio: one.ms / many.ms });
        spent += one.ms;
      }
      const ratios = rounds.map(({ ratio }) => ratio);
      const middle = rounds.find(({ ratio }) => ratio === quantile(ratios, 0.5));
      const perSecond = (ms) => Math.round((middle.count / ms) * 1_000).toLocaleString('en');
      yield result(
        `rows/s against one \`DELETE\`, ${share * 100} % of ${total.toLocaleString('en')} due, ${layout === 'step' ? 'deletion in step with the heap' : 'deletion unrelated to the heap'}`,
        middle.ratio,
        {
          atLeast: 0.9,
          details: `median of ${rounds.length} rounds (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}); in that one ${middle.count.toLocaleString('en')} rows at ${perSecond(middle.many)} against ${perSecond(middle.one)} rows/s`,
        },
      );
    }
  }
  await server.drop('items');
  await server.drop('template_items');
}
