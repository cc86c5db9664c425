import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { softDeletable, softDelete } from 'nestjs-mikro-orm-soft-delete';
import { SOFT_DELETE_FILTER } from '../../../lib/metadata/filter-name.js';
import {
  followedRelation,
  showsEvery,
  writeRelationFilters,
} from '../../../lib/metadata/relations/relation-filters.js';
import { SoftDeleteCatalog } from '../../../lib/metadata/soft-delete-catalog.js';

const deletedAt = () => p.datetime().columnType('timestamptz').nullable();
const Plain = defineEntity({ name: 'Plain', properties: { id: p.integer().primary() } });
const Author = softDeletable(
  defineEntity({
    name: 'Author',
    properties: {
      id: p.integer().primary(),
      plain: () => p.manyToOne(Plain),
      profile: () => p.oneToOne(Profile).mappedBy('author'),
      bio: () => p.oneToOne(Profile).owner(),
      mentor: () => p.manyToOne(Author),
      strictMentor: () => p.manyToOne(Author).filters({ [SOFT_DELETE_FILTER]: true }),
      books: () => p.oneToMany(Book).mappedBy('author'),
      allBooks: () =>
        p
          .oneToMany(Book)
          .mappedBy('author')
          .filters({ [SOFT_DELETE_FILTER]: false }),
      listed: () => p.oneToMany(Book).mappedBy('author').filters(['tenant']),
      listedToo: () => p.oneToMany(Book).mappedBy('author').filters([SOFT_DELETE_FILTER]),
      unfiltered: () => p.oneToMany(Book).mappedBy('author').filters(false),
      filtered: () => p.oneToMany(Book).mappedBy('author').filters(true),
      friends: () => p.manyToMany(Author),
      deletedAt: deletedAt(),
    },
  }),
);
const Profile = softDeletable(
  defineEntity({
    name: 'Profile',
    properties: { id: p.integer().primary(), author: () => p.oneToOne(Author).owner(), deletedAt: deletedAt() },
  }),
);
const Book = softDeletable(
  defineEntity({
    name: 'Book',
    properties: { id: p.integer().primary(), author: () => p.manyToOne(Author), deletedAt: deletedAt() },
  }),
);

describe(writeRelationFilters, () => {
  const orm = new MikroORM({ dbName: 'none', entities: [Plain, Author, Profile, Book], extensions: [softDelete()] });
  const meta = [...orm.getMetadata()].find(({ className }) => className === 'Author')!;
  const properties = meta.properties as any;
  const filtersOf = (name: string) => properties[name].filters;
  const shown = (name: string) => followedRelation(filtersOf(name)[SOFT_DELETE_FILTER]);

  it('lets a reference resolve, and members be those that the scope shows', () => {
    expect(['mentor', 'bio'].map(shown)).toEqual(['every', 'every']);
    expect(['books', 'friends', 'profile'].map(shown)).toEqual(['scoped', 'scoped', 'scoped']);
  });

  it('lets whoever declares a relation switch the filter off and on', () => {
    expect(['allBooks', 'strictMentor', 'listedToo', 'filtered'].map(shown)).toEqual([
      'every',
      'scoped',
      'scoped',
      'scoped',
    ]);
    expect(showsEvery(properties.allBooks, SOFT_DELETE_FILTER)).toBe(true);
    expect(showsEvery(properties.books, SOFT_DELETE_FILTER)).toBe(false);
  });

  it('keeps the other filters of a relation', () => {
    expect(filtersOf('listed')).toEqual({ tenant: true, [SOFT_DELETE_FILTER]: { 'Author.listed': 'scoped' } });
    expect(filtersOf('unfiltered')).toBe(false);
    expect(showsEvery(properties.unfiltered, SOFT_DELETE_FILTER)).toBe(true);
  });

  it('leaves a relation to rows alone that are not deleted softly', () => {
    expect(filtersOf('plain')).toBeUndefined();
    expect(showsEvery(properties.plain, SOFT_DELETE_FILTER)).toBe(false);
  });

  it('makes the other side of a one-to-one relation nullable, and nothing else', () => {
    const nullable = ['profile', 'bio', 'mentor'].map((name) => Boolean(properties[name].nullable));
    expect(nullable).toEqual([true, false, false]);
  });

  it('writes what it has written once only', () => {
    const before = filtersOf('books');
    writeRelationFilters(meta, SOFT_DELETE_FILTER, SoftDeleteCatalog.of(orm.em as never));
    expect(filtersOf('books')).toBe(before);
    expect(shown('allBooks')).toBe('every');
  });
});

describe(followedRelation, () => {
  it('is the first relation that is named, and none where a query starts', () => {
    expect(followedRelation(undefined)).toBeUndefined();
    expect(followedRelation({})).toBeUndefined();
    expect(followedRelation({ scope: 'with', 'A.b': 'scoped', 'B.c': 'every' })).toBe('scoped');
    expect(followedRelation({ 'B.c': 'every', 'A.b': 'scoped' })).toBe('every');
  });
});
