import type { EntityManager } from '@mikro-orm/postgresql';
import { Account, Author, Draft } from '../../support/library.js';
import { useLibrary } from '../../support/use-library.js';

describe('I3: a soft deletion changes the time of deletion and nothing else', () => {
  const library = useLibrary();
  const { fork, repo, rows, deleted, plant, contents } = library;
  let em: EntityManager;

  beforeEach(() => {
    em = library.em;
  });

  it('keeps every other column, foreign key, pivot row and plain child, loaded or not', async () => {
    await plant();
    const before = {
      author: await rows('author'),
      book: await rows('book'),
      review: await rows('review'),
      pivot: await library.database.query('select * from book_tags'),
      note: await library.database.query('select * from note'),
    };
    em.remove(
      await em.findOneOrFail(Author, 1, {
        populate: ['books.chapters', 'books.tags', 'drafts', 'reviews', 'notes', 'passport'],
      }),
    );
    await em.flush();
    await em.flush();

    const except = (all: any[]) => all.map(({ deleted_at: _deletedAt, time: _time, ...row }) => row);
    expect(except(await rows('author'))).toEqual(except(before.author));
    expect(except(await rows('book'))).toEqual(except(before.book));
    expect(except(await rows('review'))).toEqual(except(before.review));
    expect(await library.database.query('select * from book_tags')).toEqual(before.pivot);
    expect(await library.database.query('select * from note')).toEqual(before.note);
  });

  it('does not touch properties with onUpdate, in the database or in memory', async () => {
    await plant();
    const author = await em.findOneOrFail(Author, 1);
    em.remove(author);
    await em.flush();

    expect((await rows('author'))[0].updated_at).toBeNull();
    expect(author.updatedAt).toBeNull();
  });

  it('checks and bumps the version', async () => {
    await library.database.query(`insert into account (email, version) values ('a@b.c', 1)`);
    const account = await em.findOneOrFail(Account, 1);
    await library.database.query('update account set version = 7');
    em.remove(account);
    await expect(em.flush()).rejects.toThrow(/optimistic lock/i);
    expect(await deleted('account')).toEqual([false]);

    const fresh = fork();
    const current = await fresh.findOneOrFail(Account, 1);
    fresh.remove(current);
    await fresh.flush();
    expect(await rows('account')).toMatchObject([{ version: 8 }]);
    expect(current.version).toBe(8);
  });

  it('does not save other unsaved changes of what it deletes, now or later', async () => {
    await plant();
    const author = await em.findOneOrFail(Author, 1);
    author.name = 'changed';
    em.remove(author);
    await em.flush();
    expect((await rows('author'))[0]).toMatchObject({ name: 'Ada', deleted_at: expect.any(Date) });
    expect(author.name).toBe('Ada');

    library.statements.length = 0;
    await em.flush();
    expect(library.statements).toEqual([]);
  });

  it('leaves the foreign key of a deleted row that its collection lets go', async () => {
    await plant();
    await repo(Draft).softDelete(1);
    const [before] = await rows('draft');
    const author = await em.findOneOrFail(Author, 1, { populate: ['drafts'], filters: { softDelete: false } });
    expect(author.drafts).toHaveLength(2);
    author.drafts.removeAll();
    await em.flush();
    expect(await rows('draft')).toMatchObject([
      { author_id: 1, time: before.time },
      { author_id: 1, deleted_at: expect.any(Date) },
    ]);
  });

  it('leaves everything else as it was when rows are deleted and restored by set', async () => {
    await plant();
    const before = await contents();
    await repo(Author).softDelete(1);
    expect(await deleted('author')).toEqual([true, false]);
    expect(await contents()).toEqual(before);
    await repo(Author).restore(1);
    expect(await deleted('author')).toEqual([false, false]);
    expect(await contents()).toEqual(before);
  });
});
