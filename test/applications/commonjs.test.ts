import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { Application } from './support/application.js';

describe("A CommonJS application with MikroORM's repositories", () => {
  let database: TestDatabase;
  let application: Application;

  beforeAll(async () => {
    database = await createTestDatabase();
    application = await Application.open('commonjs/dist/commonjs/main.js', { DATABASE_URL: database.url });
  });

  afterAll(async () => {
    await application?.close();
    await database?.drop();
  });

  beforeEach(async () => {
    await database.query(
      `truncate author, book restart identity;
       insert into author (name) values ('Ada'), ('Grace');
       insert into book (isbn, title, author_id) values ('1', 'Engines', 1), ('2', 'Notes', 1), ('3', 'Compilers', 2)`,
    );
  });

  const ask = async (method: string, path: string, body?: unknown) => application.request(method, path, { body });

  const books = () =>
    database
      .query('select id, title, deleted_at is not null as deleted from book order by id')
      .then((rows) =>
        Object.fromEntries(rows.map(({ id, title, deleted }) => [id, deleted ? `${title}, deleted` : title])),
      );

  it('hides what em.remove() deleted, but keeps the row', async () => {
    expect((await ask('DELETE', '/books/1')).body).toEqual({ found: null });
    expect(await books()).toEqual({ 1: 'Engines, deleted', 2: 'Notes', 3: 'Compilers' });
    expect((await ask('GET', '/books')).body.map(({ id }: any) => id)).toEqual([2, 3]);
    expect((await ask('GET', '/admin/books')).body.map(({ id }: any) => id)).toEqual([1, 2, 3]);
  });

  it('deletes softly by nativeDelete() of an injected repository', async () => {
    expect((await ask('DELETE', '/books?title=Notes')).body).toEqual({ deleted: 1 });
    expect(await books()).toEqual({ 1: 'Engines', 2: 'Notes, deleted', 3: 'Compilers' });
    expect((await ask('DELETE', '/books?title=Notes')).body).toEqual({ deleted: 0 });
  });

  it('passes over deleted rows in nativeUpdate() of an injected repository', async () => {
    await ask('DELETE', '/books/1');
    expect((await ask('PATCH', '/books', { title: 'Untitled' })).body).toEqual({ renamed: 2 });
    expect(await books()).toEqual({ 1: 'Engines, deleted', 2: 'Untitled', 3: 'Untitled' });
  });

  it('injects a repository that restores', async () => {
    await ask('DELETE', '/books/1');
    expect(await ask('POST', '/books/1/restore')).toEqual({ status: 200, body: { affected: { Book: 1 }, total: 1 } });
    expect(await books()).toEqual({ 1: 'Engines', 2: 'Notes', 3: 'Compilers' });
  });

  it('deletes and restores in one unit through a repository of its own', async () => {
    await ask('DELETE', '/books/1');
    expect((await ask('DELETE', '/authors?name=Ada')).body).toMatchObject({ affected: { Author: 1, Book: 1 } });
    expect(await books()).toEqual({ 1: 'Engines, deleted', 2: 'Notes, deleted', 3: 'Compilers' });
    expect((await ask('POST', '/authors/1/restore')).body).toEqual({ affected: { Author: 1, Book: 1 }, total: 2 });
    expect(await books()).toEqual({ 1: 'Engines, deleted', 2: 'Notes', 3: 'Compilers' });
  });

  it('takes the ISBN of a deleted book again, and not that of an active one', async () => {
    const engines = { isbn: '1', title: 'Engines again', author: 'Ada' };
    expect((await ask('POST', '/books', engines)).status).toBe(500);
    await ask('DELETE', '/books/1');
    expect(await ask('POST', '/books', engines)).toMatchObject({ status: 201 });
    expect(Object.values(await books())).toEqual(['Engines, deleted', 'Notes', 'Compilers', 'Engines again']);
  });

  it('purges what is past its retention', async () => {
    await ask('DELETE', '/authors?name=Ada');
    expect((await ask('POST', '/a-month-later')).body).toMatchObject({ outcome: 'completed', total: 3 });
    expect(await books()).toEqual({ 3: 'Compilers' });
    expect(await database.query('select name from author')).toEqual([{ name: 'Grace' }]);
  });
});
