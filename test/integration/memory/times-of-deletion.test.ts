import {
  type AnyEntity,
  Collection,
  defineEntity,
  type FlushEventArgs,
  helper,
  p,
  type Rel,
  Type,
} from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { type EntityManager, MikroORM, type Options } from '@mikro-orm/postgresql';
import {
  createPurge,
  installSoftDelete,
  SoftDeletable,
  softDeletable,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';
import { Moment, MomentType } from './moment-type.js';

/** Kept from the type checker's eyes: it knows one kind of decorators per program. The others are in their own. */
const ecmascript: string = './times-of-deletion.es.js';

/** Tells nothing but whether. */
class FlagType extends Type<boolean | null, string | null> {
  override convertToDatabaseValue(value: boolean | null): string | null {
    return value ? 'now' : null;
  }
  override convertToJSValue(value: unknown): boolean | null {
    return value === null ? null : true;
  }
  override getColumnType(): string {
    return 'timestamptz(6)';
  }
  override compareAsType(): string {
    return 'string';
  }
}

const KINDS = {
  'a class': () => p.type(MomentType).nullable(),
  'a flag': () => p.type(FlagType).nullable(),
  'a text, as far as TypeScript knows': () => p.string().columnType('timestamptz').nullable(),
  'a Date over a timestamp without a time zone': () => p.datetime().columnType('timestamp').nullable(),
};

let count = 0;

function declare(kind: keyof typeof KINDS) {
  const n = ++count;
  const time = KINDS[kind] as () => any;
  const Shelf = defineEntity({
    name: `Shelf${n}`,
    tableName: 'shelf',
    repository: () => SoftDeleteRepository,
    properties: {
      id: p.integer().primary(),
      name: p.string().nullable(),
      deletedAt: time(),
      books: (): any => p.oneToMany(Book).mappedBy('shelf').orphanRemoval(),
      label: (): any => p.oneToOne(Label).mappedBy('shelf').nullable().orphanRemoval(),
    },
  } as any);
  const Book: any = defineEntity({
    name: `Book${n}`,
    tableName: 'book',
    repository: () => SoftDeleteRepository,
    properties: {
      id: p.integer().primary(),
      name: p.string().nullable(),
      version: p.integer().version(),
      deletedAt: time(),
      shelf: (): any => p.manyToOne(Shelf).nullable(),
    },
  } as any);
  const Label: any = defineEntity({
    name: `Label${n}`,
    tableName: 'label',
    repository: () => SoftDeleteRepository,
    properties: {
      id: p.integer().primary(),
      deletedAt: time(),
      shelf: (): any => p.oneToOne(Shelf).owner().nullable().unique(false),
    },
  } as any);
  [Shelf, Book, Label].forEach((schema) => softDeletable(schema as any));
  return { Shelf: Shelf as any, Book, Label };
}

async function fill({ database }: TestOrm): Promise<void> {
  await database.query(`
    delete from label; delete from book; delete from shelf;
    insert into shelf (id) values (1), (2);
    insert into book (id, shelf_id, version) values (1, 1, 1), (2, 1, 1), (3, 2, 1);
    insert into label (id, shelf_id) values (1, 1), (2, 2)`);
}

async function deletedRows({ database }: TestOrm, table: string): Promise<number[]> {
  const rows = await database.query(`select id from ${table} where deleted_at is not null order by id`);
  return rows.map((row: any) => row.id);
}

/** What every managed entity holds is what a fresh read gives, and there is nothing to write. */
async function expectTruth(test: TestOrm, em: EntityManager, time = 'deletedAt'): Promise<void> {
  for (const entity of em.getUnitOfWork().getIdentityMap().values() as AnyEntity[]) {
    // Of a bare reference only the key is known.
    if (!helper(entity).__initialized && (entity as any)[time] == null) {
      continue;
    }
    const fresh = await test.orm.em
      .fork()
      .findOneOrFail<any>(entity.constructor as any, { id: (entity as any).id }, { filters: false });
    expect((entity as any)[time] ?? null).toEqual(fresh[time] ?? null);
    expect((entity as any).version).toEqual(fresh.version);
  }
  test.statements.length = 0;
  await em.flush();
  expect(test.statements.filter((sql) => !/^(begin|commit)$/.test(sql))).toEqual([]);
}

describe.each(Object.keys(KINDS) as (keyof typeof KINDS)[])('a time of deletion that is %s', (kind) => {
  const { Shelf, Book, Label } = declare(kind);
  let test: TestOrm;
  let em: EntityManager;
  const shelves = (of = em) => of.getRepository(Shelf) as unknown as SoftDeleteRepository<any>;

  beforeAll(async () => {
    test = await createTestOrm([Shelf, Book, Label]);
  });
  beforeEach(async () => {
    await fill(test);
    em = test.orm.em.fork();
  });
  afterAll(() => test.close());

  const load = (of = em) => of.find<any>(Shelf, {}, { populate: ['books', 'label'] as any, orderBy: { id: 1 } });

  it('is what a read gives after softDelete() and what it cascades to', async () => {
    const [shelf] = await load();
    const books = shelf.books.getItems();
    await shelves().softDelete(1);
    expect(shelves().isDeleted(shelf)).toBe(true);
    expect(books.map((book: any) => (em.getRepository(Book) as any).isDeleted(book))).toEqual([true, true]);
    await expectTruth(test, em);
    expect(await deletedRows(test, 'book')).toEqual([1, 2]);
  });

  it('is what a read gives after em.remove() and what it cascades to, loaded or not', async () => {
    const shelf = await em.findOneOrFail<any>(Shelf, 1);
    const [book] = await em.find<any>(Book, { id: 1 });
    em.remove(shelf);
    await em.flush();
    expect(shelves().isDeleted(shelf)).toBe(true);
    expect((em.getRepository(Book) as any).isDeleted(book)).toBe(true);
    await expectTruth(test, em);
    expect(await deletedRows(test, 'shelf')).toEqual([1]);
    expect(await deletedRows(test, 'book')).toEqual([1, 2]);
    expect(await deletedRows(test, 'label')).toEqual([1]);
  });

  it('is what a read gives after orphan removal and a replaced collection', async () => {
    const [first, second] = await load();
    first.books.remove(first.books[0]);
    second.label = null;
    await em.flush();
    await expectTruth(test, em);
    const fork = test.orm.em.fork();
    const unloaded = await fork.findOneOrFail<any>(Shelf, 2);
    (unloaded.books as Collection<any>).removeAll();
    await fork.flush();
    await expectTruth(test, fork);
    expect(await deletedRows(test, 'book')).toEqual([1, 3]);
    expect(await deletedRows(test, 'label')).toEqual([2]);
  });

  it('is what a read gives for bare references', async () => {
    const reference = em.getReference<any>(Shelf, 1);
    em.remove(reference);
    await em.flush();
    expect(await deletedRows(test, 'shelf')).toEqual([1]);
    await expectTruth(test, em);
  });

  it('is null again after restore(), whichever door the rows went through', async () => {
    const [first, second] = await load();
    em.remove(first);
    await em.flush();
    await shelves().softDelete(2);
    await shelves().restore([1, 2]);
    expect([first, second].map((shelf) => shelves().isDeleted(shelf))).toEqual([false, false]);
    expect(first.books.getItems()).toHaveLength(2);
    await expectTruth(test, em);
    expect(await deletedRows(test, 'book')).toEqual([]);
  });

  it('is what it was after a rollback', async () => {
    const [first, second] = await load();
    await expect(
      em.transactional(async (tx) => {
        tx.remove(first);
        await tx.flush();
        await shelves(tx).softDelete(2);
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect([first, second].map((shelf) => shelves().isDeleted(shelf))).toEqual([false, false]);
    expect(first.books.getItems()).toHaveLength(2);
    expect(await deletedRows(test, 'shelf')).toEqual([]);
    await expectTruth(test, em);
  });

  it('keeps the time of a row that somebody else has deleted meanwhile', async () => {
    const first = await em.findOneOrFail<any>(Shelf, 1);
    await shelves(test.orm.em.fork()).softDelete(1);
    const time = () => test.database.query('select deleted_at::text from shelf where id = 1');
    const before = await time();
    em.remove(first);
    await em.flush();
    expect(await time()).toEqual(before);
    await expectTruth(test, em);
  });

  it('brings the newest deleted row back with restoreOrCreate()', async () => {
    await test.database.query("update shelf set name = 'a'");
    await shelves().softDelete(1);
    await shelves().softDelete(2);
    const { entity, restored } = await shelves().restoreOrCreate({ name: 'a' }, { id: 9 });
    expect([entity.id, restored]).toEqual([2, true]);
    await expectTruth(test, em);
    const created = await shelves().restoreOrCreate({ name: 'b' }, { id: 9 });
    expect([created.entity.id, created.restored]).toEqual([9, false]);
  });

  it('shows the one that was deleted last on the other side of a one-to-one relation', async () => {
    await test.database.query('insert into label (id, shelf_id) values (3, null)');
    await (em.getRepository(Label) as any).softDelete(1);
    await test.database.query('update label set shelf_id = 1 where id = 3');
    await (em.getRepository(Label) as any).softDelete(3);
    // A flag cannot tell.
    const last = kind === 'a flag' ? [1, 3] : [3];
    const shelf: any = await shelves(test.orm.em.fork())
      .withDeleted()
      .findOne(1, { populate: ['label'] as any });
    expect(last).toContain(shelf.label.id);
    const all: any[] = await (test.orm.em.fork().getRepository(Label) as any)
      .withDeleted()
      .find({ shelf: 1 }, { populate: ['shelf.label'], orderBy: { id: -1 } });
    expect(last).toContain(all[0].shelf.label.id);
  });

  it('is in the change set as the database is told it', async () => {
    const seen: unknown[] = [];
    em.getEventManager().registerSubscriber({
      onFlush({ uow }: FlushEventArgs) {
        seen.push(...uow.getChangeSets().map(({ type, payload }) => [type, typeof (payload as any).deletedAt]));
      },
    });
    em.remove(await em.findOneOrFail<any>(Shelf, 1));
    await em.flush();
    const type = kind === 'a class' || kind === 'a flag' ? 'string' : 'object';
    expect(seen).toEqual([['update_early', type]]);
  });

  it('tells which rows are due', async () => {
    await shelves().softDelete(1);
    await test.database.query("update book set deleted_at = deleted_at - interval '2 days'");
    await test.database.query("update label set deleted_at = deleted_at - interval '2 days'");
    await test.database.query("update shelf set deleted_at = deleted_at - interval '2 days'");
    await shelves().softDelete(2);
    const report = await createPurge(test.orm).run({ olderThan: '1d' });
    expect(report.entities.map(({ purged }) => purged).reduce((sum, n) => sum + n)).toBe(4);
    expect(await test.database.query('select id from shelf')).toEqual([{ id: 2 }]);
  });
});

describe('a timestamp without a time zone', () => {
  it.each<[string, Partial<Options>]>([
    ['read in a time zone of its own', { forceUtcTimezone: false, timezone: '+02:00' }],
    ['read in the time zone of the process', { forceUtcTimezone: false }],
    ['read in UTC', {}],
  ])('is what a read gives where it is %s', async (_, options) => {
    const { Shelf, Book, Label } = declare('a Date over a timestamp without a time zone');
    const test = await createTestOrm([Shelf, Book, Label], options);
    try {
      await fill(test);
      const em = test.orm.em.fork();
      const [first] = await em.find<any>(Shelf, {}, { populate: ['books'] as any, orderBy: { id: 1 } });
      em.remove(first);
      await em.flush();
      await (em.getRepository(Shelf) as any).softDelete(2);
      await expectTruth(test, em);
    } finally {
      await test.close();
    }
  });
});

describe('a property declared with decorators', () => {
  @SoftDeletable({ property: 'gone' })
  @Entity({ repository: () => SoftDeleteRepository })
  class Decorated {
    @PrimaryKey({ type: 'number' })
    id!: number;

    @Property({ type: MomentType, nullable: true })
    gone?: Moment | null;

    @OneToMany(() => Part, 'whole', { orphanRemoval: true })
    parts = new Collection<Part>(this);
  }

  @SoftDeletable({ property: 'gone' })
  @Entity({ repository: () => SoftDeleteRepository })
  class Part {
    @PrimaryKey({ type: 'number' })
    id!: number;

    @Property({ type: MomentType, nullable: true })
    gone?: Moment | null;

    @ManyToOne(() => Decorated)
    whole!: Rel<Decorated>;
  }

  it.each<[string, () => Promise<any>]>([
    ['of TypeScript', async () => ({ Decorated, Part })],
    ['of ECMAScript', () => import(ecmascript)],
  ])('takes a custom type with those %s, from removal to purge', async (_, declared) => {
    const { Decorated: Whole, Part: Child } = await declared();
    const test = await createTestOrm([Whole, Child], { forceUndefined: true });
    const gone = async () => [
      await test.database.query('select id from decorated where gone is not null'),
      await test.database.query('select id from part where gone is not null order by id'),
    ];
    try {
      await test.database.query('insert into decorated (id) values (1)');
      await test.database.query('insert into part (id, whole_id) values (1, 1), (2, 1)');
      const em = test.orm.em.fork();
      const row = await em.findOneOrFail<any>(Whole, 1, { populate: ['parts'] as any });
      const [first] = row.parts.getItems();
      row.parts.remove(first);
      await em.flush();
      expect(first.gone).toBeInstanceOf(Moment);
      expect(await gone()).toEqual([[], [{ id: 1 }]]);
      em.remove(row);
      await em.flush();
      expect(await gone()).toEqual([[{ id: 1 }], [{ id: 1 }, { id: 2 }]]);
      await expectTruth(test, em, 'gone');

      const repository = test.orm.em.fork().getRepository(Whole) as unknown as SoftDeleteRepository<any>;
      await repository.restore(1);
      expect(await gone()).toEqual([[], [{ id: 1 }]]);
      await repository.softDelete(1);
      await test.database.query("update decorated set gone = gone - interval '2 days'");
      await test.database.query("update part set gone = gone - interval '2 days'");
      const report = await createPurge(test.orm).run({ olderThan: '1d' });
      expect(report.total).toBe(3);
      expect(await test.database.query('select id from decorated')).toEqual([]);
    } finally {
      await test.close();
    }
  });
});

describe('a column that is no timestamp', () => {
  class EpochType extends Type<number | null, string | null> {
    override getColumnType(): string {
      return 'bigint';
    }
  }
  class MillisecondsType extends Type<number | null, number | null> {
    override convertToJSValueSQL(key: string): string {
      return `(extract(epoch from ${key}) * 1000)::float8`;
    }
    override getColumnType(): string {
      return 'timestamptz';
    }
  }
  class WordType extends Type<string | null, string | null> {
    override getColumnType(): string {
      return 'text';
    }
  }

  it.each<[string, any, RegExp]>([
    [
      'bigint',
      () => p.type(EpochType).nullable(),
      /"deletedAt" is a column of type bigint, given by the custom type EpochType, not a timestamp.*timestamptz/,
    ],
    [
      'text',
      () => p.type(WordType).nullable(),
      /"deletedAt" is a column of type text, given by the custom type WordType, not a timestamp.*timestamptz/,
    ],
    ['a date', () => p.date().nullable(), /"deletedAt" is a column of type date, .*not a timestamp.*timestamptz/],
    [
      'a list',
      () => p.string().columnType('timestamptz[]').nullable(),
      /"deletedAt" is a column of type timestamptz\[\], not a timestamp/,
    ],
    [
      'SQL',
      () => p.type(MillisecondsType).nullable(),
      /"deletedAt" has the custom type MillisecondsType, which reads it through SQL.*`convertToJSValue\(\)`/,
    ],
    ['a reference', () => p.datetime().ref().nullable(), /"deletedAt" is wrapped in a reference.*Remove `ref: true`/],
  ])('is refused when the ORM starts: %s', async (_, time, message) => {
    const Marked = defineEntity({
      name: `Refused${++count}`,
      properties: { id: p.integer().primary(), deletedAt: time() },
    } as any);
    softDeletable(Marked as any);
    const orm = await MikroORM.init({ dbName: 'none', entities: [Marked] });
    expect(() => installSoftDelete(orm)).toThrow(
      expect.objectContaining({ name: 'SoftDeleteConfigError', message: expect.stringMatching(message) }),
    );
    await orm.close(true);
  });
});
