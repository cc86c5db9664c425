import { PrimaryKeyProp, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@Entity({ tableName: 'shelf' })
class Shelf {
  @PrimaryKey({ type: 'integer' })
  room!: number;

  @PrimaryKey({ type: 'integer' })
  number!: number;

  [PrimaryKeyProp]?: ['room', 'number'];
}

@SoftDeletable()
@Entity({ tableName: 'page', repository: () => SoftDeleteRepository })
class Page extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text', nullable: true })
  slug?: string | null;

  @Property({ type: 'text', nullable: true })
  kind?: string | null;

  /** Shares a column with the relation below. */
  @Property({ type: 'integer', fieldName: 'shelf_room', nullable: true, persist: false })
  room?: number | null;

  @ManyToOne(() => Shelf, { joinColumns: ['shelf_room', 'shelf_number'], nullable: true })
  shelf?: Rel<Shelf> | null;
}

describe('unique values that an index of the database guards', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Page, Shelf]);
  });
  beforeEach(() => test.database.query('truncate page; drop index if exists page_own'));
  afterAll(() => test.close());

  const cases: [name: string, index: string, deleted: string, active: string, free: string][] = [
    ['an expression', 'on page (lower(slug)) where deleted_at is null', `'A', 'x'`, `'a', 'y'`, `'b', 'x'`],
    ['included columns', 'on page (slug) include (kind) where deleted_at is null', `'a', 'x'`, `'a', 'y'`, `'b', 'x'`],
    ['a condition', `on page (slug) where deleted_at is null and kind = 'x'`, `'a', 'x'`, `'a', 'x'`, `'a', 'y'`],
    ['nulls', 'on page (slug) nulls not distinct where deleted_at is null', `null, 'x'`, `null, 'y'`, `'b', 'x'`],
  ];

  it.each(cases)('names the active row that holds it: %s', async (_name, index, deleted, active, free) => {
    const conflicting = async (other: string) => {
      await test.database.query(`truncate page; drop index if exists page_own; create unique index page_own ${index};
        insert into page (id, slug, kind, deleted_at) values (1, ${deleted}, now());
        insert into page (id, slug, kind) values (2, ${other})`);
      return (test.orm.em.fork().getRepository(Page) as any).restore(1);
    };
    await expect(conflicting(active)).rejects.toMatchObject({
      conflicts: [{ reason: 'unique', constraint: 'page_own', key: 1, conflictingKey: 2, conflictingWith: 'active' }],
    });
    expect(await test.database.query('select id from page where deleted_at is null')).toEqual([{ id: 2 }]);
    await expect(conflicting(free)).resolves.toMatchObject({ total: 1 });
  });

  it.each<[what: string, columns: string, properties: string[] | undefined]>([
    ['the property of each column', '(slug, kind)', ['slug', 'kind']],
    ['the relation of a column that is one of several', '(shelf_number)', ['shelf']],
    ['the property of such a column, if it has one', '(shelf_room, shelf_number)', ['room', 'shelf']],
    ['a column that the ORM does not know', '(slug, extra)', ['slug', 'extra']],
    ['nothing where a value is an expression', '(slug, (lower(kind)))', undefined],
  ])('names %s', async (_what, columns, properties) => {
    await test.database.query(`
      alter table page add column if not exists extra text default 'e';
      insert into shelf values (1, 2) on conflict do nothing;
      create unique index page_own on page ${columns} where deleted_at is null;
      insert into page (id, slug, kind, shelf_room, shelf_number, deleted_at) values (1, 'a', 'x', 1, 2, now()), (2, 'a', 'x', 1, 2, null)`);
    const error = await (test.orm.em.fork().getRepository(Page) as any).restore(1).catch((thrown: unknown) => thrown);
    expect(error.conflicts).toMatchObject([{ key: 1, conflictingKey: 2 }]);
    expect(error.conflicts[0].properties).toEqual(properties);
  });
});
