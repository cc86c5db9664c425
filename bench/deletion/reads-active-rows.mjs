import { median, quantile, result, timed } from '../support/measure.mjs';

const ROUNDS = 31;
const LISTS = 1_000;

/** Reading under the filter takes as long as the condition written by hand. */
export async function* readsActiveRows({ rows, openShop }) {
  const shop = await openShop({ rows: rows(25_000), softly: true });
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
  yield await listsEntitiesWithCollections(shop, active);
  await shop.close();
}

/**
 * What the package does for every row: the same list by an ORM without it. Takes turns with each call and looks at the fastest tenth,
 * because what is looked for is less than what a busy machine adds from one moment to the next.
 */
async function listsEntitiesWithCollections(shop, active) {
  const plain = await shop.openPlainly();
  const options = { limit: 100, orderBy: { id: 1 } };
  const lists = [
    () => shop.orm.em.fork().find(shop.Order, {}, options),
    () => plain.orm.em.fork().find(plain.Order, active, options),
  ];
  const times = [[], []];
  for (let round = -200; round < LISTS; round++) {
    for (const i of round % 2 ? [1, 0] : [0, 1]) {
      const { ms } = await timed(lists[i]);
      if (round >= 0) {
        times[i].push(ms);
      }
    }
  }
  const [filtered, written] = times.map((each) => quantile(each, 0.1));
  return result(
    'list of 100 rows with collections, against the condition written by hand without the package',
    filtered / written,
    { atMost: 1.03, details: `${filtered.toFixed(2)} against ${written.toFixed(2)} ms, the fastest tenth of ${LISTS}` },
  );
}
