import type { Loaded } from '@mikro-orm/core';
import { expectTypeOf } from 'expect-type';
import {
  type DeletedScope,
  type DeletionPreview,
  type DeletionResult,
  type RestoreConflict,
  RestoreConflictError,
  type RestorePreview,
  type RestoreResult,
  type SoftDeleteReadView,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { Author, Book } from './entities.js';

declare const authors: SoftDeleteRepository<Author>;
declare const books: SoftDeleteRepository<Book>;
declare const author: Author;
declare const scope: DeletedScope;

/** Read views keep the hints of what is loaded, as the repository does. */
export async function viewsAreTypedAsTheRepository(): Promise<void> {
  for (const reads of [authors, authors.withDeleted(), authors.onlyDeleted(), authors.scope(scope)]) {
    const found = await reads.find({ email: 'a@example.com' }, { populate: ['books'] });
    expectTypeOf(found).toEqualTypeOf<Loaded<Author, 'books'>[]>();
    expectTypeOf(found[0]!.books.$[0]!.title).toEqualTypeOf<string>();
    expectTypeOf(await reads.findOne(1)).toEqualTypeOf<Loaded<Author> | null>();
    expectTypeOf((await reads.findAndCount({}))[1]).toEqualTypeOf<number>();
    expectTypeOf(await reads.count({ books: { title: 'x' } })).toEqualTypeOf<number>();
  }
  const view = books.withDeleted();
  expectTypeOf(view).toEqualTypeOf<SoftDeleteReadView<Book>>();
  const [book] = await view.findAll({ populate: ['author'], fields: ['title', 'author.email'] });
  expectTypeOf(book!.author.$.email).toEqualTypeOf<string>();
  // @ts-expect-error: was not loaded
  void book!.removedAt;
  // @ts-expect-error: has no such relation
  await view.find({}, { populate: ['publisher'] });
  // @ts-expect-error: has no such property
  await view.find({ name: 'x' });
  // @ts-expect-error: a view reads
  void view.softDelete;
}

export async function targetsAreKeysEntitiesListsAndConditions(): Promise<void> {
  expectTypeOf(await authors.softDelete(1)).toEqualTypeOf<DeletionResult>();
  await authors.softDelete(author, { reason: 'asked for', actor: 'admin' });
  await authors.softDelete([1, author]);
  await authors.softDelete({ email: { $like: '%@example.com' } });
  await books.hardDelete('5b0e7ab4-6d0a-4b0b-8bd1-0a4d4c8d5a3e');
  expectTypeOf(await authors.restore([1, 2], { withParents: true })).toEqualTypeOf<RestoreResult>();
  expectTypeOf(await authors.hardDelete({ email: 'a@example.com' })).toEqualTypeOf<number>();
  // @ts-expect-error: not a key of an author
  await authors.softDelete(new Date());
  // @ts-expect-error: no such property
  await authors.restore({ name: 'x' });
  // @ts-expect-error: no such option
  await authors.softDelete(1, { withParents: true });
}

export async function previewsSayWhatWouldHappen(): Promise<void> {
  const deletion = await authors.softDelete(1, { dryRun: true });
  expectTypeOf(deletion).toEqualTypeOf<DeletionPreview>();
  expectTypeOf(deletion.restrictions[0]!.relation).toEqualTypeOf<string>();
  expectTypeOf(await authors.hardDelete(1, { dryRun: true, actor: 'admin' })).toEqualTypeOf<DeletionPreview>();
  const restoration = await authors.restore(1, { dryRun: true, withParents: true });
  expectTypeOf(restoration).toEqualTypeOf<RestorePreview>();
  expectTypeOf(restoration.conflicts).toEqualTypeOf<readonly RestoreConflict[]>();
  expectTypeOf(await authors.softDelete(1, { dryRun: false })).toEqualTypeOf<DeletionResult>();
  expectTypeOf(await authors.hardDelete(1, { dryRun: false })).toEqualTypeOf<number>();
  const either = await authors.softDelete(1, { dryRun: Boolean(scope) });
  expectTypeOf(either).toEqualTypeOf<DeletionResult | DeletionPreview>();
  expectTypeOf(either.total).toEqualTypeOf<number>();
  // @ts-expect-error: a preview has no time
  void deletion.deletedAt;
  await authors.restore(1, { reason: 'by mistake', actor: 'support' });
}

export async function resultsSayWhatHappened(): Promise<void> {
  const { deletedAt, affected, total } = await authors.softDelete(1);
  expectTypeOf(deletedAt).toEqualTypeOf<Date>();
  expectTypeOf(affected).toEqualTypeOf<Readonly<Record<string, number>>>();
  expectTypeOf(total).toEqualTypeOf<number>();
  const { entity, restored } = await authors.restoreOrCreate({ email: 'a@example.com' }, { email: 'a@example.com' });
  expectTypeOf(entity).toEqualTypeOf<Author>();
  expectTypeOf(restored).toEqualTypeOf<boolean>();
  // @ts-expect-error: an author needs an email
  await authors.restoreOrCreate({ email: 'a@example.com' }, {});
  expectTypeOf(authors.isDeleted(author)).toEqualTypeOf<boolean>();
  expectTypeOf(await authors.upsert({ email: 'a@example.com' })).toEqualTypeOf<Author>();
  expectTypeOf(await authors.nativeDelete({ id: 1 })).toEqualTypeOf<number>();
}

export async function conflictsAreNamed(): Promise<void> {
  try {
    await authors.restore(1);
  } catch (error) {
    if (error instanceof RestoreConflictError) {
      expectTypeOf(error.conflicts).toEqualTypeOf<readonly RestoreConflict[]>();
      expectTypeOf(error.conflicts[0]!.reason).toEqualTypeOf<
        'unique' | 'key' | 'parent-deleted' | 'parent-missing' | 'schema'
      >();
    }
  }
}
