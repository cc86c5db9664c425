import { defineEntity, type EntityManager, p } from '@mikro-orm/postgresql';
import {
  NotSoftDeletableError,
  softDeletable,
  SoftDeleteConfigError,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { backdateDeletions, countRows } from 'nestjs-mikro-orm-soft-delete/testing';
import { Author, Book, LIBRARY, Note } from '../../support/library.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

describe('nestjs-mikro-orm-soft-delete/testing', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm(LIBRARY);
  });

  afterAll(async () => {
    await test.close();
  });

  beforeEach(async () => {
    await test.database.query('truncate author, book cascade');
    await test.database.query("insert into author (id, name) select n, 'Author ' || n from generate_series(1, 3) n");
    await test.database.query(
      "insert into book (id, title, author_id) select n, 'Book ' || n, n from generate_series(1, 3) n",
    );
  });

  const ages = () =>
    test.database.query<{ age: number | null }>(
      'select round(extract(epoch from now() - deleted_at) / 86400)::int as age from author order by id',
    );

  it('moves every deletion into the past and keeps units together', async () => {
    const em = test.orm.em.fork();
    await em.getRepository(Author).softDelete([1, 2]);
    expect(await backdateDeletions(em, '31d')).toBe(4);
    expect(await ages()).toEqual([{ age: 31 }, { age: 31 }, { age: null }]);
    const [{ units }] = await test.database.query(
      'select count(distinct deleted_at)::int as units from (select deleted_at from author union all select deleted_at from book) rows',
    );
    expect(units).toBe(1);
    expect(await em.getRepository(Author).restore(1)).toMatchObject({ affected: { Author: 1, Book: 1 } });
  });

  it('moves one unit alone', async () => {
    const em = test.orm.em.fork();
    await em.getRepository(Author).softDelete(1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const { deletedAt } = await em.getRepository(Author).softDelete(2);
    expect(await backdateDeletions(em, '31d', deletedAt)).toBe(2);
    expect(await ages()).toEqual([{ age: 0 }, { age: 31 }, { age: null }]);
  });

  it('moves archived rows as they are, with all that is known of them', async () => {
    const Letter = softDeletable(
      defineEntity({
        name: 'Letter',
        properties: {
          id: p.integer().primary(),
          text: p.text(),
          pages: () => p.oneToMany(Page).mappedBy('letter').orphanRemoval(),
        },
      }),
      { strategy: 'archive' },
    );
    const Page = softDeletable(
      defineEntity({ name: 'Page', properties: { id: p.integer().primary(), letter: () => p.manyToOne(Letter) } }),
      { strategy: 'archive' },
    );
    const archive = await createTestOrm([Letter, Page, ...complianceEntities()]);
    try {
      await archive.database.query(`
        insert into letter values (1, 'a'), (2, 'b'); insert into page values (1, 1), (2, 2)`);
      const em = archive.orm.em.fork() as EntityManager;
      const letters = new SoftDeleteRepository(em, Letter.class as never) as SoftDeleteRepository<any>;
      await letters.softDelete(1, { actor: 'ada', reason: 'too old' });
      await new Promise((resolve) => setTimeout(resolve, 5));
      const { deletedAt } = await letters.softDelete(2);
      const rows = () =>
        archive.database.query(
          `select to_jsonb(a) - 'unit' as row, now() - unit > interval '1 day' as old from deletion_archive as a order by part, key`,
        );
      const before = await rows();
      expect(before).toHaveLength(4);
      const aged = (keys: string[]) => before.map(({ row }) => ({ row, old: keys.includes(row.key) }));
      expect(await backdateDeletions(em, '2d', deletedAt)).toBe(2);
      expect(await rows()).toEqual(aged(['2']));
      expect(await backdateDeletions(em, '2d')).toBe(4);
      expect(await rows()).toEqual(aged(['1', '2']));
      expect(await letters.restore(1)).toMatchObject({ affected: { Letter: 1, Page: 1 } });
    } finally {
      await archive.close();
    }
  });

  it('counts rows, active and deleted', async () => {
    const em = test.orm.em.fork();
    await em.getRepository(Author).softDelete(1);
    expect(await countRows(em, Author)).toEqual({ active: 2, deleted: 1 });
    expect(await countRows(em, Book)).toEqual({ active: 2, deleted: 1 });
    await em.getRepository(Author).hardDelete(1);
    expect(await countRows(em, Author)).toEqual({ active: 2, deleted: 0 });
  });

  it('refuses an entity that is not soft-deletable, and a duration that is none', async () => {
    await expect(countRows(test.orm.em.fork(), Note)).rejects.toThrow(NotSoftDeletableError);
    await expect(backdateDeletions(test.orm.em.fork(), 'a month' as never)).rejects.toThrow(SoftDeleteConfigError);
  });
});
