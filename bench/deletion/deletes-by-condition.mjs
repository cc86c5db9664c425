import { median, result, timed } from '../support/measure.mjs';

const ROUNDS = 3;

/** A deletion by condition takes all levels along in the database: memory and statements do not grow with the rows. */
export async function* deletesByCondition({ rows, library: { SoftDeleteRepository }, openShop }) {
  const deleteSoftly = async (count) => {
    let statements = 0;
    const shop = await openShop({ rows: count, softly: true, onStatement: () => (statements += 1) });
    const repository = new SoftDeleteRepository(shop.orm.em.fork(), shop.Customer.meta.class);
    // What the first call loads and compiles is no part of it.
    await repository.softDelete({ id: -1 });
    statements = 0;
    const { growth, result: deletion } = await watchingMemory(() => repository.softDelete({}));
    if (deletion.total !== shop.total) {
      throw new Error(`The deletion reached ${deletion.total} of ${shop.total} rows.`);
    }
    await shop.close();
    return { growth, statements, total: shop.total };
  };
  const load = async (count) => {
    const shop = await openShop({ rows: count, softly: false });
    const em = shop.orm.em.fork();
    const { growth } = await watchingMemory(() => em.find(shop.Customer, {}, { populate: ['orders.lines'] }));
    await shop.close();
    return growth;
  };
  const few = await deleteSoftly(rows(1_000));
  const many = await deleteSoftly(rows(100_000));
  const count = (n) => n.toLocaleString('en');
  const megabytes = (bytes) => bytes / 2 ** 20;
  yield result(
    `memory that deleting ${count(many.total)} rows on three levels by a condition takes`,
    megabytes(many.growth),
    {
      atMost: 5,
      unit: ' MB',
      digits: 1,
      details: `${megabytes(few.growth).toFixed(1)} MB for ${count(few.total)} rows; loading a tenth of them takes ${megabytes(await load(rows(10_000))).toFixed(1)} MB`,
    },
  );
  yield result(`statements of it against those for ${count(few.total)} rows`, many.statements / few.statements, {
    atMost: 1,
    details: `${many.statements} against ${few.statements}, with those of the transaction`,
  });

  const times = { softly: [], load: [] };
  for (let round = 0; round < ROUNDS; round++) {
    const soft = await openShop({ rows: rows(10_000), softly: true });
    const repository = new SoftDeleteRepository(soft.orm.em.fork(), soft.Customer.meta.class);
    times.softly.push((await timed(() => repository.softDelete({}))).ms);
    await soft.close();
    const plain = await openShop({ rows: rows(10_000), softly: false });
    const em = plain.orm.em.fork();
    const loaded = await timed(async () => {
      (await em.find(plain.Customer, {}, { populate: ['orders.lines'] })).forEach((customer) => em.remove(customer));
      await em.flush();
    });
    times.load.push(loaded.ms);
    await plain.close();
  }
  yield result(
    `time of it against loading and removing ${count(rows(10_000))} rows with the ORM alone`,
    median(times.softly) / median(times.load),
    {
      atMost: 1,
      details: `${median(times.softly).toFixed(0)} against ${median(times.load).toFixed(0)} ms, medians of ${ROUNDS}`,
    },
  );
}

/** How much the heap grows while something goes on, garbage left out. */
async function watchingMemory(work) {
  const used = () => {
    globalThis.gc();
    return process.memoryUsage().heapUsed;
  };
  const before = used();
  let peak = before;
  const timer = setInterval(() => (peak = Math.max(peak, used())), 10);
  try {
    const outcome = await work();
    return { growth: Math.max(peak, used()) - before, result: outcome };
  } finally {
    clearInterval(timer);
  }
}
