import { median, result, timed } from '../support/measure.mjs';

const ROUNDS = 31;

/** Reading under the filter takes as long as the condition written by hand. */
export async function* readsActiveRows({ rows, openShop }) {
  const shop = await openShop({ rows: rows(10_000), softly: true });
  await shop.orm.em.execute('update line set deleted_at = now() where id % 2 = 0');
  await shop.orm.em.execute('update order_ set deleted_at = now() where id % 2 = 0');
  const active = { deletedAt: null };
  const byHand = { filters: false };
  const queries = {
    'find of 1,000 rows': [
      (em) => em.find(shop.Line, {}, { limit: 1_000, orderBy: { id: 1 } }),
      (em) => em.find(shop.Line, active, { limit: 1_000, orderBy: { id: 1 }, ...byHand }),
    ],
    findOne: [(em) => em.findOne(shop.Line, 1), (em) => em.findOne(shop.Line, { id: 1, ...active }, byHand)],
    'find with a populated collection': [
      (em) => em.find(shop.Order, {}, { limit: 10, orderBy: { id: 1 }, populate: ['lines'] }),
      (em) =>
        em.find(shop.Order, active, {
          limit: 10,
          orderBy: { id: 1 },
          populate: ['lines'],
          populateWhere: { lines: active },
          ...byHand,
        }),
    ],
  };
  for (const [what, pair] of Object.entries(queries)) {
    const times = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      for (const i of round % 2 ? [1, 0] : [0, 1]) {
        // What takes a fraction of a millisecond is asked ten times in a row.
        const { ms } = await timed(async () => {
          for (let k = 0; k < 10; k++) {
            await pair[i](shop.orm.em.fork());
          }
        });
        times[i].push(ms / 10);
      }
    }
    const [filtered, written] = times.map(median);
    yield result(`${what}, against the condition written by hand`, filtered / written, {
      atMost: 1.25,
      details: `${filtered.toFixed(2)} against ${written.toFixed(2)} ms, medians of ${ROUNDS}`,
    });
  }
  await shop.close();
}
