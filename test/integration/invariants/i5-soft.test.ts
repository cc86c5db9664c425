import type { EntityManager } from '@mikro-orm/postgresql';
import { Account, Author, Book, Chapter, Draft, Passport } from '../../support/library.js';
import { useLibrary } from '../../support/use-library.js';

describe('I5: only methods whose name says so remove rows physically', () => {
  const library = useLibrary();
  const { fork, repo, rows, deleted, plant } = library;
  let em: EntityManager;

  beforeEach(() => {
    em = library.em;
  });

  /** Nothing that a soft deletion does may fire it, whatever the ORM calls its statement. */
  beforeAll(async () => {
    await library.database.query(`
      create function refuse() returns trigger language plpgsql as
        $$ begin raise exception '% was removed physically', tg_table_name; end $$;
      ${['author', 'book', 'chapter', 'draft', 'passport', 'account', 'tag', 'book_tags']
        .map((table) => `create trigger refuse before delete on ${table} for each row execute function refuse();`)
        .join(' ')}`);
  });

  it('deletes a bare reference without loading it, and leaves it a reference', async () => {
    await plant();
    const reference = em.getReference(Book, 1);
    em.remove(reference);
    await em.flush();

    expect(await deleted('book')).toEqual([true, false, false]);
    expect(await deleted('chapter')).toEqual([true, false, false]);
    expect(await em.findOne(Book, 1)).toBeNull();
    const again = await em.findOneOrFail(Book, 1, { filters: { softDelete: false } });
    expect(again.title).toBe('one');
    await em.flush();
    expect((await rows('book'))[0]).toMatchObject({ title: 'one', author_id: 1 });
  });

  it('frees a unique value for a row that the same flush inserts', async () => {
    await library.database.query(`insert into account (email, version) values ('a@b.c', 1)`);
    em.remove(await em.findOneOrFail(Account, 1));
    em.create(Account, { email: 'a@b.c' });
    await em.flush();

    expect(await rows('account')).toMatchObject([
      { id: 1, email: 'a@b.c', version: 2, deleted_at: expect.any(Date) },
      { id: 2, email: 'a@b.c', version: 1, deleted_at: null },
    ]);
  });

  it('soft-deletes what a loaded collection lets go, and keeps its foreign key', async () => {
    await plant();
    const author = await em.findOneOrFail(Author, 1, { populate: ['drafts'] });
    author.drafts.remove(author.drafts[0]!);
    await em.flush();

    expect(await rows('draft')).toMatchObject([
      { author_id: 1, deleted_at: expect.any(Date) },
      { author_id: 1, deleted_at: null },
    ]);
    expect(author.drafts.getItems().map(({ id }) => id)).toEqual([2]);
    await em.flush();
    expect((await rows('draft')).map((row) => row.author_id)).toEqual([1, 1]);
  });

  it('soft-deletes everything that removeAll() of a loaded collection lets go', async () => {
    await plant();
    const author = await em.findOneOrFail(Author, 1, { populate: ['drafts'] });
    author.drafts.removeAll();
    await em.flush();
    expect(await rows('draft')).toMatchObject([
      { author_id: 1, deleted_at: expect.any(Date) },
      { author_id: 1, deleted_at: expect.any(Date) },
    ]);
  });

  it('soft-deletes what set() of an unloaded collection leaves out', async () => {
    await plant();
    await library.database.query(`insert into draft (title, author_id, deleted_at) values ('old', 1, '2020-01-01')`);
    const author = await em.findOneOrFail(Author, 1);
    author.drafts.set([em.getReference(Draft, 2), em.create(Draft, { title: 'new' })]);
    await em.flush();

    expect(await rows('draft')).toMatchObject([
      { id: 1, author_id: 1, deleted_at: expect.any(Date) },
      { id: 2, author_id: 1, deleted_at: null },
      { id: 3, author_id: 1, time: '2020-01-01 00:00:00+00' },
      { id: 4, author_id: 1, title: 'new', deleted_at: null },
    ]);
  });

  it('soft-deletes everything behind an unloaded collection on removeAll()', async () => {
    await plant();
    const author = await em.findOneOrFail(Author, 1);
    author.drafts.removeAll();
    await em.flush();
    const all = await rows('draft');
    expect(all).toMatchObject([{ author_id: 1 }, { author_id: 1 }]);
    expect(all.every((row) => row.deleted_at !== null)).toBe(true);
  });

  it('replaces the other end of a one-to-one relation', async () => {
    await plant();
    const author = await em.findOneOrFail(Author, 1, { populate: ['passport'] });
    author.passport = em.create(Passport, { number: 'P2' });
    await em.flush();
    expect(await rows('passport')).toMatchObject([
      { number: 'P1', author_id: 1, deleted_at: expect.any(Date) },
      { number: 'P2', author_id: 1, deleted_at: null },
    ]);
    await em.flush();
    expect((await rows('passport')).map((row) => row.author_id)).toEqual([1, 1]);
    expect(author.passport?.number).toBe('P2');
  });

  it('replaces a one-to-one relation after its end was deleted, in the same manager and in a fresh one', async () => {
    await plant();
    const author = await em.findOneOrFail(Author, 1, { populate: ['passport'] });
    em.remove(author.passport!);
    await em.flush();
    author.passport = em.create(Passport, { number: 'P2' });
    await em.flush();
    const other = fork();
    const again = await other.findOneOrFail(Author, 1, { populate: ['passport'] });
    expect(again.passport?.number).toBe('P2');
    again.passport = other.create(Passport, { number: 'P3' });
    await other.flush();
    expect(await rows('passport')).toMatchObject([
      { number: 'P1', author_id: 1, deleted_at: expect.any(Date) },
      { number: 'P2', author_id: 1, deleted_at: expect.any(Date) },
      { number: 'P3', author_id: 1, deleted_at: null },
    ]);
  });

  it('soft-deletes loaded children through every cascade of the ORM', async () => {
    await plant();
    em.remove(await em.findOneOrFail(Author, 1, { populate: ['books.chapters', 'books.tags', 'drafts', 'passport'] }));
    await em.flush();
    expect(await deleted('book')).toEqual([true, true, false]);
    expect(await deleted('chapter')).toEqual([true, true, false]);
    expect(await deleted('draft')).toEqual([true, true]);
    expect(await deleted('passport')).toEqual([true]);
  });

  it('soft-deletes through softDelete() and nativeDelete() of the repository', async () => {
    await plant();
    await repo(Book).softDelete(1);
    expect(await repo(Book).nativeDelete({ id: 2 })).toBe(1);
    expect(await deleted('book')).toEqual([true, true, false]);
  });

  it('removes physically through hardDelete() only', async () => {
    await plant();
    await expect(repo(Chapter).hardDelete(1)).rejects.toThrow(/chapter was removed physically/);
    await library.database.query('alter table chapter disable trigger refuse');
    try {
      expect(await repo(Chapter).hardDelete(1)).toBe(1);
    } finally {
      await library.database.query('alter table chapter enable trigger refuse');
    }
    expect(await deleted('chapter')).toEqual([false, false]);
  });
});
