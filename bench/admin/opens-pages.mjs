import 'reflect-metadata';
import { pathToFileURL } from 'node:url';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { Cascade, defineEntity, MikroORM, p, PostgreSqlDriver } from '@mikro-orm/postgresql';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { median, result, timed } from '../support/measure.mjs';

const ROUNDS = 31;
const LIMIT = 50;

/** A page of deleted rows as the API answers it, against the query for its rows alone: through HTTP, with labels, units and dates. */
export async function* opensPages(context) {
  yield* openPages(context, []);
}

/** The same with a record of each deletion, by whom and why, which a page shows of its rows. */
export async function* opensPagesWithRecords(context) {
  const { complianceEntities } = await import(pathToFileURL(`${context.folder}/lib/compliance/index.js`).href);
  yield* openPages(context, complianceEntities());
}

async function* openPages({ server, library, rows, folder }, records) {
  const { SoftDeleteAdminModule } = await import(pathToFileURL(`${folder}/lib/admin/index.js`).href);
  const count = rows(100_000);
  const { Customer, Order } = shopOf(library);
  await server.create('admin', []);
  const options = { clientUrl: server.url('admin'), entities: [Customer, Order, ...records] };
  await fill(options, library, count, records.length > 0);
  function AdminApp() {}
  Module({
    imports: [
      MikroOrmModule.forRoot({ driver: PostgreSqlDriver, ...options }),
      library.SoftDeleteModule.forRoot({ purge: { retention: '30d' } }),
      SoftDeleteAdminModule.forRoot({
        path: 'admin',
        guards: 'none',
        ui: false,
        entities: [{ entity: Customer, columns: ['name'], search: ['name'] }],
      }),
    ],
  })(AdminApp);
  const app = await NestFactory.create(AdminApp, { logger: false });
  await app.listen(0, '127.0.0.1');
  const client = await server.connect('admin');
  const address = `http://127.0.0.1:${app.getHttpServer().address().port}/admin/api/entities/Customer/rows?limit=${LIMIT}`;
  const raw = `select * from customer where deleted_at is not null`;
  const by = (actor) => [
    `&actor=${actor}`,
    `${raw} and deleted_at in (select unit from deletion_record where entity = 'Customer' and action = 'deleted' and actor = '${actor}')
       order by deleted_at desc, id desc limit ${LIMIT}`,
  ];
  const pages = {
    'the first page': ['', `${raw} order by deleted_at desc, id desc limit ${LIMIT}`],
    'a page sorted by name': ['&sort=name', `${raw} order by name, id limit ${LIMIT}`],
    'a search': ['&q=99', `${raw} and name ilike '%99%' order by deleted_at desc, id desc limit ${LIMIT}`],
    ...(records.length > 0 && {
      'a page of somebody who deleted most of them': by('most'),
      'a page of somebody who deleted few of them': by('few'),
    }),
  };
  const kept = records.length > 0 ? ' with a record each' : '';
  for (const [what, [parameters, sql]] of Object.entries(pages)) {
    const [asked, alone] = await inTurns(
      () => page(address + parameters),
      () => client.query(sql),
    );
    yield result(`${what} of ${count.toLocaleString('en')} deleted rows${kept}, on top of its query`, asked - alone, {
      atMost: 50,
      unit: ' ms',
      digits: 1,
      details: `${asked.toFixed(1)} against ${alone.toFixed(1)} ms, medians of ${ROUNDS}`,
    });
  }
  await client.end();
  await app.close();
  await server.drop('admin');
}

async function page(address) {
  const response = await fetch(address);
  const { rows } = await response.json();
  if (rows?.length !== LIMIT || rows[0].unitSize !== 3) {
    throw new Error(`${address} answers ${response.status} with ${rows?.length} rows of ${rows?.[0]?.unitSize}`);
  }
}

async function inTurns(...works) {
  const times = works.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, work] of works.entries()) {
      times[i].push((await timed(work)).ms);
    }
  }
  return times.map(median);
}

const RECORDS = `
  insert into deletion_record (at, action, entity, unit, count, actor, reason)
    select deleted_at, 'deleted', entity, deleted_at, count, case when id % 1000 = 0 then 'few' else 'most' end, 'closed'
    from customer, (values ('Customer', 1), ('Order', 2)) as of (entity, count) where deleted_at is not null`;

/** Customers with two orders each, deleted one after the other, and as many that are active. */
async function fill(options, { installSoftDelete }, count, keepsRecords) {
  const orm = await MikroORM.init(options);
  installSoftDelete(orm);
  await orm.schema.create();
  for (const statement of [
    `insert into customer (id, name, deleted_at)
       select n, 'Customer ' || md5(n::text), case when n % 2 = 0 then now() - n * interval '1 second' end
       from generate_series(1, ${count * 2}) as n`,
    `insert into order_ (id, customer_id, deleted_at)
       select c.id * 2 + k, c.id, c.deleted_at from customer as c, generate_series(0, 1) as k`,
    ...(keepsRecords ? [RECORDS] : []),
    'vacuum analyze',
  ]) {
    await orm.em.execute(statement);
  }
  await orm.close(true);
}

function shopOf({ softDeletable }) {
  const deletedAt = p.datetime().columnType('timestamptz').nullable();
  const Customer = softDeletable(
    defineEntity({
      name: 'Customer',
      tableName: 'customer',
      properties: {
        id: p.integer().primary(),
        name: p.text(),
        deletedAt,
        orders: () => p.oneToMany(Order).mappedBy('customer').cascade(Cascade.REMOVE),
      },
    }),
  );
  const Order = softDeletable(
    defineEntity({
      name: 'Order',
      tableName: 'order_',
      properties: { id: p.integer().primary(), deletedAt, customer: () => p.manyToOne(Customer).index() },
    }),
  );
  return { Customer, Order };
}
