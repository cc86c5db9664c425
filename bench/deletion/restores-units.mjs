import { median, result, timed } from '../support/measure.mjs';

const ROUNDS = 3;

/**
 * A unit comes back in a time that grows with its rows, also right after a deletion that the database's statistics know nothing
 * of: undoing a mistake is when a restoration is wanted.
 */
export async function* restoresUnits({ rows, library: { SoftDeleteRepository }, openShop }) {
  const measure = async (count) => {
    const times = { deletion: [], restoration: [], one: [] };
    let total = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const shop = await openShop({ rows: count, softly: true });
      const repository = new SoftDeleteRepository(shop.orm.em.fork(), shop.Customer.meta.class);
      const deletion = await timed(() => repository.softDelete({}));
      const restoration = await timed(() => repository.restore({}));
      if (restoration.result.total !== shop.total) {
        throw new Error(`The restoration reached ${restoration.result.total} of ${shop.total} rows.`);
      }
      await repository.softDelete({});
      const one = await timed(() => repository.restore({ id: 1 }));
      total = shop.total;
      times.deletion.push(deletion.ms);
      times.restoration.push(restoration.ms);
      times.one.push(one.ms);
      await shop.close();
    }
    return {
      total,
      deletion: median(times.deletion),
      restoration: median(times.restoration),
      one: median(times.one),
    };
  };
  const few = await measure(rows(10_000));
  const many = await measure(rows(100_000));
  const count = (n) => n.toLocaleString('en');
  const perRow = ({ restoration, total }) => restoration / total;
  yield result(
    `time per row of restoring ${count(many.total)} rows that were deleted just before, against ${count(few.total)}`,
    perRow(many) / perRow(few),
    {
      atMost: 2,
      details: `${many.restoration.toFixed(0)} against ${few.restoration.toFixed(0)} ms, medians of ${ROUNDS}; their deletion took ${many.deletion.toFixed(0)} and ${few.deletion.toFixed(0)} ms`,
    },
  );
  yield result(
    `restoring one customer of ${count(many.total)} rows that were deleted just before, against of ${count(few.total)}`,
    many.one / few.one,
    { atMost: 3, details: `${many.one.toFixed(0)} against ${few.one.toFixed(0)} ms, medians of ${ROUNDS}` },
  );
}
