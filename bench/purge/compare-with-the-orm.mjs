import { result, timed } from '../support/measure.mjs';
import { createItems } from './tables.mjs';

/** Against what an application writes by itself with the ORM. */
export async function* compareWithTheOrm({ server, withOrm, createPurge, Item, rows }) {
  const due = rows(100_000);
  await server.create('template_items', createItems(due * 2, due, 'step'));
  const run = async (work) => {
    await server.copy('items', 'template_items');
    return withOrm('items', work);
  };
  const where = () => ({ deletedAt: { $lt: new Date(Date.now() - 30 * 24 * 60 * 60 * 1_000) } });
  const purge = await run((orm) => timed(() => createPurge(orm, { pauseBetweenBatches: 0, brake: false }).run()));
  const speed = purge.result.total / purge.ms;

  const chunked = await run((orm) =>
    timed(async () => {
      for (let removed = 0; ;) {
        const em = orm.em.fork();
        const found = await em.find(Item, where(), { limit: 1_000 });
        if (found.length === 0) {
          return removed;
        }
        found.forEach((item) => em.remove(item));
        await em.flush();
        removed += found.length;
      }
    }),
  );
  yield result('against chunked `find` + `remove` + `flush`', speed / (chunked.result / chunked.ms), {
    atLeast: 3,
    digits: 1,
    details: `${Math.round(speed * 1_000).toLocaleString('en')} against ${Math.round((chunked.result / chunked.ms) * 1_000).toLocaleString('en')} rows/s`,
  });

  const some = Math.min(2_000, due);
  const single = await run((orm) =>
    timed(async () => {
      for (let removed = 0; removed < some; removed++) {
        const em = orm.em.fork();
        em.remove(await em.findOneOrFail(Item, where()));
        await em.flush();
      }
      return some;
    }),
  );
  yield result('against row by row', speed / (single.result / single.ms), {
    atLeast: 100,
    digits: 0,
    details: `${Math.round((single.result / single.ms) * 1_000).toLocaleString('en')} rows/s`,
  });
}
