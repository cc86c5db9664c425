import type { FilterQuery } from '@mikro-orm/core';
import { inScope } from '../../support/in-scope.js';
import { Author, Book, Passport, Tag } from '../../support/library.js';
import { useLibrary } from '../../support/use-library.js';

const AUTHORS: [string, FilterQuery<Author>][] = [
  ['a member', { books: { title: 'gone' } }],
  ['a member by key', { books: 2 }],
  ['a member that is there', { books: { title: 'one' } }],
  ['$some', { books: { $some: { title: 'gone' } } }],
  ['$none', { books: { $none: { title: 'gone' } } }],
  ['$every', { books: { $every: { title: 'one' } } }],
  ['$size', { books: { $size: 0 } }],
  ['a nested member', { books: { chapters: { title: 'c3' } } }],
  ['a nested $some', { books: { $some: { chapters: { $some: { title: 'c1' } } } } }],
  ['a nested $none', { books: { $some: { chapters: { $none: {} } } } }],
  ['a member of a member over a pivot table', { books: { tags: { name: 't2' } } }],
  ['the other side of a one-to-one relation', { passport: { number: 'P1' } }],
  ['no other side of a one-to-one relation', { passport: null }],
  ['plain rows', { notes: { text: 'n1' } }],
  ['either of two', { $or: [{ books: { title: 'gone' } }, { name: 'Cid' }] }],
  ['a negation', { $not: { books: { title: 'gone' } } }],
];
const BOOKS: [string, FilterQuery<Book>][] = [
  ['a reference to a deleted row', { author: { name: 'Bob' } }],
  ['a reference to a member of its own', { author: { books: { title: 'gone' } } }],
  ['a member over a pivot table', { tags: { name: 't2' } }],
  ['$none over a pivot table', { tags: { $none: { name: 't2' } } }],
  ['$every over a pivot table', { tags: { $every: { name: 't1' } } }],
  ['$size over a pivot table', { tags: { $size: 1 } }],
];
const OTHERS: [string, new () => any, FilterQuery<any>][] = [
  ['the inverse side of a pivot table', Tag, { books: { title: 'gone' } }],
  ['$none from the inverse side', Tag, { books: { $none: { title: 'gone' } } }],
  ['the owner of a one-to-one relation', Passport, { author: { name: 'Bob' } }],
];
const CASES: [string, new () => any, FilterQuery<any>][] = [
  ...AUTHORS.map(([name, where]) => [`authors by ${name}`, Author, where] as [string, new () => any, object]),
  ...BOOKS.map(([name, where]) => [`books by ${name}`, Book, where] as [string, new () => any, object]),
  ...OTHERS,
];

describe('conditions through relations', () => {
  const library = useLibrary();
  const table = (entity: new () => any) => entity.name.toLowerCase() as 'author';
  const ids = async (entity: new () => any, state = 'true') =>
    (await library.database.query(`select id from ${table(entity)} where ${state} order by id`)).map(({ id }) => id);
  /** What a read of a scope finds, on an entity manager of its own. */
  const found = async (entity: new () => any, scope: 'active' | 'with' | 'only', where: object) =>
    (await library.repo(entity, library.fork()).scope(scope).find(where)).map(({ id }: any) => id).sort();

  beforeEach(async () => {
    await library.plant();
    // Deleted one by one, so that each is a unit of its own: a book, a tag, a passport, an author and one of his books.
    await library.database.query(`
      insert into author (name) values ('Cid'), ('Dan');
      insert into book (title, author_id) values ('gone', 1), ('gone', 3), ('one', 4);
      insert into chapter (title, book_id) values ('c3', 4);
      insert into passport (number, author_id) values ('P3', 3), ('P4', 2);
      insert into book_tags (book_id, tag_id) values (4, 1), (6, 2), (3, 2);
      update book set deleted_at = '2020-01-01 00:00:01' where id in (2, 4);
      update book set deleted_at = '2020-01-01 00:00:02' where id = 5;
      update tag set deleted_at = '2020-01-01 00:00:03' where id = 2;
      update passport set deleted_at = '2020-01-01 00:00:04' where id = 1;
      update author set deleted_at = '2020-01-01 00:00:05' where id = 2;
      update author set deleted_at = '2020-01-01 00:00:06' where id = 4;
      delete from note where id > 1`);
  });

  describe.each(['active', 'with', 'only'] as const)('in a request under the scope %s', (request) => {
    it.each(CASES)('softDelete() deletes what find() finds: %s', async (_name, entity, where) => {
      const before = await ids(entity, 'deleted_at is not null');
      const expected = await found(entity, 'active', where);
      const em = library.fork();
      await inScope(em, request, () => library.repo(entity, em).softDelete(where as never));
      const deleted = (await ids(entity, 'deleted_at is not null')).filter((id) => !before.includes(id));
      expect(deleted).toEqual(expected);
    });

    it.each(CASES)('hardDelete() removes what withDeleted() finds: %s', async (_name, entity, where) => {
      // Without what would be in the way, and would not decide either.
      await library.database.query('delete from review; delete from draft');
      const expected = await found(entity, 'with', where);
      const before = await ids(entity);
      const em = library.fork();
      await inScope(em, request, () => library.repo(entity, em).hardDelete(where as never));
      expect(await ids(entity)).toEqual(before.filter((id) => !expected.includes(id)));
    });

    it.each(CASES)('restore() restores what onlyDeleted() finds: %s', async (_name, entity, where) => {
      // Books and passports belong to their authors, which have to be active.
      if (entity !== Author) {
        await library.database.query('update author set deleted_at = null');
      }
      const before = await ids(entity, 'deleted_at is not null');
      const expected = await found(entity, 'only', where);
      const em = library.fork();
      await inScope(em, request, () => library.repo(entity, em).restore(where as never));
      const left = await ids(entity, 'deleted_at is not null');
      expect(before.filter((id) => !left.includes(id))).toEqual(expected);
    });
  });
});
