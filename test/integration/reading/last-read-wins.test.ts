import { serialize } from '@mikro-orm/core';
import { runInScope, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { Author, Book, Passport } from '../../support/library.js';
import { useLibrary } from '../../support/use-library.js';

describe('an entity that a read hands out', () => {
  const library = useLibrary();
  const authors = () => library.repo(Author);
  const active = ['two'];

  beforeEach(async () => {
    await library.plant();
    await library.database.query(`
      update book set deleted_at = now() where id = 1;
      update chapter set deleted_at = now() where id = 2;
      update passport set deleted_at = now() where id = 1`);
  });

  const readEverything = () =>
    authors()
      .withDeleted()
      .findOneOrFail(1, { populate: ['books.chapters', 'passport'] as never });
  const first = async <Row>(rows: AsyncIterable<Row>): Promise<Row> => {
    const found: Row[] = [];
    for await (const row of rows) {
      found.push(row);
    }
    return found[0]!;
  };
  const titles = (author: any) => (author.books.getItems?.() ?? author.books).map(({ title }: Book) => title).sort();

  it.each([
    [
      'find',
      () =>
        authors()
          .find({ id: 1 })
          .then(([author]) => author!),
    ],
    [
      'findAll',
      () =>
        authors()
          .findAll({ where: { id: 1 } })
          .then(([author]) => author!),
    ],
    [
      'findAndCount',
      () =>
        authors()
          .findAndCount({ id: 1 })
          .then(([[author]]) => author!),
    ],
    ['findOne by key', () => authors().findOneOrFail(1)],
    ['findOne by a condition', () => authors().findOneOrFail({ name: 'Ada' })],
    [
      'findByCursor',
      async () => (await authors().findByCursor({ where: { id: 1 }, first: 1, orderBy: { id: 1 } })).items[0]!,
    ],
    [
      'find with the relation',
      () =>
        authors()
          .find({ id: 1 }, { populate: ['books'] })
          .then(([author]) => author!),
    ],
    ['the query builder', async () => (await authors().qb().where({ id: 1 }).getResultList())[0]!],
    ['the query builder, one row', async () => (await authors().qb('a').where({ id: 1 }).getSingleResult())!],
    ['the query builder, counted', async () => (await authors().qb('a').where({ id: 1 }).getResultAndCount())[0][0]!],
    [
      'the query builder with the relation',
      async () => (await authors().qb('a').leftJoinAndSelect('a.books', 'b').where({ id: 1 }).getResult())[0]!,
    ],
    ['a cloned query builder', async () => (await authors().qb('a').where({ id: 1 }).clone().getResult())[0]!],
    ['a stream of a query builder', () => first(authors().qb('a').where({ id: 1 }).stream())],
    [
      'a stream of a query builder with the relation',
      () => first(authors().qb('a').leftJoinAndSelect('a.books', 'b').where({ id: 1 }).stream()),
    ],
    [
      'a query builder of the entity manager',
      async () => (await library.em.createQueryBuilder(Author, 'a').where({ id: 1 }).getSingleResult())!,
    ],
    [
      'a row that was mapped',
      async () => library.em.map(Author, (await library.database.query('select * from author where id = 1'))[0]),
    ],
    ['the entity manager', () => library.em.findOneOrFail(Author, 1)],
    ['a reference to it', async () => (await library.em.findOneOrFail(Book, 2, { populate: ['author'] })).author],
    ['a transaction', () => library.em.transactional((em) => em.findOneOrFail(Author, 1))],
  ])('shows active members only, at any depth, after all were read: %s', async (_name, read) => {
    const before = await readEverything();
    expect(titles(before)).toEqual(['one', 'two']);

    const author = await read();

    expect(author).toBe(before);
    expect(titles(author)).toEqual(active);
    expect(titles(JSON.parse(JSON.stringify(author)))).toEqual(active);
    expect(titles(serialize(author, { populate: ['books'] }))).toEqual(active);
    expect(author.books.getItems()[0]!.chapters.getItems()).toEqual([]);
    expect(author.passport ?? null).toBeNull();

    const rows = await library.contents();
    library.statements.length = 0;
    await library.em.flush();
    expect(library.statements).toEqual([]);
    await expect(library.contents()).resolves.toEqual(rows);
  });

  it('streams through a fork, whose entities no other read has filled', async () => {
    await readEverything();
    const author = await first(
      authors().stream({ where: { id: 1 }, populate: ['books.chapters', 'passport'] as never }),
    );
    expect(titles(author)).toEqual(active);
    expect(titles(JSON.parse(JSON.stringify(author)))).toEqual(active);
    expect(author.books.getItems()[0]!.chapters.getItems()).toEqual([]);
    expect(author.passport ?? null).toBeNull();
  });

  it.each([
    ['a repository', () => authors().withDeleted().qb('a')],
    ['an entity manager, which joins what is asked for', () => library.em.createQueryBuilder(Author, 'a')],
  ])('shows deleted members to a query builder that asks for them, and to no read after it: %s', async (_, qb) => {
    const [author] = (await qb()
      .leftJoinAndSelect('a.books', 'b')
      .where({ id: 1 } as never)
      .getResultList()) as Author[];
    expect(titles(author)).toEqual(['one', 'two']);
    expect(titles(JSON.parse(JSON.stringify(author)))).toEqual(['one', 'two']);

    expect(titles(await authors().findOneOrFail(1))).toEqual(active);
    await expect(authors().qb().where({ id: 1 }).getSingleResult()).resolves.toBe(author);
    expect(titles(author)).toEqual(active);
  });

  it('shows no deleted row that a query builder without filters has brought into memory', async () => {
    const author = await authors().findOneOrFail(1, { populate: ['books', 'passport'] as never });
    expect(author.passport ?? null).toBeNull();
    await library.em.createQueryBuilder(Passport).getResultList();
    await library.em.createQueryBuilder(Book).getResultList();

    await authors().findOneOrFail(1);
    expect(author.passport ?? null).toBeNull();
    expect(titles(JSON.parse(JSON.stringify(author)))).toEqual(active);
  });

  it('keeps a stream that is left open from holding its cursor', async () => {
    await readEverything();
    for await (const author of authors().qb('a').stream({ chunkSize: 1 })) {
      expect(titles(author)).toEqual(active);
      break;
    }
    await expect(library.em.transactional((em) => em.count(Author))).resolves.toBe(2);
  });

  it('shows everything again to a read that asks for it', async () => {
    await readEverything();
    await authors().findOneOrFail(1);
    const author = await readEverything();

    expect(titles(author)).toEqual(['one', 'two']);
    expect(author.passport).toMatchObject({ number: 'P1' });
  });

  it('shows active members after work in a scope', async () => {
    const before = await runInScope(library.em, 'with', () =>
      library.em.findOneOrFail(Author, 1, { populate: ['books'] }),
    );
    expect(titles(before)).toEqual(['one', 'two']);

    expect(titles(await authors().findOneOrFail(1))).toEqual(active);
  });

  it('keeps what is not saved of its collections', async () => {
    const author = await readEverything();
    const added = library.em.create(Book, { title: 'new', author } as never);
    author.books.add(added);
    await authors().findOneOrFail(1);
    expect(author.books.contains(added)).toBe(true);

    await library.em.flush();

    await expect(library.deleted('book')).resolves.toEqual([true, false, false, false]);
    await expect(library.rows('book')).resolves.toMatchObject([
      { author_id: 1 },
      { author_id: 1 },
      { author_id: 2 },
      { title: 'new', author_id: 1 },
    ]);
  });

  it('is not mixed up with another scope by the name of a cached result', async () => {
    const books = library.repo(Book) as SoftDeleteRepository<Book>;
    const names = async (view: Pick<SoftDeleteRepository<Book>, 'qb'>) =>
      (await view.qb('b').select(['id', 'title']).orderBy({ id: 1 }).cache(['books', 10_000]).getResultList()).map(
        ({ title }) => title,
      );

    await expect(names(books.withDeleted())).resolves.toEqual(['one', 'two', 'other']);
    await expect(names(books)).resolves.toEqual(['two', 'other']);
    await expect(names(books.onlyDeleted())).resolves.toEqual(['one']);
    await library.database.query('update book set deleted_at = now() where id = 3');
    await expect(names(books)).resolves.toEqual(['two', 'other']);
    await library.em.clearCache('books');
    await expect(names(books)).resolves.toEqual(['two']);
  });
});
