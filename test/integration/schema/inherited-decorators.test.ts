import type { EntityClass } from '@mikro-orm/core';
import { createPurge, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { backdateDeletions } from 'nestjs-mikro-orm-soft-delete/testing';
import { createTestOrm, type TestOrm } from '../../support/orm.js';
import { indexesOf } from './table-objects.js';

/** Kept from the type checker's eyes: it knows one kind of decorators per program. The others are in their own. */
const ecmascript: string = './inherited-entities.es.js';

describe.each([
  ['ECMAScript', () => import(ecmascript)],
  ['TypeScript', () => import('./inherited-entities.js')],
])('%s decorators of base classes', (_kind, load) => {
  let test: TestOrm;
  let classes: Record<string, EntityClass<any>>;

  beforeAll(async () => {
    const { entities } = (await load()) as { entities: EntityClass<any>[] };
    classes = Object.fromEntries(entities.map((entity) => [(entity as { name: string }).name, entity]));
    test = await createTestOrm(entities);
  });

  afterAll(() => test.close());

  it('are those of each heir, whose own stay out of its sibling', async () => {
    expect(await indexesOf(test.database, 'book')).toEqual({
      book_withdrawn_at_id_index:
        'INDEX book_withdrawn_at_id_index on btree (withdrawn_at, id) WHERE (withdrawn_at IS NOT NULL)',
      book_isbn_unique: 'UNIQUE INDEX book_isbn_unique on btree (isbn) WHERE (withdrawn_at IS NULL)',
      book_signature_unique: 'UNIQUE INDEX book_signature_unique on btree (signature) WHERE (withdrawn_at IS NULL)',
    });
    expect(await indexesOf(test.database, 'map')).toEqual({
      map_withdrawn_at_id_index:
        'INDEX map_withdrawn_at_id_index on btree (withdrawn_at, id) WHERE (withdrawn_at IS NOT NULL)',
      map_publisher_sheet_unique:
        'UNIQUE INDEX map_publisher_sheet_unique on btree (publisher, sheet) WHERE (withdrawn_at IS NULL)',
      map_sheet_index: 'INDEX map_sheet_index on btree (sheet) WHERE (withdrawn_at IS NULL)',
      map_signature_unique: 'UNIQUE INDEX map_signature_unique on btree (signature) WHERE (withdrawn_at IS NULL)',
    });
  });

  it('follow the mark of each heir where the base class has none', async () => {
    expect(await indexesOf(test.database, 'shelf')).toEqual({
      shelf_deleted_at_id_index:
        'INDEX shelf_deleted_at_id_index on btree (deleted_at, id) WHERE (deleted_at IS NOT NULL)',
      shelf_name_unique: 'UNIQUE INDEX shelf_name_unique on btree (name) WHERE (deleted_at IS NULL)',
    });
    expect(await indexesOf(test.database, 'branch')).toEqual({
      branch_name_unique: 'UNIQUE INDEX branch_name_unique on btree (name) WHERE (closed IS NULL)',
    });
    expect(
      await test.database.query('select tgrelid::regclass::text as table from pg_trigger where not tgisinternal'),
    ).toEqual([{ table: 'shelf' }]);
  });

  it('are on the one table of a single-table hierarchy below an abstract root', async () => {
    // The ORM indexes the discriminator with one kind of decorators and not with the other.
    const { reader_kind_index: _discriminator, ...ours } = await indexesOf(test.database, 'reader');
    expect(ours).toEqual({
      reader_card_unique: 'UNIQUE INDEX reader_card_unique on btree (card) WHERE (deleted_at IS NULL)',
      reader_deleted_at_id_index:
        'INDEX reader_deleted_at_id_index on btree (deleted_at, id) WHERE (deleted_at IS NOT NULL)',
      reader_fee_index: 'INDEX reader_fee_index on btree (fee) WHERE (deleted_at IS NULL)',
      reader_pass_unique: 'UNIQUE INDEX reader_pass_unique on btree (pass) WHERE (deleted_at IS NULL)',
    });
    expect(await test.orm.schema.getUpdateSchemaSQL({ wrap: false })).toBe('');
  });

  it('make a conflict of a value that another heir may hold', async () => {
    const books = repository('Book');
    await test.database.query(
      `insert into book (id, signature, isbn, withdrawn_at) values (1, 'a', 'x', now()), (2, 'b', 'x', null);
       insert into map (id, signature, publisher, sheet) values (1, 'a', 'survey', 7)`,
    );
    await expect(books.restore(1)).rejects.toMatchObject({
      conflicts: [{ reason: 'unique', constraint: 'book_isbn_unique', properties: ['isbn'], conflictingKey: 2 }],
    });
    await books.softDelete(2);
    expect(await books.restore(1)).toMatchObject({ affected: { Book: 1 } });
    expect(await test.database.query('select id from book where withdrawn_at is null')).toEqual([{ id: 1 }]);
  });

  describe('with a single table below an abstract root', () => {
    beforeEach(async () => {
      await test.database.query(
        `delete from reader; insert into reader (id, kind, card, sponsor, pass, fee, guardian_id) values
           (1, 'member', 'm1', null, null, 10, null), (2, 'member', 'm2', null, null, 20, 1),
           (3, 'member', 'm3', null, null, 30, null), (4, 'day', 'd1', 'Ada', 'p1', null, null);
         select setval('reader_id_seq', 4)`,
      );
    });

    it.each(['Reader', 'Guest', 'DayGuest'])('deletes and restores through %s', async (name) => {
      expect(await repository(name).softDelete({ card: 'd1' })).toMatchObject({ affected: { Reader: 1 } });
      expect(await active('reader')).toEqual([1, 2, 3]);
      expect(await repository(name).findAll({ where: { card: 'd1' } })).toEqual([]);
      expect(await repository(name).onlyDeleted().count()).toBe(1);
      expect(await repository(name).restore(4)).toMatchObject({ affected: { Reader: 1 } });
      expect(await active('reader')).toEqual([1, 2, 3, 4]);
    });

    it('reaches only rows of the class that is asked', async () => {
      await repository('DayGuest').softDelete({ card: { $like: '%' } });
      expect(await active('reader')).toEqual([1, 2, 3]);
      await repository('Member').softDelete({ card: { $like: '%' } });
      expect(await active('reader')).toEqual([]);
      await repository('DayGuest').restore({ card: { $like: '%' } });
      expect(await active('reader')).toEqual([4]);
    });

    it('reaches what the ORM finds for an abstract class between the root and the leaves', async () => {
      const found = await repository('Guest').findAll();
      expect(await repository('Guest').softDelete({ card: { $like: '%' } })).toMatchObject({ total: found.length });
    });

    it('takes along what a leaf cascades to, as one unit', async () => {
      const em = test.orm.em.fork();
      em.remove(await em.findOneOrFail(classes['Reader']!, 1));
      await em.flush();
      expect(await active('reader')).toEqual([3, 4]);
      expect(await test.database.query('select count(distinct deleted_at)::int as units from reader')).toEqual([
        { units: 1 },
      ]);
      expect(await repository('Member').restore(1)).toMatchObject({ total: 2 });
      expect(await active('reader')).toEqual([1, 2, 3, 4]);
    });

    it('frees the unique values of the root and of the leaf', async () => {
      await repository('DayGuest').softDelete(4);
      const em = test.orm.em.fork();
      em.create(classes['DayGuest']!, { card: 'd1', sponsor: 'Bob', pass: 'p1' });
      await em.flush();
      await expect(repository('Reader').restore(4)).rejects.toMatchObject({
        conflicts: expect.arrayContaining(
          ['reader_card_unique', 'reader_pass_unique'].map((constraint) =>
            expect.objectContaining({ reason: 'unique', constraint }),
          ),
        ),
      });
    });

    it('is removed physically by name, and purged', async () => {
      await repository('Member').softDelete(1);
      await repository('Guest').softDelete(4);
      await backdateDeletions(test.orm.em.fork(), '2d');
      const { entities } = await createPurge(test.orm, { retention: '1d' }).run();
      expect(Object.fromEntries(entities.map(({ entity, purged }) => [entity, purged]))).toEqual({
        Reader: 3,
        Book: expect.any(Number),
        Map: 0,
        Shelf: 0,
        Branch: 0,
      });
      expect(await repository('Reader').hardDelete(3)).toBe(1);
      expect(await test.database.query('select id from reader')).toEqual([]);
    });
  });

  function repository(name: string): SoftDeleteRepository<any> {
    return new SoftDeleteRepository<any>(test.orm.em.fork(), classes[name]!);
  }

  async function active(table: string): Promise<number[]> {
    const rows = await test.database.query(`select id from ${table} where deleted_at is null order by id`);
    return rows.map(({ id }) => id);
  }
});
