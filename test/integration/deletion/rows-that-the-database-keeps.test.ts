import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey } from '@mikro-orm/decorators/legacy';
import {
  DeletionRestrictedError,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable()
@Entity()
class Crate extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToMany(() => Bottle, (bottle) => bottle.crate, { cascade: [Cascade.ALL] })
  bottles = new Collection<Bottle>(this);
}

@SoftDeletable()
@Entity()
class Bottle extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Crate, { createForeignKeyConstraint: false })
  crate!: Rel<Crate>;
}

describe('a removal of rows that the database keeps', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Crate, Bottle]);
    await test.database.query(`
      create function keep() returns trigger language plpgsql as $$
        begin if old.id = 2 then return null; end if; return old; end $$`);
  });

  beforeEach(() =>
    test.database.query(`
      truncate crate, bottle restart identity;
      insert into crate default values; insert into crate default values; insert into crate default values;
      insert into bottle (crate_id) values (1), (1), (3)`),
  );

  afterAll(() => test.close());

  const repository = <Entity extends object>(entity: new () => Entity) =>
    new SoftDeleteRepository<Entity>(test.orm.em.fork(), entity);
  const rows = async (table: string) => (await test.database.query(`select id from ${table} order by id`)).length;

  it.each([
    ['of the rows themselves', Crate, [1, 2, 3], 'crate', 'Crate'],
    ['of rows that go along', Crate, [1], 'bottle', 'Bottle'],
    ['of the only row', Bottle, [2], 'bottle', 'Bottle'],
  ] as const)('is refused as a whole where a trigger skips one %s', async (_which, entity, keys, table, kept) => {
    await test.database.query(`create trigger keep before delete on ${table} for each row execute function keep()`);
    try {
      const restrictions = [{ relation: `a trigger of ${table}`, entity: kept, count: 1 }];
      const error = await repository<object>(entity)
        .hardDelete([...keys])
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(DeletionRestrictedError);
      expect(error).toMatchObject({ restrictions });
      await expect(repository<object>(entity).hardDelete([...keys], { dryRun: true })).resolves.toMatchObject({
        restrictions,
      });
      await expect(Promise.all(['crate', 'bottle'].map(rows))).resolves.toEqual([3, 3]);
    } finally {
      await test.database.query(`drop trigger keep on ${table}`);
    }
  });

  it('is refused where a policy of row-level security lets the role see the row and not remove it', async () => {
    await test.database.query(`
      create role keeper; grant usage on schema public to keeper; grant select, update, delete on crate, bottle to keeper;
      alter table crate enable row level security;
      create policy seen on crate for select to keeper using (true);
      create policy changed on crate for update to keeper using (true);
      create policy removed on crate for delete to keeper using (id <> 2)`);
    try {
      const removal = (keys: number[]) =>
        test.orm.em.fork().transactional(async (em) => {
          await em.execute('set local role keeper');
          return new SoftDeleteRepository(em, Crate).hardDelete(keys);
        });
      await expect(removal([2, 3])).rejects.toThrow('(row-level security of crate)');
      await expect(Promise.all(['crate', 'bottle'].map(rows))).resolves.toEqual([3, 3]);
      await expect(removal([3])).resolves.toBe(2);
    } finally {
      await test.database.query(`
        alter table crate disable row level security; drop policy seen on crate; drop policy changed on crate; drop policy removed on crate;
        drop owned by keeper; drop role keeper`);
    }
  });

  it('removes and counts what no trigger keeps', async () => {
    await expect(repository(Crate).hardDelete([1, 2, 3])).resolves.toBe(6);
    await expect(Promise.all(['crate', 'bottle'].map(rows))).resolves.toEqual([0, 0]);
  });
});
