import { Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import {
  ActiveUnique,
  DeletionRestrictedError,
  installSoftDelete,
  RestoreConflictError,
  SoftDeletable,
  SoftDeletableEntity,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable()
@ActiveUnique({ properties: ['name'] })
@Entity()
class Shelf extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text', nullable: true })
  name?: string | null;

  @OneToMany({ entity: () => Box, mappedBy: 'shelf', orphanRemoval: true })
  boxes = new Collection<Box>(this);
}

@SoftDeletable()
@ActiveUnique({ properties: ['code'] })
@Entity()
class Box extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text', nullable: true })
  code?: string | null;

  @ManyToOne({ entity: () => Shelf })
  shelf!: Rel<Shelf>;

  @OneToMany({ entity: () => Item, mappedBy: 'box', orphanRemoval: true })
  items = new Collection<Item>(this);
}

@SoftDeletable()
@Entity()
class Item extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne({ entity: () => Box })
  box!: Rel<Box>;
}

@Entity()
class Room {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

describe('what is kept of the catalog', () => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm([Shelf, Box, Item, Room]);
  });
  afterAll(() => test.close());

  beforeEach(async () => {
    await test.database.query(`
      create table if not exists label (id int primary key, shelf int, box int);
      truncate shelf, box, item, room, label restart identity cascade;
      insert into room default values; insert into room default values;
      insert into shelf (name) values ('a'), ('b');
      insert into box (code, shelf_id) values ('x', 1), ('y', 1), ('z', 2);
      insert into item (box_id) values (1), (2), (3)`);
    em = test.orm.em.fork() as EntityManager;
    test.statements.length = 0;
  });
  afterEach(() => test.database.query('drop table label; alter table shelf drop column if exists room_id'));

  const shelves = (manager = em) => manager.getRepository(Shelf) as unknown as SoftDeleteRepository<Shelf>;
  const count = async (table: string, where = 'true') =>
    (await test.database.query(`select count(*)::int as n from ${table} where ${where}`))[0]!.n as number;

  describe('statements', () => {
    beforeEach(async () => {
      // So that the facts are known.
      await shelves().hardDelete(2);
      await shelves().softDelete(1);
      await shelves().restore(1);
      test.statements.length = 0;
    });

    it('restores a row with two levels below it in eight round trips, those of the transaction included', async () => {
      await shelves().softDelete(1);
      test.statements.length = 0;
      expect(await shelves().restore(1)).toMatchObject({ total: 5 });
      // The beginning and the end of the transaction are not logged.
      expect(test.statements).toHaveLength(6);
      expect(await count('item', 'deleted_at is null')).toBe(2);
    });

    it('removes a row with two levels below it in eight round trips, those of the transaction included', async () => {
      expect(await shelves().hardDelete(1)).toBe(5);
      // The beginning and the end of the transaction are not logged.
      expect(test.statements).toHaveLength(6);
      expect(await count('item')).toBe(0);
    });

    it('looks for deleted owners of rows that were not found behind them, in one more', async () => {
      await shelves().softDelete(1);
      test.statements.length = 0;
      const boxes = em.getRepository(Box) as unknown as SoftDeleteRepository<Box>;
      await expect(boxes.restore(1)).rejects.toMatchObject({
        conflicts: [{ reason: 'parent-deleted', entity: 'Box', key: 1, conflictingKey: 1 }],
      });
      expect(test.statements.filter((sql) => sql.includes('soft-delete:owners'))).toHaveLength(1);
    });
  });

  describe.each([false, true])('in a transaction of the caller: %s', (inside) => {
    const using = <Result>(work: (repository: SoftDeleteRepository<Shelf>) => Promise<Result>) =>
      inside ? em.transactional((tx) => work(shelves(tx as EntityManager))) : work(shelves());

    beforeEach(async () => {
      await shelves().hardDelete(2);
      await shelves().softDelete(1);
      await shelves().restore(1);
    });

    it.each(['no action', 'cascade', 'set null'])(
      'refuses by a key that was added since, on delete %s',
      async (rule) => {
        await test.database.query(`
        insert into label values (1, 1);
        alter table label add constraint late foreign key (shelf) references shelf on delete ${rule}`);
        await expect(using((repository) => repository.hardDelete(1))).rejects.toMatchObject({
          restrictions: [{ relation: 'late', entity: 'label', count: 1 }],
        });
        expect([await count('shelf', 'id = 1'), await count('label', 'shelf = 1')]).toEqual([1, 1]);
      },
    );

    it('refuses by a key to a row that goes along', async () => {
      await test.database.query(`
        insert into label values (1, null, 2);
        alter table label add constraint late foreign key (box) references box on delete cascade`);
      await expect(using((repository) => repository.hardDelete(1))).rejects.toThrow(DeletionRestrictedError);
      expect([await count('box'), await count('label')]).toEqual([2, 1]);
    });

    it('is not held up by a key that is gone, whose table or whose column has another name', async () => {
      await test.database.query(`
        alter table label add constraint early foreign key (shelf) references shelf;
        insert into label values (1, 1)`);
      await expect(using((repository) => repository.hardDelete(1))).rejects.toThrow(DeletionRestrictedError);
      await test.database.query('alter table label rename shelf to place');
      em = test.orm.em.fork() as EntityManager;
      await expect(using((repository) => repository.hardDelete(1))).rejects.toThrow(DeletionRestrictedError);
      await test.database.query('alter table label rename to sticker');
      try {
        em = test.orm.em.fork() as EntityManager;
        await expect(using((repository) => repository.hardDelete(1))).rejects.toMatchObject({
          restrictions: [{ relation: 'early', entity: 'sticker', count: 1 }],
        });
      } finally {
        await test.database.query('alter table sticker rename to label');
      }
      await test.database.query('alter table label drop constraint early');
      em = test.orm.em.fork() as EntityManager;
      expect(await using((repository) => repository.hardDelete(1))).toBe(5);
    });

    it('finds a unique index that was added since, and none that is gone', async () => {
      await test.database.query('create unique index late on shelf (lower(name)) where deleted_at is null');
      try {
        await shelves().softDelete(1);
        await test.database.query(`insert into shelf (name) values ('A')`);
        await expect(using((repository) => repository.restore(1))).rejects.toMatchObject({
          conflicts: [{ reason: 'unique', constraint: 'late', key: 1, conflictingKey: 3 }],
        });
        expect(await count('shelf', 'id = 1 and deleted_at is null')).toBe(0);
      } finally {
        await test.database.query('drop index late');
      }
      em = test.orm.em.fork() as EntityManager;
      expect(await using((repository) => repository.restore(1))).toMatchObject({ total: 5 });
    });

    it('restores by a unique index whose column has another name since', async () => {
      await test.database.query(`
        alter table shelf add column alias text; create unique index late on shelf (alias) where deleted_at is null`);
      try {
        await shelves().softDelete(1);
        await using((repository) => repository.restore(1));
        await shelves().softDelete(1);
        await test.database.query('alter table shelf rename alias to other');
        expect(await using((repository) => repository.restore(1))).toMatchObject({ total: 5 });
      } finally {
        await test.database.query('alter table shelf drop column if exists alias, drop column if exists other');
      }
    });

    it('writes nothing where another row of the unit meets a value that is taken', async () => {
      await shelves().softDelete(1);
      await test.database.query(
        `insert into shelf (name) values ('c'); insert into box (code, shelf_id) values ('y', 3)`,
      );
      const error = await using((repository) => repository.restore(1)).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(RestoreConflictError);
      expect(error).toMatchObject({ conflicts: [{ entity: 'Box', key: 2, conflictingKey: 4 }] });
      expect(await count('shelf', 'id = 1 and deleted_at is null')).toBe(0);
    });

    it('refuses the removal of a plain row by a cascading key that was added since', async () => {
      const flush = async (id: number) => {
        const work = async (manager: EntityManager) => {
          manager.remove(manager.getReference(Room, id));
          await manager.flush();
        };
        await (inside ? em.transactional((tx) => work(tx as EntityManager)) : work(em));
      };
      await flush(1);
      await test.database.query(
        `alter table shelf add column room_id int references room on delete cascade; update shelf set room_id = 2`,
      );
      em = test.orm.em.fork() as EntityManager;
      await expect(flush(2)).rejects.toThrow(DeletionRestrictedError);
      await expect(em.fork().nativeDelete(Room, { id: 2 })).rejects.toThrow(DeletionRestrictedError);
      expect([await count('room'), await count('shelf')]).toEqual([1, 1]);
      await test.database.query('update shelf set room_id = null');
      em = test.orm.em.fork() as EntityManager;
      await flush(2);
      expect([await count('room'), await count('shelf')]).toEqual([0, 1]);
    });
  });

  it('removes nothing by what it has seen before a key was added in the meantime', async () => {
    await shelves().hardDelete(2);
    await test.database.query('insert into label values (1, 1)');
    const other = await MikroORM.init({ clientUrl: test.database.url, entities: [Shelf, Box, Item, Room] });
    try {
      installSoftDelete(other);
      const driver = other.em.getDriver();
      const execute = driver.execute.bind(driver) as (...args: unknown[]) => Promise<unknown>;
      let isAdded = false;
      driver.execute = (async (...args: unknown[]) => {
        const result = await execute(...args);
        // Between the look at what references the rows and their removal.
        if (!isAdded && String(args[0]).includes('as position')) {
          isAdded = true;
          await test.database.query(
            'alter table label add constraint late foreign key (shelf) references shelf on delete cascade',
          );
        }
        return result;
      }) as never;
      await expect(shelves(other.em.fork() as EntityManager).hardDelete(1)).rejects.toThrow(DeletionRestrictedError);
      expect(isAdded).toBe(true);
      expect([await count('shelf'), await count('label')]).toEqual([1, 1]);
    } finally {
      await other.close(true);
    }
  });
});
