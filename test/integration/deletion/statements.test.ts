import { Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  installSoftDelete,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
class Page extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  title!: string;

  @ManyToMany({ entity: () => Word, owner: true, pivotTable: 'page_word' })
  words = new Collection<Word>(this);

  @ManyToMany({ entity: () => Page, owner: true, pivotTable: 'page_link' })
  links = new Collection<Page>(this);
}

@Entity()
class Word {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToMany({ entity: () => Page, mappedBy: 'words' })
  pages = new Collection<Rel<Page>>(this);
}

describe(installSoftDelete.name, () => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm([Page, Word]);
  });
  beforeEach(async () => {
    await test.database.query(`
      truncate page, word, page_word, page_link restart identity cascade;
      insert into page (title) values ('a'), ('b'), ('c');
      insert into word default values; insert into word default values;
      insert into page_word values (1, 1), (1, 2);
      insert into page_link values (1, 2), (1, 3)`);
    em = test.orm.em.fork() as EntityManager;
    // What is read once for each ORM.
    em.remove(await em.findOneOrFail(Word, 2));
    await em.flush();
    em = test.orm.em.fork() as EntityManager;
    test.statements.length = 0;
  });
  afterAll(() => test.close());

  const repo = () => em.getRepository(Page) as unknown as SoftDeleteRepository<Page>;
  const selects = () => test.statements.filter((sql) => sql.startsWith('select'));

  it('looks at rows once that a condition on their own columns selects, and again where it looks at others', async () => {
    await repo().softDelete({ title: 'a' });
    const own = test.statements.filter((sql) => sql.includes('for update of c'));
    expect(own.length).toBeLessThanOrEqual(1);
    await test.database.query('update page set deleted_at = null');

    test.statements.length = 0;
    await repo().hardDelete({ title: 'a' }, { dryRun: true });
    const ofOwnColumns = test.statements.length;
    test.statements.length = 0;
    await repo().hardDelete({ words: { id: 1 } }, { dryRun: true });
    expect(test.statements).toHaveLength(ofOwnColumns + 1);
  });

  it('looks once where nothing is found', async () => {
    await repo().hardDelete({ title: 'x' }, { dryRun: true });
    const ofOwnColumns = test.statements.length;
    test.statements.length = 0;
    await repo().hardDelete({ words: { id: 9 } }, { dryRun: true });
    expect(test.statements).toHaveLength(ofOwnColumns);
  });

  it('reads the links of an unloaded collection only if they may be to soft-deletable rows', async () => {
    const page = await em.findOneOrFail(Page, 1);
    test.statements.length = 0;
    page.words.set([em.getReference(Word, 1)]);
    await em.flush();
    expect(selects()).toEqual([]);
    await expect(test.database.query('select word_id from page_word')).resolves.toEqual([{ word_id: 1 }]);

    page.links.set([em.getReference(Page, 3)]);
    test.statements.length = 0;
    await em.flush();
    expect(selects()).toHaveLength(1);
    await expect(test.database.query('select page_2_id from page_link')).resolves.toEqual([{ page_2_id: 3 }]);
  });
});
