import type { EntityManager } from '@mikro-orm/postgresql';
import type { SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import type { Library } from './library.js';

/** What a case works with. */
export interface Bench extends Library {
  readonly em: EntityManager;
  /** A further manager. */
  fork(): EntityManager;
  /** Rows by raw SQL. */
  rows(sql: string): Promise<any[]>;
  /** The find options that show deleted rows. */
  readonly everything: any;
  readonly statements: string[];
  repository(entity: new () => any): SoftDeleteRepository<any>;
}

export interface Case {
  readonly title: string;
  /** Where it does not hold, rows are lost or deleted ones are shown: the README tells of it. */
  readonly isTelling?: boolean;
  /** Only for a way of soft deletion that offers the operation. */
  readonly needsRepository?: boolean;
  /** Whether what the title says is so. */
  run(bench: Bench): Promise<boolean>;
}

const row = async ({ rows }: Bench, table: string, id = 1) =>
  (await rows(`select *, deleted_at::text as deleted from ${table} where id = ${id}`))[0];

const isDeleted = async (bench: Bench, table: string, id = 1) => (await row(bench, table, id))?.deleted_at != null;

const count = async ({ rows }: Bench, table: string) => Number((await rows(`select count(*) as n from ${table}`))[0].n);

/** Removes the first book, with what is asked for loaded. */
async function removeBook(bench: Bench, populate: string[] = []): Promise<any> {
  const book = await bench.em.findOneOrFail<any>(bench.Book, 1, { populate: populate as never });
  bench.em.remove(book);
  await bench.em.flush();
  return book;
}

export const DELETING: Case[] = [
  {
    title: 'Removing a loaded entity keeps its row',
    async run(bench) {
      await removeBook(bench);
      return isDeleted(bench, 'book');
    },
  },
  {
    title: 'Removing a bare reference keeps its row as it is',
    async run(bench) {
      bench.em.remove(bench.em.getReference<any>(bench.Review, 1));
      await bench.em.flush();
      return (await isDeleted(bench, 'review')) && (await row(bench, 'review')).book_id === 1;
    },
  },
  {
    title: 'Deleting a row and creating one with its unique value in one flush keeps the old row',
    isTelling: true,
    async run(bench) {
      const book = await bench.em.findOneOrFail<any>(bench.Book, 2);
      bench.em.remove(book);
      bench.em.create<any>(bench.Book, { name: 'again', slug: 'two', author: book.author });
      await bench.em.flush();
      return (await isDeleted(bench, 'book', 2)) && (await count(bench, 'book')) === 3;
    },
  },
  {
    title: '`Collection.remove()` with orphan removal keeps the row and its foreign key',
    async run(bench) {
      const book = await bench.em.findOneOrFail<any>(bench.Book, 1, { populate: ['chapters'] as never });
      book.chapters.remove(book.chapters.getItems().find(({ id }: any) => id === 1));
      await bench.em.flush();
      return (await isDeleted(bench, 'chapter')) && (await row(bench, 'chapter')).book_id === 1;
    },
  },
  {
    title: '`Collection.set()` on an unloaded collection with orphan removal keeps the rows',
    isTelling: true,
    async run(bench) {
      const book = await bench.em.findOneOrFail<any>(bench.Book, 1);
      book.chapters.set([bench.em.getReference<any>(bench.Chapter, 1)]);
      await bench.em.flush();
      return (await isDeleted(bench, 'chapter', 2)) && !(await isDeleted(bench, 'chapter', 1));
    },
  },
  {
    title: '`Collection.removeAll()` on an unloaded collection with orphan removal keeps the rows',
    async run(bench) {
      (await bench.em.findOneOrFail<any>(bench.Book, 1)).chapters.removeAll();
      await bench.em.flush();
      return (await count(bench, 'chapter')) === 3 && (await isDeleted(bench, 'chapter', 2));
    },
  },
  {
    title: 'Replacing the entity of a one-to-one relation with orphan removal keeps the old row and its foreign key',
    async run(bench) {
      const book = await bench.em.findOneOrFail<any>(bench.Book, 1, { populate: ['cover'] as never });
      book.cover = bench.em.create<any>(bench.Cover, { name: 'blue' } as never, { partial: true } as never);
      await bench.em.flush();
      await bench.em.flush();
      return (await isDeleted(bench, 'cover')) && (await row(bench, 'cover')).book_id === 1;
    },
  },
  {
    title: '`repository.nativeDelete()` keeps the rows',
    isTelling: true,
    async run(bench) {
      await bench.repository(bench.Review).nativeDelete({ id: 1 });
      return isDeleted(bench, 'review');
    },
  },
  {
    title: 'Children that were not loaded are deleted with their parent',
    isTelling: true,
    async run(bench) {
      bench.em.remove(await bench.em.findOneOrFail<any>(bench.Author, 1));
      await bench.em.flush();
      return (
        (await isDeleted(bench, 'author')) && (await isDeleted(bench, 'book', 2)) && isDeleted(bench, 'chapter', 2)
      );
    },
  },
  {
    title: 'Parent and loaded children carry one time of deletion, to the microsecond, however long the flush takes',
    async run(bench) {
      bench.em.remove(await bench.em.findOneOrFail<any>(bench.Author, 1, { populate: ['books'] as never }));
      await withTickingClock(() => bench.em.flush());
      const times = await bench.rows(
        'select deleted_at::text as t from author union all select deleted_at::text from book',
      );
      return times.length === 3 && times[0].t !== null && new Set(times.map(({ t }) => t)).size === 1;
    },
  },
  {
    title: 'Children that are not deleted with their parent keep their foreign key, loaded or not',
    isTelling: true,
    async run(bench) {
      await removeBook(bench, ['reviews', 'notes']);
      const keys = await bench.rows('select book_id from review union all select book_id from note');
      return (await isDeleted(bench, 'book')) && keys.every(({ book_id }) => book_id === 1);
    },
  },
  {
    title: 'Rows of a many-to-many relation are kept',
    async run(bench) {
      await removeBook(bench, ['tags']);
      return (await isDeleted(bench, 'book')) && (await count(bench, 'book_tags')) === 2;
    },
  },
  {
    title: 'Replacing an unloaded many-to-many collection keeps the links of deleted rows',
    async run(bench) {
      await bench.rows('update tag set deleted_at = now() where id = 1');
      (await bench.em.findOneOrFail<any>(bench.Book, 1)).tags.removeAll();
      await bench.em.flush();
      return (await bench.rows('select tag_id from book_tags')).map(({ tag_id }) => tag_id).join() === '1';
    },
  },
  {
    title: 'Deleting a deleted row keeps its first time of deletion',
    async run(bench) {
      const before = await row(bench, 'chapter', 3);
      bench.em.remove(await bench.em.findOneOrFail<any>(bench.Chapter, 3, bench.everything));
      await bench.em.flush();
      return (await row(bench, 'chapter', 3))?.deleted === before.deleted;
    },
  },
  {
    title: 'Deleting a deleted row through a bare reference keeps its first time of deletion',
    async run(bench) {
      const before = await row(bench, 'chapter', 3);
      bench.em.remove(bench.em.getReference<any>(bench.Chapter, 3));
      await bench.em.flush();
      return (await row(bench, 'chapter', 3))?.deleted === before.deleted;
    },
  },
  {
    title: '`onUpdate` properties do not change',
    async run(bench) {
      await removeBook(bench);
      return (await isDeleted(bench, 'book')) && (await row(bench, 'book')).updates === 0;
    },
  },
  {
    title: 'Unsaved changes of a removed entity are not saved with its deletion',
    async run(bench) {
      const book = await bench.em.findOneOrFail<any>(bench.Book, 1);
      book.name = 'changed';
      bench.em.remove(book);
      await bench.em.flush();
      return (await isDeleted(bench, 'book')) && (await row(bench, 'book')).name === 'one';
    },
  },
  {
    title: "The time of deletion comes from the database's clock",
    async run(bench) {
      const review = await bench.em.findOneOrFail<any>(bench.Review, 1);
      await inThePast(async () => {
        bench.em.remove(review);
        await bench.em.flush();
      });
      return (await bench.rows("select deleted_at > now() - interval '1 hour' as ok from review"))[0].ok === true;
    },
  },
  {
    title: 'A relation can refuse the deletion of a row that is still in use',
    needsRepository: true,
    async run(bench) {
      const refused = await bench
        .repository(bench.Tag)
        .softDelete(1)
        .then(
          () => false,
          ({ code }) => code,
        );
      return refused !== false && !(await isDeleted(bench, 'tag'));
    },
  },
];

/** Runs with a clock of the application that says what it is told to. */
async function withClock(now: () => number, work: () => Promise<unknown>): Promise<void> {
  const Real = globalThis.Date;
  globalThis.Date = class extends Real {
    constructor(...args: any[]) {
      super(...((args.length === 0 ? [now()] : args) as [number]));
    }

    static override now(): number {
      return now();
    }
  } as DateConstructor;
  try {
    await work();
  } finally {
    globalThis.Date = Real;
  }
}

/** Runs with a clock that is a year slow. */
function inThePast(work: () => Promise<unknown>): Promise<void> {
  const now = Date.now.bind(Date);
  return withClock(() => now() - 365 * 86_400_000, work);
}

/** Runs with a clock that is a millisecond later each time it is asked. */
function withTickingClock(work: () => Promise<unknown>): Promise<void> {
  let now = Date.now();
  return withClock(() => now++, work);
}

export const READING: Case[] = [
  {
    title: '`count()` counts what `find()` finds',
    async run(bench) {
      return (
        (await bench.em.count<any>(bench.Chapter)) === 2 && (await bench.em.find<any>(bench.Chapter, {})).length === 2
      );
    },
  },
  {
    title: 'Populated collections hide deleted rows, with joins or separate queries',
    async run(bench) {
      for (const strategy of ['joined', 'select-in'] as const) {
        const book = await bench
          .fork()
          .findOneOrFail<any>(bench.Book, 1, { populate: ['chapters'] as never, strategy });
        if (book.chapters.length !== 2) {
          return false;
        }
      }
      return true;
    },
  },
  {
    title: '`$some` and `$none` skip deleted rows',
    isTelling: true,
    async run(bench) {
      await bench.rows("update chapter set deleted_at = now() where name = 'first'");
      const some = await bench.em.find<any>(bench.Book, { chapters: { $some: { name: 'first' } } } as never);
      const none = await bench.em.find<any>(bench.Book, { chapters: { $none: { name: 'first' } } } as never);
      return some.length === 0 && none.length === 2;
    },
  },
  {
    title: 'Rows that reference a deleted row are found',
    async run(bench) {
      await bench.rows('update author set deleted_at = now()');
      return (await bench.em.find<any>(bench.Book, {})).length === 2;
    },
  },
  {
    title: 'A reference to a deleted row resolves',
    isTelling: true,
    async run(bench) {
      await bench.rows('update book set deleted_at = now() where id = 1');
      const review = await bench.em.findOneOrFail<any>(bench.Review, 1, { populate: ['book'] as never });
      return review.book?.name === 'one';
    },
  },
  {
    title: 'A deleted row on the other side of a one-to-one relation does not duplicate its owner',
    async run(bench) {
      await bench.rows("insert into cover (name, book_id, deleted_at) values ('older', 1, now())");
      const books = await bench.em.find<any>(bench.Book, {}, { populate: ['cover'] as never });
      return books.length === 2 && books.find(({ id }) => id === 1)?.cover?.name === 'red';
    },
  },
  {
    title: 'On one entity manager, a read with deleted rows does not show in the next one without',
    isTelling: true,
    async run(bench) {
      const options = { populate: ['chapters'], strategy: 'select-in' } as object;
      await bench.em.findOneOrFail<any>(bench.Book, 1, { ...options, ...bench.everything });
      const book = await bench.em.findOneOrFail<any>(bench.Book, 1, options);
      return book.chapters.length === 2 && (await bench.em.findOne<any>(bench.Chapter, 3)) === null;
    },
  },
];

export const REMEMBERING: Case[] = [
  {
    title: 'After a deletion, `findOne(pk)` on the same entity manager finds nothing',
    isTelling: true,
    async run(bench) {
      await removeBook(bench);
      return (await isDeleted(bench, 'book')) && (await bench.em.findOne<any>(bench.Book, 1)) === null;
    },
  },
  {
    title: 'After a deletion, loaded collections no longer contain the row',
    async run(bench) {
      const book = await bench.em.findOneOrFail<any>(bench.Book, 1, { populate: ['chapters'] as never });
      bench.em.remove(book.chapters.getItems().find(({ id }: any) => id === 1));
      await bench.em.flush();
      return (await isDeleted(bench, 'chapter')) && book.chapters.length === 1;
    },
  },
  {
    title: 'After a deletion, the next flush has nothing to write',
    async run(bench) {
      await removeBook(bench, ['reviews']);
      const before = JSON.stringify(await bench.rows('select * from book order by id'));
      bench.statements.length = 0;
      await bench.em.flush();
      const after = JSON.stringify(await bench.rows('select * from book order by id'));
      return (await isDeleted(bench, 'book')) && before === after && bench.statements.length === 0;
    },
  },
  {
    title: 'After a rollback, the entity is active in memory, as it is in the database',
    async run(bench) {
      const book = await bench.em.findOneOrFail<any>(bench.Book, 2);
      await bench.em
        .transactional(async (tx) => {
          tx.remove(book);
          await tx.flush();
          throw new Error('undo');
        })
        .catch(() => undefined);
      return !(await isDeleted(bench, 'book', 2)) && book.deletedAt == null;
    },
  },
];

export const RESTORING: Case[] = [
  {
    title: 'Restoring a row brings back what was deleted with it, and nothing else',
    isTelling: true,
    needsRepository: true,
    async run(bench) {
      await bench.repository(bench.Author).softDelete(1);
      await bench.repository(bench.Author).restore(1);
      const active = await bench.rows('select name from chapter where deleted_at is null order by id');
      return !(await isDeleted(bench, 'book')) && active.map(({ name }) => name).join() === 'first,second';
    },
  },
  {
    title: 'A restoration that would duplicate a unique value names the conflicting row and changes nothing',
    needsRepository: true,
    async run(bench) {
      await bench.repository(bench.Book).softDelete(2);
      await bench.rows("insert into book (name, slug, author_id) values ('new', 'two', 1)");
      const conflict = await bench
        .repository(bench.Book)
        .restore(2)
        .then(
          () => undefined,
          (error) => error.conflicts?.[0],
        );
      return conflict?.reason === 'unique' && conflict.conflictingKey !== undefined && isDeleted(bench, 'book', 2);
    },
  },
];
