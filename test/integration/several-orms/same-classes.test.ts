import { helper, MikroORM, type Options, UnderscoreNamingStrategy } from '@mikro-orm/postgresql';
import { installSoftDelete, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { Author, Book, Draft, LIBRARY, Note, Passport, Review } from '../../support/library.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

/** Another ORM's names for the same columns and tables. */
class ShoutingNamingStrategy extends UnderscoreNamingStrategy {
  override classToTableName(entityName: string): string {
    return `T_${super.classToTableName(entityName)}`;
  }

  override propertyToColumnName(propertyName: string): string {
    return `C_${super.propertyToColumnName(propertyName)}`;
  }

  override joinKeyColumnName(...args: [entityName: string, referencedColumnName?: string]): string {
    return `J_${super.joinKeyColumnName(...args)}`;
  }
}

const PLANT = `
  truncate author, book, chapter, draft, review, note, passport, tag, loan restart identity cascade;
  insert into author (name) values ('Ada'), ('Bob');
  insert into book (title, author_id) values ('one', 1), ('two', 1), ('other', 2);
  insert into chapter (title, book_id) values ('c1', 1), ('c2', 2), ('c3', 3);
  insert into draft (title, author_id) values ('d1', 1), ('d2', 1);
  insert into review (text, author_id) values ('r1', 1);
  insert into note (text, author_id) values ('n1', 1);
  insert into passport (number, author_id) values ('P1', 1)`;

interface Setting {
  readonly name: string;
  /** Initialises the other ORM over the classes, before or after the one under test exists. */
  readonly when: 'before' | 'after';
  readonly other: Partial<Options>;
  readonly installed: boolean;
  readonly closed?: boolean;
}

const SETTINGS: readonly Setting[] = [
  { name: 'a later one without soft deletion', when: 'after', other: {}, installed: false },
  { name: 'a later one with soft deletion', when: 'after', other: {}, installed: true },
  { name: 'a later one that is closed again', when: 'after', other: {}, installed: false, closed: true },
  { name: 'an earlier one', when: 'before', other: {}, installed: true },
  {
    name: 'a later one with other names',
    when: 'after',
    other: { namingStrategy: ShoutingNamingStrategy },
    installed: false,
  },
  { name: 'a later one with another schema', when: 'after', other: { schema: 'elsewhere' }, installed: true },
];

describe.each(SETTINGS)('an ORM beside $name over the same classes', (setting) => {
  let test: TestOrm;
  let database: TestDatabase;
  let other: MikroORM;

  const initOther = async () => {
    database = await createTestDatabase();
    other = await MikroORM.init({ clientUrl: database.url, entities: LIBRARY, ...setting.other });
    await other.schema.create();
    if (setting.installed) {
      installSoftDelete(other);
    }
    if (setting.closed) {
      await other.close(true);
    }
  };

  beforeAll(async () => {
    if (setting.when === 'before') {
      await initOther();
    }
    test = await createTestOrm(LIBRARY);
    if (setting.when === 'after') {
      await initOther();
    }
  });

  beforeEach(() => test.database.query(PLANT));

  afterAll(async () => {
    if (!setting.closed) {
      await other.close(true);
    }
    await test.close();
    await database.drop();
  });

  const fork = () => test.orm.em.fork();
  const deleted = async (table: string) =>
    (await test.database.query(`select deleted_at is not null as deleted from ${table} order by id`)).map(
      ({ deleted }) => deleted as boolean,
    );
  const deletes = () => test.statements.filter((sql) => /^delete/i.test(sql));

  it('soft-deletes what is removed through the unit of work, with its loaded cascade', async () => {
    const em = fork();
    test.statements.length = 0;
    em.remove(await em.findOneOrFail(Author, 1, { populate: ['books.chapters', 'drafts', 'passport'] }));
    await em.flush();

    expect(deletes()).toEqual([]);
    expect(await deleted('author')).toEqual([true, false]);
    expect(await deleted('book')).toEqual([true, true, false]);
    expect(await deleted('chapter')).toEqual([true, true, false]);
    expect(await deleted('draft')).toEqual([true, true]);
    expect(await deleted('passport')).toEqual([true]);
    const [{ units }] = await test.database.query(
      'select count(distinct deleted_at)::int as units from (select deleted_at from author union select deleted_at from book) as t',
    );
    expect(units).toBe(1);
    test.statements.length = 0;
    await em.flush();
    expect(test.statements.filter((sql) => /^(update|insert|delete)/i.test(sql))).toEqual([]);
  });

  it('soft-deletes several rows in one batch', async () => {
    const em = fork();
    for (const book of await em.find(Book, { author: 1 })) {
      em.remove(book);
    }
    await em.flush();
    expect(await deleted('book')).toEqual([true, true, false]);
    expect(await deleted('chapter')).toEqual([true, true, false]);
  });

  it('soft-deletes orphans, of loaded collections and of others', async () => {
    const em = fork();
    const author = await em.findOneOrFail(Author, 1, { populate: ['drafts'] });
    author.drafts.remove(author.drafts[0]!);
    await em.flush();
    expect(await deleted('draft')).toEqual([true, false]);

    const again = fork();
    (await again.findOneOrFail(Author, 1)).drafts.removeAll();
    await again.flush();
    expect(await deleted('draft')).toEqual([true, true]);
    expect(await test.database.query('select author_id from draft')).toEqual([{ author_id: 1 }, { author_id: 1 }]);
  });

  it('hides and shows, finds anew and knows what is deleted', async () => {
    const em = fork();
    const books = em.getRepository(Book) as SoftDeleteRepository<Book>;
    await books.softDelete(1);
    const [first, second] = await books.withDeleted().find({ author: 1 }, { orderBy: { id: 1 } });
    expect([books.isDeleted(first!), books.isDeleted(second!)]).toEqual([true, false]);
    expect(await em.findOne(Book, 1)).toBeNull();
    expect(await em.findOne(Book, 2)).toBe(second);

    const author = await em.findOneOrFail(Author, 1, { populate: ['books'] });
    expect(author.books.getItems().map(({ id }) => id)).toEqual([2]);
    const only = await (em.getRepository(Author) as SoftDeleteRepository<Author>).withDeleted().findOneOrFail(1, {
      populate: ['books'],
    });
    expect(
      only.books
        .getItems()
        .map(({ id }) => id)
        .sort(),
    ).toEqual([1, 2]);
  });

  it('has entities and their collections know the ORM that they live in', async () => {
    const storage = test.orm.getMetadata();
    const author = await fork().findOneOrFail(Author, 1, { populate: ['books.chapters'] });
    const book = author.books[0]!;
    const reference = fork().getReference(Author, 1);
    const { books, drafts } = storage.get(Author).properties;
    // Compared here: Jest would print whole metadata.
    expect({
      author: helper(author).__meta === storage.get(Author),
      book: helper(book).__meta === storage.get(Book),
      reference: helper(reference).__meta === storage.get(Author),
      books: author.books.property === books,
      drafts: author.drafts.property === drafts,
    }).toEqual({ author: true, book: true, reference: true, books: true, drafts: true });
  });

  it('keeps references to deleted rows resolving', async () => {
    const em = fork();
    await (em.getRepository(Author) as SoftDeleteRepository<Author>).softDelete(1);
    const review = await fork().findOneOrFail(Review, 1, { populate: ['author'] });
    expect(review.author?.name).toBe('Ada');
  });

  it('restores a unit in memory and database, and removes rows for good', async () => {
    const em = fork();
    const authors = em.getRepository(Author) as SoftDeleteRepository<Author>;
    const author = await em.findOneOrFail(Author, 1, { populate: ['books', 'passport'] });
    em.remove(author);
    await em.flush();
    await authors.restore(1);
    expect(author.deletedAt).toBeNull();
    expect(
      author.books
        .getItems()
        .map(({ id }) => id)
        .sort(),
    ).toEqual([1, 2]);
    expect(author.passport?.number).toBe('P1');
    expect(await deleted('book')).toEqual([false, false, false]);

    await (em.getRepository(Passport) as SoftDeleteRepository<Passport>).hardDelete(1);
    await (em.getRepository(Draft) as SoftDeleteRepository<Draft>).hardDelete({ author: 1 });
    expect(await test.database.query('select id from passport union all select id from draft')).toEqual([]);
  });

  it('puts memory back when the transaction does not last', async () => {
    const em = fork();
    const author = await em.findOneOrFail(Author, 1, { populate: ['books'] });
    await expect(
      em.transactional(async (tx) => {
        tx.remove(await tx.findOneOrFail(Author, 1));
        await tx.flush();
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(author.deletedAt ?? null).toBeNull();
    await em.flush();
    expect(await deleted('author')).toEqual([false, false]);
  });

  it('removes plain rows physically', async () => {
    const em = fork();
    em.remove(await em.findOneOrFail(Note, 1));
    await em.flush();
    expect(await test.database.query('select id from note')).toEqual([]);
  });
});
