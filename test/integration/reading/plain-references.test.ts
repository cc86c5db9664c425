import type { Ref } from '@mikro-orm/core';
import { Entity, Filter, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@Entity()
@Filter({ name: 'published', cond: { isPublished: true }, default: true })
class Article {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'boolean' })
  isPublished!: boolean;
}

@SoftDeletable()
@Entity()
class Quote extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Article, { ref: true, filters: { published: false } })
  article!: Ref<Article>;
}

describe('a wrapped reference to an entity that is not soft-deletable', () => {
  let installed: TestOrm;
  let plain: TestOrm;

  beforeAll(async () => {
    [installed, plain] = await Promise.all([
      createTestOrm([Article, Quote]),
      createTestOrm([Article, Quote], {}, false),
    ]);
    const rows = `
      insert into article (id, is_published) values (1, true), (2, false);
      insert into quote (id, article_id) values (1, 1), (2, 2)`;
    await Promise.all([installed.database.query(rows), plain.database.query(rows)]);
  });
  afterAll(() => Promise.all([installed.close(), plain.close()]));

  it.each([1, 2])('loads what it loads without the package, by the filters of the ORM: %d', async (id) => {
    const load = async (test: TestOrm) => {
      const quote = await (test.orm.em.fork() as EntityManager).findOneOrFail(Quote, id);
      test.statements.length = 0;
      return [await quote.article.load(), test.statements];
    };
    expect(JSON.stringify(await load(installed))).toBe(JSON.stringify(await load(plain)));
  });
});
