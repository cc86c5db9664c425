// Operations on many rows, with and without what this package keeps on record.
import { withProcessorTime } from '../support/processor-time.mjs';

const DAY = 86_400_000;

/** What is measured, and how many rows of the shop it reaches. */
export const OPERATIONS = {
  softDelete: {
    rows: 10_000,
    run: ({ library, shop }) =>
      new library.SoftDeleteRepository(shop.orm.em.fork(), shop.Customer.meta.class).softDelete({}),
  },
  flush: {
    rows: 2_000,
    prepare: ({ shop }) => {
      const em = shop.orm.em.fork();
      return em.find(shop.Line, {}, { limit: 1_000 }).then((lines) => ({ em, lines }));
    },
    run: (_world, { em, lines }) => {
      lines.forEach((line) => em.remove(line));
      return em.flush();
    },
  },
  hardDelete: {
    rows: 10_000,
    run: ({ library, shop }) =>
      new library.SoftDeleteRepository(shop.orm.em.fork(), shop.Customer.meta.class).hardDelete({}),
  },
  purge: {
    rows: 100_000,
    prepare: async ({ shop }) => {
      for (const table of ['line', 'order_', 'customer']) {
        await shop.orm.em.execute(`update ${table} set deleted_at = now() - interval '60 days'`);
      }
      await shop.orm.em.execute('vacuum analyze');
    },
    run: ({ library, shop }) => library.createPurge(shop.orm, { pauseBetweenBatches: 0, brake: false }).run(),
  },
};

/**
 * Runs an operation on a fresh shop.
 *
 * @param others - the entities of this package that the ORM has
 * @param isCounted - counts statements instead of measuring, which slows the ORM down
 */
export async function runOnShop(context, name, { others, options, isCounted = false }) {
  const { server, library, openShop, rows } = context;
  const operation = OPERATIONS[name];
  const statements = [];
  const shop = await openShop({
    rows: rows(operation.rows),
    softly: true,
    others,
    options: { retention: 30 * DAY, ...options },
    ...(isCounted ? { onStatement: (statement) => statements.push(statement) } : {}),
  });
  const client = await server.connect('shop');
  try {
    // What the first call loads and compiles is no part of it.
    await new library.SoftDeleteRepository(shop.orm.em.fork(), shop.Customer.meta.class).softDelete({ id: -1 });
    const world = { library, shop };
    const prepared = await operation.prepare?.(world);
    await client.query('checkpoint');
    statements.length = 0;
    const { ms, processor } = await withProcessorTime(client, () => operation.run(world, prepared));
    return { ms, processor, statements: [...statements] };
  } finally {
    await client.end();
    await shop.close();
  }
}

/** Measures two kinds in turn, each on a fresh shop, the other one first in every second round. */
export async function compare(context, name, rounds, kinds) {
  const runs = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]));
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? Object.keys(kinds) : Object.keys(kinds).toReversed();
    for (const kind of order) {
      runs[kind].push(await runOnShop(context, name, kinds[kind]));
    }
  }
  return runs;
}
