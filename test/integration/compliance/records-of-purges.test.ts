import { inspect } from 'node:util';
import { PrimaryKeyProp, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  createPurge,
  SoftDeletable,
  SoftDeletableEntity,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { type Compliance, complianceEntities, createCompliance } from 'nestjs-mikro-orm-soft-delete/compliance';
import { KEY_TYPES, KEY_TYPES_SQL, type KeyType } from '../../support/key-types.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

/** A row with a key of one type, rows behind it whose key contains that, and one that references others of its kind. */
function family({ name, column, value }: KeyType) {
  @SoftDeletable()
  @Entity({ tableName: `${name}_root` })
  class Root extends SoftDeletableEntity {
    @PrimaryKey(column as never)
    id!: any;
  }

  @SoftDeletable({ property: 'goneAt' })
  @Entity({ tableName: `${name}_child` })
  class Child {
    [PrimaryKeyProp]?: ['root', 'part'];

    @ManyToOne(() => Root, { primary: true })
    root!: Rel<Root>;

    @PrimaryKey({ type: 'text' })
    part!: string;

    @Property({ type: 'datetime', columnType: 'timestamp', nullable: true })
    goneAt?: Date;
  }

  @SoftDeletable()
  @Entity({ tableName: `${name}_node` })
  class Node extends SoftDeletableEntity {
    @PrimaryKey(column as never)
    id!: any;

    @ManyToOne(() => Node, { nullable: true })
    parent?: Rel<Node>;
  }

  return { name, value, Root: Root as any, Child: Child as any, Node: Node as any };
}

const partOf = (n: number) => `],["${n}`;

describe.each(KEY_TYPES.map(family))('the records of a purge of keys of the type $name', (entities) => {
  const { name, value, Root, Child, Node } = entities;
  let test: TestOrm;
  let log: Compliance['log'];
  let em: EntityManager;

  beforeAll(async () => {
    // Times without zone are read in the session's.
    const elsewhere = `do $$ begin execute format('alter database %I set timezone to %L', current_database(), 'Asia/Tokyo'); end $$`;
    test = await createTestOrm(
      [Root, Child, Node, ...complianceEntities()],
      {},
      { actor: () => "it's" },
      `${KEY_TYPES_SQL}; ${elsewhere}`,
    );
    ({ log } = createCompliance(test.orm));
    await test.database.query(`
      create table refused (part text);
      create function refuse() returns trigger language plpgsql as $$ begin
        if exists (select from refused as r where r.part = old.part) then raise exception 'not this one'; end if;
        return old;
      end $$;
      create trigger refuse before delete on ${name}_child for each row execute function refuse()`);
  });
  afterAll(() => test.close());

  beforeEach(async () => {
    await test.database.query(
      `truncate ${name}_child, ${name}_root, ${name}_node, refused, deletion_record restart identity`,
    );
    em = test.orm.em.fork() as EntityManager;
    for (const n of [1, 2, 3]) {
      const root: any = em.create(Root, { id: value(n) } as never);
      em.create(Child, { root, part: partOf(n) } as never);
      em.create(Node, { id: value(n) } as never);
    }
    await em.flush();
    await test.database.query(
      `update ${name}_node as c set parent_id = p.id from ${name}_node as p where p.id < c.id and not exists (
         select from ${name}_node as b where p.id < b.id and b.id < c.id)`,
    );
    em = test.orm.em.fork() as EntityManager;
    for (const n of [1, 2, 3]) {
      await remove(Child, [value(n), partOf(n)], n);
      await remove(Root, value(n), n);
    }
    for (const n of [3, 2, 1]) {
      await remove(Node, value(n), n);
    }
  });

  const remove = (entity: any, key: unknown, n: number) =>
    (em.getRepository(entity) as unknown as SoftDeleteRepository<object>).softDelete(key as never, {
      reason: `deletion ${n}`,
    });
  const sorted = (keys: readonly unknown[]) => keys.map((key) => inspect(key)).toSorted();
  /** What is on record of an entity's rows, and of each of those that went. */
  const expectRecords = async (entity: any, keyOf: (n: number) => unknown, gone = [1, 2, 3]) => {
    const records = await log.find({ entity, action: 'purged' });
    expect(records.reduce((sum, { count }) => sum + count, 0)).toBe(gone.length);
    expect(sorted(records.flatMap(({ keys }) => keys!))).toEqual(sorted(gone.map(keyOf)));
    for (const n of [1, 2, 3]) {
      const entries = (await log.of(entity, keyOf(n) as never)).map(({ action, reason, actor }) => [
        action,
        reason,
        actor,
      ]);
      const purged = gone.includes(n) ? [['purged', undefined, "it's"]] : [];
      expect(entries).toEqual([...purged, ['deleted', `deletion ${n}`, "it's"]]);
    }
  };
  const childKey = (n: number) => [value(n), partOf(n)];
  const create = (options = {}) =>
    createPurge(test.orm, { retention: 0, pauseBetweenBatches: 0, brake: false, ...options });
  const purge = (options = {}) => create(options).run();

  it.each([1, 1000])('name every row, %s a batch, and lead to its deletion', async (batchSize) => {
    expect(await purge({ batchSize })).toMatchObject({ total: 9 });
    await expectRecords(Root, value);
    await expectRecords(Child, childKey);
    await expectRecords(Node, value);
    const [{ records }] = (await test.database.query(
      `select count(*)::int as records from deletion_record where action = 'purged'`,
    )) as [{ records: number }];
    expect(records).toBe(batchSize === 1 ? 9 : 3);
  });

  it('name no row that stays, where others of its batch go', async () => {
    await test.database.query(`insert into refused values ('${partOf(2)}')`);
    expect(await purge()).toMatchObject({ total: 7 });
    await expectRecords(Root, value, [1, 3]);
    await expectRecords(Child, childKey, [1, 3]);
    await expectRecords(Node, value);
  });

  it('keep the rows of a batch whose record is refused, and let the others go', async () => {
    await test.database.query(`
      create function refuse_record() returns trigger language plpgsql as $$ begin
        if new.count > 0 and new.entity like '%Child' then raise exception 'no record'; end if; return new; end $$;
      create trigger refuse_record before insert on deletion_record for each row execute function refuse_record()`);
    try {
      const report = await purge();
      expect(report.entities.map(({ purged, failed, blocked }) => [purged, failed, blocked])).toEqual(
        expect.arrayContaining([
          [0, 3, 0],
          [3, 0, 0],
          [0, 0, 3],
        ]),
      );
    } finally {
      await test.database.query('drop function refuse_record cascade');
    }
    expect(await test.database.query(`select count(*)::int as n from ${name}_child`)).toEqual([{ n: 3 }]);
    await expectRecords(Child, childKey, []);
    await expectRecords(Node, value);
  });

  it('name every row where handlers are called before', async () => {
    const service = create();
    for (const entity of [Root, Child, Node]) {
      service.registerHook(entity, () => undefined);
    }
    expect(await service.run()).toMatchObject({ total: 9 });
    await expectRecords(Root, value);
    await expectRecords(Child, childKey);
    await expectRecords(Node, value);
  });

  it('are the same where the table has keys of the type `jsonb`, as it once had', async () => {
    await test.database.query('alter table deletion_record alter keys type jsonb using keys::jsonb');
    await purge();
    await expectRecords(Root, value);
    await expectRecords(Child, childKey);
    await test.database.query('alter table deletion_record alter keys type json using keys::json');
  });

  it('name every row of a circle', async () => {
    await test.database.query(
      `update ${name}_node set parent_id = (select id from ${name}_node order by id desc limit 1) where parent_id is null`,
    );
    expect(await purge()).toMatchObject({ total: 9 });
    await expectRecords(Node, value);
  });
});
