// Customers with orders with lines, which go together; with the package or with the ORM alone.
import { Cascade, defineEntity, MikroORM, p } from '@mikro-orm/postgresql';

const LINES_PER_ORDER = 100;
const ORDERS_PER_CUSTOMER = 10;
const ROWS_PER_CUSTOMER = 1 + ORDERS_PER_CUSTOMER + ORDERS_PER_CUSTOMER * LINES_PER_ORDER;

/**
 * A database with about as many rows as asked for, of which the most are lines.
 *
 * @param softly - whether the package is installed; if not, the ORM deletes physically, as far as it has loaded
 * @param onStatement - called with each statement; `undefined` where time is measured
 * @param options - those of `softDeletable()` for each entity
 * @param others - further entities of the ORM
 */
export async function openShop(
  server,
  { installSoftDelete, softDeletable },
  { rows, softly, onStatement, options, others = [] },
) {
  const { Customer, Order, Line } = shopEntities((entity) => (softly ? softDeletable(entity, options) : entity));
  await server.create('shop', []);
  const orm = await MikroORM.init({
    clientUrl: server.url('shop'),
    entities: [Customer, Order, Line, ...others],
    ...(onStatement ? { debug: ['query'], colors: false, logger: onStatement } : {}),
  });
  await orm.schema.create();
  if (softly) {
    installSoftDelete(orm);
  }
  const customers = Math.max(1, Math.round(rows / ROWS_PER_CUSTOMER));
  const orders = customers * ORDERS_PER_CUSTOMER;
  const sql = [
    `insert into customer (id, note) select n, 'note' from generate_series(1, ${customers}) as n`,
    `insert into order_ (id, note, customer_id) select n, 'note', 1 + n % ${customers} from generate_series(1, ${orders}) as n`,
    `insert into line (id, note, order_id) select n, repeat('x', 50), 1 + n % ${orders} from generate_series(1, ${orders * LINES_PER_ORDER}) as n`,
    'vacuum analyze',
  ];
  for (const statement of sql) {
    await orm.em.execute(statement);
  }
  const opened = [orm];
  return {
    orm,
    Customer,
    Order,
    Line,
    /** The same shop by an ORM without the package. */
    openPlainly: async () => {
      const entities = shopEntities((entity) => entity);
      const plain = await MikroORM.init({ clientUrl: server.url('shop'), entities: Object.values(entities) });
      opened.push(plain);
      return { orm: plain, ...entities };
    },
    total: customers * ROWS_PER_CUSTOMER,
    close: async () => {
      for (const each of opened) {
        await each.close(true);
      }
      await server.drop('shop');
    },
  };
}

/** @param mark - what makes an entity soft-deletable */
export function shopEntities(mark) {
  const common = {
    id: p.integer().primary(),
    note: p.text(),
    deletedAt: p.datetime().columnType('timestamptz').nullable(),
  };
  const behind = (entity, mappedBy) => () => p.oneToMany(entity()).mappedBy(mappedBy).cascade(Cascade.REMOVE);
  const Customer = mark(
    defineEntity({
      name: 'Customer',
      tableName: 'customer',
      properties: { ...common, orders: behind(() => Order, 'customer') },
    }),
  );
  const Order = mark(
    defineEntity({
      name: 'Order',
      tableName: 'order_',
      properties: {
        ...common,
        customer: () => p.manyToOne(Customer).index(),
        lines: behind(() => Line, 'order'),
      },
    }),
  );
  const Line = mark(
    defineEntity({
      name: 'Line',
      tableName: 'line',
      properties: { ...common, order: () => p.manyToOne(Order).index() },
    }),
  );
  return { Customer, Order, Line };
}
