// Customers whose data is in four tables; with the package or with the ORM alone.
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';

/** How the rows of one customer are spread over the tables. */
const SHARES = { order: 0.3, line: 0.5, message: 0.2 };

/**
 * Opens an ORM over a fresh database of customers, each with the same number of rows.
 *
 * @param library - the package's exports; nothing for the ORM alone
 */
export async function openPeople(server, library, { name, customers, rowsPerCustomer }) {
  const common = {
    id: p.integer().primary(),
    createdAt: p.datetime().defaultRaw('now()'),
    updatedAt: p
      .datetime()
      .defaultRaw('now()')
      .onUpdate(() => new Date()),
  };
  const Customer = defineEntity({
    name: 'Customer',
    tableName: 'customer',
    properties: {
      ...common,
      email: p.text().unique(),
      name: p.text(),
      phone: p.text().nullable(),
      address: p.json().nullable(),
      orders: () => p.oneToMany(Order).mappedBy('customer'),
      messages: () => p.oneToMany(Message).mappedBy('sender'),
    },
  });
  const Order = defineEntity({
    name: 'Order',
    tableName: 'order_',
    properties: {
      ...common,
      customer: () => p.manyToOne(Customer).index(),
      shipTo: p.text().nullable(),
      billTo: p.text().nullable(),
      phone: p.text().nullable(),
      status: p.text(),
      comment: p.text().nullable(),
      paidAt: p.datetime().nullable(),
      total: p.integer(),
      lines: () => p.oneToMany(Line).mappedBy('order'),
    },
  });
  const Line = defineEntity({
    name: 'Line',
    tableName: 'line',
    properties: {
      ...common,
      order: () => p.manyToOne(Order).index(),
      product: p.text(),
      engraving: p.text().nullable(),
      price: p.integer(),
    },
  });
  const Message = defineEntity({
    name: 'Message',
    tableName: 'message',
    properties: { ...common, sender: () => p.manyToOne(Customer).index(), subject: p.text(), body: p.text() },
  });
  if (library) {
    const { personalData, erased } = library;
    personalData(Customer, {
      subject: true,
      fields: { email: erased.email(), name: '[erased]', phone: null, address: null },
    });
    personalData(Order, {
      of: 'customer',
      fields: { shipTo: null, billTo: null, phone: null, comment: null },
      notPersonal: ['status'],
    });
    personalData(Line, { of: 'order.customer', fields: { engraving: null }, notPersonal: ['product'] });
    personalData(Message, { of: 'sender', erase: 'row' });
  }
  await server.create(name, []);
  const orm = await MikroORM.init({
    clientUrl: server.url(name),
    entities: [Customer, Order, Line, Message, ...(library ? library.complianceEntities() : [])],
  });
  await orm.schema.create();
  if (library) {
    library.installSoftDelete(orm);
  }
  const count = (table) => Math.round(rowsPerCustomer * SHARES[table]) * customers;
  const orders = count('order');
  for (const sql of [
    `insert into customer (id, email, name, phone, address)
       select n, 'customer-' || n || '@mail.example', 'Given Family' || n, '+49 30 555' || 1000 + n, jsonb_build_object('street', 'Long Street ' || n, 'city', 'Springfield')
       from generate_series(1, ${customers}) as n`,
    `insert into order_ (id, customer_id, ship_to, bill_to, phone, status, comment, paid_at, total)
       select n, 1 + n % ${customers}, 'Given Family' || 1 + n % ${customers} || ', Long Street ' || n, 'Office Park ' || n, '+49 30 555' || n, 'shipped',
         case when n % 3 = 0 then 'Please ring twice, and leave it with ' || md5(n::text) end, now(), n % 1000
       from generate_series(1, ${orders}) as n`,
    `insert into line (id, order_id, product, engraving, price)
       select n, 1 + n % ${orders}, 'product ' || n % 700, case when (n / 7) % 2 = 0 then 'For my dear ' || md5((n % 5000)::text) end, n % 100
       from generate_series(1, ${count('line')}) as n`,
    `insert into message (id, sender_id, subject, body)
       select n, 1 + n % ${customers}, 'About my order ' || n, repeat(md5(n::text) || ' ', 12) from generate_series(1, ${count('message')}) as n`,
    'vacuum analyze',
  ]) {
    await orm.em.execute(sql);
  }
  return {
    orm,
    database: name,
    Customer: Customer.meta.class,
    Order: Order.meta.class,
    Line: Line.meta.class,
    Message: Message.meta.class,
    close: async () => {
      await orm.close(true);
      await server.drop(name);
    },
  };
}
