import type { EntityManager } from '@mikro-orm/postgresql';
import { DeletionRestrictedError } from 'nestjs-mikro-orm-soft-delete';
import { Author, Book, Loan, Note, Tag } from '../../support/library.js';
import { useLibrary } from '../../support/use-library.js';

describe('removing through the unit of work', () => {
  const library = useLibrary();
  const { rows, deleted, plant } = library;
  let em: EntityManager;

  beforeEach(() => {
    em = library.em;
  });

  it('does nothing to an entity that is persisted again before the flush', async () => {
    await plant();
    const author = await em.findOneOrFail(Author, 1, { populate: ['reviews', 'books'] });
    em.remove(author);
    em.persist(author);
    await em.flush();

    expect(await deleted('author')).toEqual([false, false]);
    expect(await deleted('book')).toEqual([false, false, false]);
    expect((await rows('review'))[0].author_id).toBe(1);
  });

  it('refuses while an active row stands behind a restricting relation, and says how many', async () => {
    await plant();
    await library.database.query('insert into loan (author_id) values (1), (1), (2)');
    em.remove(await em.findOneOrFail(Author, 1));
    const flush = em.flush();
    await expect(flush).rejects.toThrow(DeletionRestrictedError);
    await expect(flush).rejects.toMatchObject({
      code: 'DELETION_RESTRICTED',
      restrictions: [{ relation: 'Author.loans', entity: 'Loan', count: 2 }],
    });
    expect(await deleted('author')).toEqual([false, false]);
    expect(await deleted('book')).toEqual([false, false, false]);
  });

  const notes = () => library.database.query('select text from note');

  it('leaves what a refused flush was to do to the next one', async () => {
    await plant();
    await library.database.query('insert into loan (author_id) values (1)');
    const note = await em.findOneOrFail(Note, 1);
    const [author, book] = [await em.findOneOrFail(Author, 1), await em.findOneOrFail(Book, 3)];
    em.remove(author).remove(book).remove(note);
    await expect(em.flush()).rejects.toThrow(DeletionRestrictedError);
    expect((await deleted('author')).concat(await deleted('book'))).toEqual([false, false, false, false, false]);

    // None of them is passed over from now on.
    author.name = 'Ada the First';
    book.title = 'third';
    note.text = 'changed';
    await em.flush();
    expect([(await rows('author'))[0].name, (await rows('book'))[2].title, (await notes())[0].text]).toEqual([
      'Ada the First',
      'third',
      'changed',
    ]);
    await library.database.query('delete from loan');
    em.remove(author).remove(book).remove(note);
    await em.flush();
    expect([await deleted('author'), await deleted('book'), await notes()]).toEqual([
      [true, false],
      [true, true, true],
      [],
    ]);
  });

  it('inserts nothing that was only to be inserted for what goes', async () => {
    await plant();
    const author = await em.findOneOrFail(Author, 1, { populate: ['books'] });
    author.books.add(em.create(Book, { title: 'unborn', author }, { partial: true }));
    const stray = em.create(Tag, { name: 'unborn' }, { partial: true });
    em.remove(author).remove(stray);
    await em.flush();
    expect((await rows('book')).map(({ title }) => title)).toEqual(['one', 'two', 'other']);
    expect((await rows('tag')).map(({ name }) => name)).toEqual(['t1', 't2']);
    await em.flush();
    expect(await rows('book')).toHaveLength(3);
  });

  it('is not restricted by rows that the same flush deletes or moves', async () => {
    await plant();
    await library.database.query('insert into loan (author_id) values (1), (1)');
    const [first, second] = await em.find(Loan, {}, { orderBy: { id: 1 } });
    em.remove(first!);
    second!.author = await em.findOneOrFail(Author, 2);
    em.remove(await em.findOneOrFail(Author, 1));
    await em.flush();

    expect(await deleted('author')).toEqual([true, false]);
    expect(await deleted('loan')).toEqual([true, false]);
  });

  it('does not take along a child that the same flush moves away', async () => {
    await plant();
    const book = await em.findOneOrFail(Book, 1);
    book.author = await em.findOneOrFail(Author, 2);
    em.remove(await em.findOneOrFail(Author, 1));
    await em.flush();

    expect(await deleted('book')).toEqual([false, true, false]);
    expect((await rows('book'))[0].author_id).toBe(2);
  });

  it('aborts the transaction that it is refused in, so that half a deletion cannot be committed', async () => {
    await plant();
    await library.database.query('insert into loan (author_id) values (1)');
    await expect(
      em.transactional(async (tx) => {
        tx.remove(await tx.findOneOrFail(Author, 1));
        await tx.flush().catch(() => undefined);
        await tx.find(Author, {});
      }),
    ).rejects.toThrow(/aborted/);
    expect(await deleted('author')).toEqual([false, false]);
  });

  it.each([1, 100, 10_000])('removes %i entities in the statements of a hard delete and one more', async (n) => {
    await library.database.query(`insert into tag (name) select 't' from generate_series(1, ${n})`);
    await library.database.query(`insert into note (text) select 'n' from generate_series(1, ${n})`);
    const notes = await em.find(Note, {});
    library.statements.length = 0;
    notes.forEach((note) => em.remove(note));
    await em.flush();
    const hard = library.statements.length;

    const tags = await em.find(Tag, {});
    library.statements.length = 0;
    tags.forEach((tag) => em.remove(tag));
    await em.flush();
    expect(library.statements.length).toBeLessThanOrEqual(hard + 1);
    expect(await library.database.query('select count(*)::int from tag where deleted_at is null')).toEqual([
      { count: 0 },
    ]);
  });
});
