import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable()
@Entity({ tableName: 'page', repository: () => SoftDeleteRepository })
class Page extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text', nullable: true })
  slug?: string | null;

  @Property({ type: 'text', nullable: true })
  kind?: string | null;
}

describe('unique values that an index of the database guards', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Page]);
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
});
