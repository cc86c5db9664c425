import { Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import {
  installSoftDelete,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable<Shelf>({ relations: { current: 'cascade' } })
@Entity({ tableName: 'the "shelf"' })
class Shelf extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
  @OneToMany({ entity: () => Book, mappedBy: 'shelf', where: { lent: false, deletedAt: null } })
  current = new Collection<Book>(this);
}

@SoftDeletable()
@Entity({ tableName: 'a book' })
class Book extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
  @Property({ type: 'boolean' })
  lent!: boolean;
  @ManyToOne(() => Shelf)
  shelf!: Rel<Shelf>;
}

describe(installSoftDelete.name, () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Shelf, Book]);
    await test.database.query(`
      insert into "the ""shelf""" (id) values (1);
      insert into "a book" (id, lent, shelf_id) values (1, false, 1), (2, true, 1)`);
  });
  afterAll(() => test.close());

  const deleted = async () =>
    (await test.database.query('select deleted_at is not null as gone from "a book" order by id')).map(
      ({ gone }) => gone,
    );

  it('takes relations whose `where` asks for the time of deletion, of tables with names that need quotes', async () => {
    const shelves = test.orm.em.fork().getRepository(Shelf) as unknown as SoftDeleteRepository<Shelf>;
    await shelves.softDelete(1);
    await expect(deleted()).resolves.toEqual([true, false]);
    await shelves.restore(1);
    await expect(deleted()).resolves.toEqual([false, false]);
  });
});
