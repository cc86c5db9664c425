import { NotSoftDeletableError, SoftDeleteConfigError } from 'nestjs-mikro-orm-soft-delete';
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
