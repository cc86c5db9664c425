import { raw } from '@mikro-orm/core';
import type { EntityManager, FilterQuery } from '@mikro-orm/postgresql';
import { runInScope } from 'nestjs-mikro-orm-soft-delete';
import { Author, Book, LIBRARY } from '../../support/library.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const ids = (items: Iterable<{ id: number }>) => [...items].map(({ id }) => id).toSorted((a, b) => a - b);

/** Conditions that speak of the timestamp themselves, and what they mean in SQL. */
const CONDITIONS: Record<string, { where: () => FilterQuery<Book>; sql: string }> = {
  'a time of deletion': { where: () => ({ deletedAt: { $ne: null } }), sql: 'deleted_at is not null' },
  none: { where: () => ({ deletedAt: null }), sql: 'deleted_at is null' },
  'a time of deletion and more': {
    where: () => ({ deletedAt: { $ne: null }, title: { $like: 't%' } }),
    sql: `deleted_at is not null and title like 't%'`,
  },
  'alternatives, one of them a time': {
    where: () => ({ $or: [{ deletedAt: { $ne: null } }, { title: 'one' }] }),
    sql: `deleted_at is not null or title = 'one'`,
  },
  'both of two conditions on the time': {
    where: () => ({ $and: [{ deletedAt: { $ne: null } }, { title: 'two' }] }),
    sql: `deleted_at is not null and title = 'two'`,
  },
  'a negation of the time': { where: () => ({ $not: { deletedAt: null } }), sql: 'not (deleted_at is null)' },
  'a raw condition': {
    where: () => ({ [raw('lower(title)')]: ['two', 'three'] }) as FilterQuery<Book>,
    sql: `lower(title) in ('two', 'three')`,
  },
  'a raw condition on the time': {
    where: () => ({ [raw((alias) => `${alias}.deleted_at is not null`)]: [] }) as FilterQuery<Book>,
    sql: 'deleted_at is not null',
  },
};

const SCOPES = { active: 'deleted_at is null', with: 'true', only: 'deleted_at is not null' } as const;

describe('what a read asks, and what filters ask besides', () => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm(LIBRARY, {
      filters: { titled: { entity: ['Book'], default: false, cond: ({ title }: any) => ({ title }) } },
    });
    await test.database.query(`
      insert into author (name, deleted_at) values ('Ada', null), ('Bob', null);
      insert into book (title, author_id, deleted_at) values
        ('one', 1, null), ('two', 1, now()), ('three', 2, null), ('two', 2, null), ('three', 1, now());
    `);
  });
  beforeEach(() => {
    em = test.orm.em.fork() as EntityManager;
  });
  afterAll(() => test.close());

  const expected = async (...conditions: string[]) =>
    ids(await test.database.query(`select id from book where ${conditions.map((sql) => `(${sql})`).join(' and ')}`));

  describe.each(Object.keys(SCOPES) as (keyof typeof SCOPES)[])('in the scope %s', (scope) => {
    it.each(Object.keys(CONDITIONS))('%s: both hold', async (name) => {
      const { where, sql } = CONDITIONS[name]!;
      const rows = await expected(SCOPES[scope], sql);
      await runInScope(em, scope, async () => {
        expect(ids(await em.find(Book, where()))).toEqual(rows);
        expect(await em.count(Book, where())).toBe(rows.length);
        const one = await em.fork().findOne(Book, where(), { orderBy: { id: 1 } });
        expect(one?.id).toBe(rows[0]);
      });
    });

    it('a filter of the application: all three hold', async () => {
      const rows = await expected(SCOPES[scope], `title = 'two'`);
      await runInScope(em, scope, async () => {
        expect(ids(await em.find(Book, {}, { filters: { titled: { title: 'two' } } }))).toEqual(rows);
        expect(ids(await em.find(Book, { author: 1 }, { filters: { titled: { title: 'two' } } }))).toEqual(
          await expected(SCOPES[scope], `title = 'two'`, 'author_id = 1'),
        );
      });
    });
  });

  it.each([
    ['by a list of names', ['softDelete'], 'deleted_at is null'],
    ['by name', { softDelete: true }, 'deleted_at is null'],
    ['all', true, 'deleted_at is null'],
    ['all but this one', { softDelete: false }, 'true'],
    ['none', false, 'true'],
  ])('switched on %s', async (_, filters, sql) => {
    expect(ids(await em.find(Book, { id: { $gt: 1 } }, { filters: filters as never }))).toEqual(
      await expected(sql, 'id > 1'),
    );
  });

  it('one that an entity manager has gained applies besides, to its forks as well', async () => {
    em.addFilter({ name: 'ofAda', cond: { author: 1 }, entity: [Book] });
    const rows = await expected('deleted_at is null', 'author_id = 1', 'id > 0');
    expect(ids(await em.find(Book, { id: { $gt: 0 } }))).toEqual(rows);
    expect(ids(await em.fork().find(Book, { id: { $gt: 0 } }))).toEqual(rows);
    expect(ids(await em.find(Book, {}))).toEqual(rows);
  });

  it('leaves the condition as it was', async () => {
    const where = { id: { $gt: 0 } };
    await em.find(Book, where);
    await em.find(Author, { books: { id: 1 } });
    expect(where).toEqual({ id: { $gt: 0 } });
  });
});
