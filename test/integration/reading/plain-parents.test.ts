import { Collection, type Ref, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, OneToOne, PrimaryKey } from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import { runInScope, SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@Entity()
class Cellar {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToMany(() => Rack, (rack) => rack.cellar)
  racks = new Collection<Rack>(this);
}

@Entity()
class Rack {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Cellar)
  cellar!: Rel<Cellar>;

  @OneToMany(() => Bottle, (bottle) => bottle.rack)
  bottles = new Collection<Bottle>(this);

  @OneToOne(() => Plate, (plate) => plate.rack, { ref: true })
  plate?: Ref<Plate> | null;
}

@SoftDeletable()
@Entity()
class Bottle extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Rack)
  rack!: Rel<Rack>;
}

@SoftDeletable()
@Entity()
class Plate extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToOne(() => Rack, (rack) => rack.plate, { owner: true, ref: true, unique: false })
  rack!: Ref<Rack>;
}

describe('a read of rows that are not soft-deletable', () => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm([Cellar, Rack, Bottle, Plate]);
  });
  beforeEach(async () => {
    await test.database.query(`
      truncate cellar, rack, bottle, plate restart identity cascade;
      insert into cellar default values;
      insert into rack (cellar_id) values (1), (1);
      insert into bottle (rack_id, deleted_at) values (1, now()), (1, null), (2, now());
      insert into plate (rack_id, deleted_at) values (1, now()), (2, null)`);
    em = test.orm.em.fork() as EntityManager;
    await runInScope(em, 'with', () => em.findOneOrFail(Cellar, 1, { populate: ['racks.bottles', 'racks.plate'] }));
  });
  afterAll(() => test.close());

  const shown = (racks: readonly Rack[]) =>
    racks.map(({ bottles, plate }) => [bottles.getItems().map(({ id }) => id), plate?.unwrap().id ?? null]);

  it.each<[string, () => Promise<readonly Rack[]>]>([
    ['the root', async () => (await em.findOneOrFail(Cellar, 1)).racks.getItems()],
    ['all of them', async () => (await em.find(Cellar, {}))[0]!.racks.getItems()],
    ['those in between', () => em.find(Rack, {}, { orderBy: { id: 1 } })],
    ['a reference to one', async () => (await em.findOneOrFail(Bottle, 2)).rack.cellar.racks.getItems()],
  ])('takes deleted rows out of what lies behind them, at any depth: %s', async (_name, read) => {
    expect(shown(await read())).toEqual([
      [[2], null],
      [[], 2],
    ]);
  });

  it('visits what is loaded, and loads nothing by it', async () => {
    const fresh = test.orm.em.fork() as EntityManager;
    await runInScope(fresh, 'with', () => fresh.find(Bottle, {}));
    test.statements.length = 0;
    const cellar = await fresh.findOneOrFail(Cellar, 1);
    expect(test.statements).toHaveLength(1);
    expect(cellar.racks.isInitialized()).toBe(false);
    expect(fresh.getUnitOfWork().getById(Rack, 1 as never)).toMatchObject({ id: 1 });
    await fresh.flush();
    expect(test.statements).toHaveLength(1);
  });
});
