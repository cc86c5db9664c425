import { defineEntity, p } from '@mikro-orm/core';
import { createPurge, softDeletable, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities, createCompliance } from 'nestjs-mikro-orm-soft-delete/compliance';
import { getInstallation } from '../../../lib/installation/installation.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const View = softDeletable(
  defineEntity({
    name: 'View',
    properties: {
      id: p.integer().primary(),
      path: p.text(),
      at: p.datetime().nullable(),
    },
  }),
  { strategy: 'archive', retention: '30d' },
);

/** A composite key, of which a part has another text in JavaScript. */
const Movement = softDeletable(
  defineEntity({
    name: 'Movement',
    properties: { product: p.text().primary(), at: p.datetime().primary(), amount: p.decimal() },
  }),
  { strategy: 'archive' },
);

/** Not archived. */
const Page = softDeletable(
  defineEntity({
    name: 'Page',
    properties: { id: p.integer().primary(), path: p.text().unique(), deletedAt: p.datetime().nullable() },
  }),
);

describe('Archived rows that nothing belongs to', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([View, Movement, Page, ...complianceEntities()] as never);
  });
  afterAll(() => test.close());
  beforeEach(async () => {
    await test.database.query(
      `set session_replication_role = 'replica'; truncate view, movement, page, deletion_archive, deletion_record; reset session_replication_role`,
    );
    await test.database.query(
      `insert into view select g, '/' || g % 10, null from generate_series(1, 2500) as g;
       insert into movement values ('a"b,c', '2026-01-02 03:04:05.678+00', 1.50), ('ü', '2026-01-02 03:04:05+00', -2)`,
    );
    test.statements.length = 0;
  });

  const repo = (entity: unknown, em = test.orm.em.fork()) =>
    em.getRepository(entity as never) as unknown as SoftDeleteRepository<any>;
  const count = async (sql: string) => (await test.database.query(`select count(*)::int as n ${sql}`))[0]!.n as number;
  const contents = (table: string) => test.database.query(`select * from ${table} order by 1`);

  it('go in one statement, however many there are, and come back', async () => {
    const before = await contents('view');
    const { affected, deletedAt } = await repo(View).softDelete({ path: { $ne: '/0' } });

    expect(affected).toEqual({ View: 2250 });
    const sent = test.statements.filter((sql) => !/^(begin|commit|savepoint|release|set )/i.test(sql));
    expect(sent.filter((sql) => sql.includes('delete from'))).toHaveLength(1);
    expect(sent.some((sql) => sql.includes('for update'))).toBe(false);
    expect(Math.max(...test.statements.map((sql) => sql.length))).toBeLessThan(5_000);
    expect(await count('from view')).toBe(250);
    const [{ unit, n }] = (await test.database.query(
      `select min(unit) as unit, count(distinct unit)::int as n from deletion_archive`,
    )) as [{ unit: Date; n: number }];
    expect([unit.getTime(), n]).toEqual([deletedAt.getTime(), 1]);
    expect((await repo(View).restore({ path: { $like: '/%' } })).total).toBe(2250);
    expect(await contents('view')).toEqual(before);
  });

  it('cost a restoration that has to do with none of them no statement about values that are taken', async () => {
    await test.database.query(`insert into page values (1, '/', now())`);
    expect((await repo(Page).restore(1)).total).toBe(1);

    // The statement that writes the rows looks for them itself.
    const looking = test.statements.filter((sql) => sql.includes('conflicting'));
    expect(looking).toEqual([expect.stringContaining('update "page"')]);
    expect(await count('from page where deleted_at is null')).toBe(1);
  });

  it('are recorded and told with their keys, all of them in the record', async () => {
    const events: any[] = [];
    const subscription = getInstallation(test.orm.em).events.stream$.subscribe((event) => events.push(event));
    await repo(View).softDelete({ id: { $lte: 2 } }, { actor: 'ada', reason: 'old' });
    await repo(View).softDelete({});
    subscription.unsubscribe();

    expect(events).toMatchObject([
      { type: 'archived', entity: 'View', count: 2, keys: [1, 2], actor: 'ada', reason: 'old' },
      { type: 'archived', entity: 'View', count: 2498 },
    ]);
    expect(events[1].keys).toBeUndefined();
    const records = await test.database.query(
      `select count::int, json_array_length(keys) as keys, unit is not null as unit, units from deletion_record order by id`,
    );
    expect(records).toEqual([
      { count: 2, keys: 2, unit: true, units: null },
      { count: 2498, keys: 2498, unit: true, units: null },
    ]);
    const { log } = createCompliance(test.orm);
    const [entry] = await log.of(View.meta.class as never, 2000 as never);
    expect(entry).toMatchObject({ action: 'archived', count: 2498 });
    expect(entry!.keys).toContain(2000);
  });

  it('keep composite keys, in records, memory and archive alike', async () => {
    const before = await contents('movement');
    const em = test.orm.em.fork();
    const held: any[] = await em.find(Movement.meta.class as never, {});
    await repo(Movement, em).softDelete({});

    expect(await em.findOne(Movement.meta.class as never, { product: 'ü' } as never)).toBeNull();
    expect(held.map((movement) => repo(Movement, em).isDeleted(movement))).toEqual([true, true]);
    const [{ keys }] = (await test.database.query('select keys from deletion_record')) as [{ keys: string[][] }];
    expect(keys.map(([product]) => product).toSorted()).toEqual(['a"b,c', 'ü']);
    expect((await repo(Movement).restore(held[0])).total).toBe(1);
    expect((await repo(Movement).restore({ amount: '-2' })).total).toBe(1);
    expect(await contents('movement')).toEqual(before);
  });

  it('leave memory when they go, and are in it again where the transaction does not last', async () => {
    const em = test.orm.em.fork();
    const [one, other]: any[] = await em.find(View.meta.class as never, { id: { $lte: 2 } } as never);
    await expect(
      em.transactional(async (inner) => {
        await repo(View, inner as never).softDelete({ id: 1 });
        expect(await inner.findOne(View.meta.class as never, 1 as never)).toBeNull();
        throw new Error('undone');
      }),
    ).rejects.toThrow('undone');
    expect(await em.findOne(View.meta.class as never, 1 as never)).toBe(one);
    expect(repo(View, em).isDeleted(one)).toBe(false);

    await repo(View, em).softDelete({ id: 1 });
    one.path = '/changed';
    other.path = '/changed';
    await em.flush();
    expect(await count(`from view where path = '/changed'`)).toBe(1);
    expect(await count('from view where id = 1')).toBe(0);
  });

  it('stay if they do not match any more when their lock is free', async () => {
    const client = await test.database.connect();
    await client.query(`begin; update view set path = '/kept' where id = 1`);
    const deletion = repo(View).softDelete({ path: '/1', id: { $lte: 11 } });
    while (
      (await count(`from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`)) === 0
    ) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await client.query('commit');
    await client.end();

    expect((await deletion).total).toBe(1);
    expect(await count(`from view where path = '/kept'`)).toBe(1);
    expect(await count('from deletion_archive')).toBe(1);
  });

  it('are looked at one by one as soon as something points at them', async () => {
    await test.database.query('create table hint (id int primary key, view_id int references view on delete set null)');
    try {
      await test.database.query('insert into hint values (1, 7)');
      await repo(View).softDelete({ id: { $lte: 10 } });
      expect(await contents('hint')).toEqual([{ id: 1, view_id: null }]);
      await repo(View).restore({ id: { $lte: 10 } });
      expect(await contents('hint')).toEqual([{ id: 1, view_id: 7 }]);
      await test.database.query(
        'alter table hint drop constraint hint_view_id_fkey, add foreign key (view_id) references view',
      );
      await expect(repo(View).softDelete({})).rejects.toThrow('1 public.hint row prevents it (hint_view_id_fkey)');
      expect(await count('from view')).toBe(2500);
    } finally {
      await test.database.query('drop table hint');
    }
  });

  it('are found by other tables of a condition, by a bare entity and by a list of keys', async () => {
    const raw = await import('@mikro-orm/core').then((core) => core.raw);
    await repo(View).softDelete({ [raw('id in (select 3)')]: [] } as never);
    await repo(View).softDelete([4, 5]);
    await repo(View).nativeDelete({ id: 6 });
    expect((await test.database.query('select key from deletion_archive order by key')).map(({ key }) => key)).toEqual([
      '3',
      '4',
      '5',
      '6',
    ]);
    const { total } = await createPurge(test.orm, { retention: 0 as never }).run({ overrideBrake: true });
    expect(total).toBe(0);
  });

  it('are found by keys that are times, whatever the time zones of the sessions are', async () => {
    const before = await contents('movement');
    const at = new Date('2026-01-02T03:04:05.678Z');
    for (const [deleting, restoring] of [
      ['America/New_York', 'UTC'],
      ['UTC', 'Asia/Kathmandu'],
      ['Asia/Tokyo', 'America/New_York'],
    ] as const) {
      const within = (zone: string, work: (movements: SoftDeleteRepository<any>) => Promise<unknown>) =>
        test.orm.em.fork().transactional(async (em) => {
          await em.execute(`set local timezone = '${zone}'`);
          await work(repo(Movement, em as never));
        });
      await within(deleting, (movements) => movements.softDelete({ amount: { $gt: 0 } } as never));
      await within(restoring, async (movements) => {
        expect((await movements.restore({ product: 'a"b,c', at } as never)).total).toBe(1);
      });
      expect(await contents('movement')).toEqual(before);
    }
    const { log } = createCompliance(test.orm);
    expect(await log.of(Movement.meta.class as never, ['a"b,c', at] as never)).toHaveLength(6);
  });

  it('come back where they were archived before the archive noted schemas', async () => {
    const before = await contents('view');
    await repo(View).softDelete(1);
    await test.database.query('alter table deletion_archive drop column schema');
    await test.database.query(await test.orm.schema.getUpdateSchemaSQL());
    expect((await repo(View).restore(1)).total).toBe(1);
    expect(await contents('view')).toEqual(before);
  });
});
