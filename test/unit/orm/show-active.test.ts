import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { softDeletable, softDelete } from 'nestjs-mikro-orm-soft-delete';
import { getInstallation } from '../../../lib/installation/installation.js';
import { SOFT_DELETE_FILTER } from '../../../lib/metadata/filter-name.js';
import { hasShownDeleted, sharesWhatWasShown, showActive } from '../../../lib/orm/loading/show-active.js';

const deletedAt = () => p.datetime().columnType('timestamptz').nullable();
const Author = softDeletable(
  defineEntity({
    name: 'Author',
    properties: {
      id: p.integer().primary(),
      books: () => p.oneToMany(Book).mappedBy('author'),
      allBooks: () =>
        p
          .oneToMany(Book)
          .mappedBy('editor')
          .filters({ [SOFT_DELETE_FILTER]: false }),
      profile: () => p.oneToOne(Profile).mappedBy('author').nullable(),
      deletedAt: deletedAt(),
    },
  }),
);
const Book = softDeletable(
  defineEntity({
    name: 'Book',
    properties: {
      id: p.integer().primary(),
      author: () => p.manyToOne(Author).nullable(),
      editor: () => p.manyToOne(Author).nullable(),
      deletedAt: deletedAt(),
    },
  }),
);
const Profile = softDeletable(
  defineEntity({
    name: 'Profile',
    properties: {
      id: p.integer().primary(),
      author: () => p.oneToOne(Author).owner().inversedBy('profile'),
      deletedAt: deletedAt(),
    },
  }),
);
const NOW = new Date('2026-01-02');

describe(showActive, () => {
  const orm = new MikroORM({ dbName: 'none', entities: [Author, Book, Profile], extensions: [softDelete()] });
  const installation = getInstallation(orm.em as never);

  /** An author with books, a book to edit and a profile, of which some are deleted by now. */
  function start() {
    const em = orm.em.fork();
    const load = (entity: unknown, data: object): any => em.merge(entity as never, data as never);
    const row = (id: number, more: object) => ({ id, deletedAt: null, ...more });
    const author = load(Author, {
      ...row(1, {}),
      books: [row(1, { author: 1, editor: null }), row(2, { author: 1, editor: null })],
      allBooks: [row(3, { author: null, editor: 1 })],
    });
    const profile = load(Profile, row(1, { author: 1 }));
    const [deleted, active] = author.books.getItems(false);
    for (const each of [deleted, author.allBooks.getItems(false)[0], profile]) {
      each.deletedAt = NOW;
    }
    const shown = () => ({
      books: author.books.getItems(false).map(({ id }: any) => id),
      allBooks: author.allBooks.getItems(false).map(({ id }: any) => id),
      profile: author.profile?.id ?? null,
    });
    return {
      em,
      author,
      active,
      shown,
      show: (entities: unknown[]) => showActive(em as never, entities, installation),
    };
  }
  const EVERYTHING = { books: [1, 2], allBooks: [3], profile: 1 };
  const ACTIVE = { books: [2], allBooks: [3], profile: null };

  it('costs nothing where no deleted row was ever shown', () => {
    const { author, shown, show } = start();
    show([author]);
    expect(shown()).toEqual(EVERYTHING);
  });

  it('takes deleted rows out of loaded relations, but for those that show every row', () => {
    const { em, author, shown, show } = start();
    hasShownDeleted(em as never);
    show([author]);
    expect(shown()).toEqual(ACTIVE);
    expect(author.books.isDirty()).toBe(false);
  });

  it('reaches what is loaded behind the rows that are handed out', () => {
    const { em, active, shown, show } = start();
    hasShownDeleted(em as never);
    show([null, undefined, 'text', {}, em.getReference(Author, 9), active]);
    expect(shown()).toEqual(ACTIVE);
  });

  it('is told by another entity manager what that has shown', () => {
    const { em, author, shown, show } = start();
    const other = orm.em.fork();
    sharesWhatWasShown(em as never, other as never);
    show([author]);
    expect(shown()).toEqual(EVERYTHING);
    hasShownDeleted(other as never);
    sharesWhatWasShown(em as never, other as never);
    show([author]);
    expect(shown()).toEqual(ACTIVE);
  });
});
