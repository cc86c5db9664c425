import { Collection, PrimaryKeyProp, type Rel } from '@mikro-orm/core';
import { Entity, ManyToMany, ManyToOne, OneToMany, OneToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable<Author>({ relations: { books: 'keep' } })
@Entity()
class Author extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @OneToMany(() => Book, (book) => book.author)
  books = new Collection<Book>(this);

  @ManyToMany(() => Prize, (prize) => prize.authors, { owner: true })
  prizes = new Collection<Prize>(this);

  @OneToOne(() => Portrait, (portrait) => portrait.author)
  portrait?: Rel<Portrait> | null;
}

@Entity()
class Book {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Author, { nullable: true, deleteRule: 'set null' })
  author?: Rel<Author> | null;

  /** The same by key. */
  @ManyToOne(() => Author, { nullable: true, deleteRule: 'set null', mapToPk: true })
  editor?: number | null;
}

@Entity()
class Prize {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToMany(() => Author, (author) => author.prizes)
  authors = new Collection<Author>(this);
}

@Entity()
class Portrait {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToOne(() => Author, (author) => author.portrait, { owner: true, nullable: true, deleteRule: 'set null' })
  author?: Rel<Author> | null;
}

/** Its key contains that of the author. */
@Entity()
class Membership {
  @ManyToOne(() => Author, { primary: true, deleteRule: 'cascade' })
  author!: Rel<Author>;

  @PrimaryKey({ type: 'string' })
  club!: string;

  [PrimaryKeyProp]?: ['author', 'club'];
}

/** What the ORM forgets of one entity that it has removed, a physical removal by condition must forget of all of them. */
describe('SoftDeleteRepository.hardDelete()', () => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm([Author, Book, Prize, Portrait, Membership]);
  });
  beforeEach(async () => {
    await test.database.query(`
      truncate author, book, prize, portrait, membership, author_prizes;
      insert into author (id, name) values (1, 'a'), (2, 'b'), (3, 'c');
      insert into book (id, author_id, editor_id) values (1, 1, 2), (2, 3, 3), (3, 2, 1);
      insert into prize (id) values (1), (2);
      insert into author_prizes (author_id, prize_id) values (1, 1), (2, 1), (3, 1), (1, 2), (3, 2);
      insert into portrait (id, author_id) values (1, 1), (3, 3);
      insert into membership (author_id, club) values (1, 'x'), (2, 'x'), (3, 'x');
    `);
    em = test.orm.em.fork({ flushMode: 'commit' }) as EntityManager;
  });
  afterAll(() => test.close());

  const load = async () => ({
    authors: await em.find(Author, {}, { orderBy: { id: 1 }, populate: ['books', 'prizes', 'portrait'] }),
    books: await em.find(Book, {}, { orderBy: { id: 1 } }),
    prizes: await em.find(Prize, {}, { orderBy: { id: 1 }, populate: ['authors'] }),
    portraits: await em.find(Portrait, {}, { orderBy: { id: 1 } }),
    memberships: await em.find(Membership, {}, { orderBy: { author: 1 } }),
  });
  type Loaded = Awaited<ReturnType<typeof load>>;

  const seen = ({ books, prizes, portraits }: Loaded) => ({
    authors: books.map(({ author }) => author?.id ?? null),
    editors: books.map(({ editor }) => editor ?? null),
    prizes: prizes.map(({ authors }) => authors.getItems().map(({ id }) => id)),
    portraits: portraits.map(({ author }) => author?.id ?? null),
    managed: (['Author', 'Membership'] as const).map((name) => {
      const map = em.getUnitOfWork().getIdentityMap();
      return map.getStore(em.getMetadata().getByClassName(name)).size;
    }),
  });
  const everything = {
    authors: [1, 3, 2],
    editors: [2, 3, 1],
    prizes: [
      [1, 2, 3],
      [1, 3],
    ],
    portraits: [1, 3],
    managed: [3, 3],
  };
  const rest = {
    authors: [null, null, 2],
    editors: [2, null, null],
    prizes: [[2], []],
    portraits: [null, null],
    managed: [1, 1],
  };
  /** Memory does not know that others have let go of the rows, without which they could not be removed. */
  const letGo = () =>
    test.database.query(`
      update book set author_id = null, editor_id = null; update portrait set author_id = null;
      delete from membership where author_id <> 2`);
  const remove = (manager: EntityManager) => new SoftDeleteRepository(manager, Author).hardDelete({ id: [1, 3] });
  const rows = async () => ({
    authors: await test.database.query('select id, name from author order by id'),
    books: await test.database.query('select * from book order by id'),
    links: await test.database.query('select * from author_prizes order by 1, 2'),
    portraits: await test.database.query('select * from portrait order by id'),
    memberships: await test.database.query('select * from membership order by 1'),
  });

  it('lets go of the entities in every kind of relation, and brings none back', async () => {
    const loaded = await load();
    expect(seen(loaded)).toEqual(everything);
    await letGo();

    await remove(em);

    expect(seen(loaded)).toEqual(rest);
    const before = await rows();
    await em.flush();
    expect(await rows()).toEqual(before);
    expect(before).toMatchObject({ authors: [{ id: 2 }], memberships: [{ author_id: 2 }], links: [{ author_id: 2 }] });
  });

  it('has them all back in place if the transaction is rolled back', async () => {
    const loaded = await load();
    await letGo();
    const before = await rows();

    const undone = em.transactional(async (tx) => {
      await remove(tx as EntityManager);
      throw new Error('undo');
    });
    await expect(undone).rejects.toThrow('undo');

    const found = seen(loaded);
    expect({ ...found, prizes: found.prizes.map((ids) => ids.toSorted()) }).toEqual(everything);
    test.statements.length = 0;
    await em.flush();
    expect(test.statements).toEqual([]);
    loaded.authors[0]!.name = 'changed';
    await em.flush();
    expect(await rows()).toEqual({ ...before, authors: [{ id: 1, name: 'changed' }, ...before.authors.slice(1)] });
    expect(await em.findOne(Author, 3)).toBe(loaded.authors[2]);
  });
});
