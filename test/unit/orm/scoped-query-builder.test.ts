import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { softDeletable, softDelete } from 'nestjs-mikro-orm-soft-delete';
import { ScopedQueryBuilder } from '../../../lib/orm/scoped-query-builder.js';

const deletedAt = () => p.datetime().columnType('timestamptz').nullable();
const Author = softDeletable(
  defineEntity({
    name: 'Author',
    properties: {
      id: p.integer().primary(),
      passport: () => p.oneToOne(Passport).mappedBy('author').nullable(),
      badge: () => p.oneToOne(Badge).mappedBy('author').nullable(),
      office: () => p.oneToOne(Office).nullable(),
      books: () => p.oneToMany(Book).mappedBy('author'),
      deletedAt: deletedAt(),
    },
  }),
);
const Passport = softDeletable(
  defineEntity({
    name: 'Passport',
    properties: {
      id: p.integer().primary(),
      number: p.string(),
      author: () => p.oneToOne(Author).owner(),
      deletedAt: deletedAt(),
    },
  }),
);
const Badge = defineEntity({
  name: 'Badge',
  properties: { id: p.integer().primary(), number: p.string(), author: () => p.oneToOne(Author).owner() },
});
const Office = softDeletable(
  defineEntity({
    name: 'Office',
    properties: { id: p.integer().primary(), number: p.string(), deletedAt: deletedAt() },
  }),
);
const Book = softDeletable(
  defineEntity({
    name: 'Book',
    properties: {
      id: p.integer().primary(),
      number: p.string(),
      author: () => p.manyToOne(Author),
      deletedAt: deletedAt(),
    },
  }),
);

describe(ScopedQueryBuilder, () => {
  const orm = new MikroORM({
    dbName: 'none',
    entities: [Author, Passport, Badge, Office, Book],
    extensions: [softDelete()],
  });
  const query = (scope: 'active' | 'with', relation: string) =>
    ScopedQueryBuilder.adopt(orm.em.fork().qb(Author as never, 'a') as never, scope, scope)
      .where({ [relation]: { number: '1' } } as never)
      .limit(1)
      .getQuery();
  const PAGE = /in \(select .* limit /;

  it('counts an author once in a page, whose deleted passports are shown as well', () => {
    expect(query('with', 'passport')).toMatch(PAGE);
  });

  it.each<['active' | 'with', string, string]>([
    ['active', 'passport', 'one row behind a one-to-one relation is active'],
    ['with', 'badge', 'nothing behind a one-to-one relation can be deleted'],
    ['with', 'office', 'the row holds the key itself'],
  ])('asks for a page plainly (%s, %s), where %s', (scope, relation) => {
    expect(query(scope, relation)).not.toMatch(PAGE);
  });
});
