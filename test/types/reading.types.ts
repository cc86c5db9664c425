import type { Cursor, Dictionary, Loaded } from '@mikro-orm/core';
import type { QueryBuilder } from '@mikro-orm/postgresql';
import { expectTypeOf } from 'expect-type';
import type { DeletedScope, SoftDeleteReadView, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import type { Author, Book } from '../support/library.js';

declare const repository: SoftDeleteRepository<Author>;
declare const scope: DeletedScope;
declare const author: Author;

/** Questions to the compiler (`npm run typecheck`), in functions that nobody calls. */
export const questions = {
  async keepsHints() {
    for (const view of [repository.withDeleted(), repository.onlyDeleted(), repository.scope(scope)]) {
      expectTypeOf(view).toEqualTypeOf<SoftDeleteReadView<Author>>();

      const found = await view.find({ name: 'Ada' }, { populate: ['books.tags'] });
      expectTypeOf(found).toEqualTypeOf<Loaded<Author, 'books.tags'>[]>();
      expectTypeOf(found[0]!.books.$[0]!.tags.$[0]!.name).toEqualTypeOf<string>();
      expectTypeOf(await view.findAll({ populate: ['passport'] })).toEqualTypeOf<Loaded<Author, 'passport'>[]>();
      expectTypeOf(await view.findOne(1, { populate: ['books'] })).toEqualTypeOf<Loaded<Author, 'books'> | null>();
      expectTypeOf(await view.findOneOrFail(1)).toEqualTypeOf<Loaded<Author>>();
      expectTypeOf(await view.findOneOrFail(1, { populate: ['books'], fields: ['books.title'] })).toEqualTypeOf<
        Loaded<Author, 'books', 'books.title'>
      >();
      expectTypeOf(await view.populate(author, ['books'])).toEqualTypeOf<Loaded<Author, 'books'>>();
      expectTypeOf(await view.populate([author], ['books'])).toEqualTypeOf<Loaded<Author, 'books'>[]>();
      expectTypeOf(await view.findAndCount({}, { populate: ['books'] })).toEqualTypeOf<
        [Loaded<Author, 'books'>[], number]
      >();
      expectTypeOf(await view.count({ books: { title: 'one' } })).toEqualTypeOf<number>();
      expectTypeOf(await view.countBy('name')).toEqualTypeOf<Dictionary<number>>();
      const cursor = await view.findByCursor({ first: 1, orderBy: { id: 1 }, populate: ['books'] });
      expectTypeOf(cursor).toExtend<Cursor<Author, 'books'>>();
      expectTypeOf(cursor.items[0]!.books.$[0]!).toExtend<Book>();
      for await (const author of view.stream({ populate: ['books'] })) {
        expectTypeOf(author.books.$[0]!.title).toEqualTypeOf<string>();
      }
      expectTypeOf(view.createQueryBuilder('a')).toEqualTypeOf<QueryBuilder<Author, 'a'>>();
      expectTypeOf(view.qb('a')).toEqualTypeOf<QueryBuilder<Author, 'a'>>();
      expectTypeOf(repository.qb('a')).toEqualTypeOf<QueryBuilder<Author, 'a'>>();
    }
  },
  async keepsPartialLoading() {
    const [author] = await repository.withDeleted().find({}, { fields: ['name'] });
    expectTypeOf(author!.name).toEqualTypeOf<string>();
    // @ts-expect-error the property was not asked for
    void author!.updatedAt;
  },
  async keepsWhatIsNotLoadedUnloaded() {
    const [author] = await repository.onlyDeleted().find({});
    // @ts-expect-error the collection was not populated
    void author!.books.$;
    const { items } = await repository.withDeleted().findByCursor({ first: 1, orderBy: { id: 1 } });
    // @ts-expect-error the collection was not populated
    void items[0]!.books.$;
  },
  refusesWhatTheOrmRefuses() {
    // @ts-expect-error there is no such property
    void repository.withDeleted().find({ nmae: 'Ada' });
    // @ts-expect-error there is no such relation
    void repository.onlyDeleted().findOne(1, { populate: ['bokos'] });
    // @ts-expect-error there is no such relation of a member
    void repository.onlyDeleted().findAll({ populate: ['books.autor'] });
    // @ts-expect-error a name is text
    void repository.withDeleted().count({ name: 1 });
    // @ts-expect-error pages are in some order of what there is
    void repository.withDeleted().findByCursor({ first: 1, orderBy: { nmae: 1 } });
    // @ts-expect-error there is no such property to count by
    void repository.withDeleted().countBy('nmae');
    // @ts-expect-error there is no such relation
    void repository.withDeleted().stream({ populate: ['bokos'] });
    // @ts-expect-error there is no such relation
    void repository.withDeleted().populate(author, ['bokos']);
    // @ts-expect-error there is no such scope
    repository.scope('trashed');
    // @ts-expect-error a view reads
    void repository.withDeleted().softDelete(1);
  },
};
